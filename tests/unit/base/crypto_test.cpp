// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/crypto.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace mipflow;

namespace {

Bytes octets(std::string_view text) { return Bytes(text.begin(), text.end()); }

std::string hex(BytesView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t octet : bytes) {
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

}  // namespace

TEST_CASE("SHA-1: RFC 3174 §7.3") {
  CHECK(hex(sha1(octets("abc"))) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex(sha1({})) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST_CASE("HMAC-SHA-1: RFC 2202 §3") {
  CHECK(hex(hmac_sha1(Bytes(20, 0x0b), octets("Hi There"))) == "b617318655057264e28bc0b6fb378c8ef146be00");
  CHECK(hex(hmac_sha1(octets("Jefe"), octets("what do ya want for nothing?"))) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  CHECK(hex(hmac_sha1(Bytes(80, 0xaa), octets("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
        "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

TEST_CASE("HMAC-SHA-256: RFC 4231 §4") {
  CHECK(hex(hmac_sha256(Bytes(20, 0x0b), octets("Hi There"))) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex(hmac_sha256(octets("Jefe"), octets("what do ya want for nothing?"))) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("an empty key is a key, not the one of the call before") {
  (void)hmac_sha256(octets("another key"), octets("data"));
  CHECK(hex(hmac_sha256({}, {})) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("comparing in constant time") {
  CHECK(equal_in_constant_time(octets("abc"), octets("abc")));
  CHECK(equal_in_constant_time({}, {}));
  CHECK_FALSE(equal_in_constant_time(octets("abc"), octets("abd")));
  CHECK_FALSE(equal_in_constant_time(octets("abc"), octets("ab")));
  CHECK_FALSE(equal_in_constant_time({}, octets("a")));
}
