// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/options.hpp"

#include <catch2/catch.hpp>

#include "codec_harness.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

const std::string kUpdate = "05000000" "0000" "0000" "0000";            // behind Payload Proto and Header Len
const std::string kCareOf = "0310" "20010db8020000000000000000000005";   // Alternate Care-of Address
const std::string kNonces = "0404" "0102" "0304";
const std::string kAuthorization = "050c" "a0a1a2a3a4a5a6a7a8a9aaab";

const AlternateCareOfAddress care_of{address("2001:db8:200::5")};
const NonceIndices nonces{0x0102, 0x0304};
const BindingAuthorizationData authorization{
    {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab}};

void check_update(MobilityOptions options, const std::string& golden) {
  check_codec(BindingUpdate{.options = std::move(options)}, golden);
}

// A Binding Update whose options are these octets, filled up with Pad1.
Bytes update_with(std::string_view options_hex) {
  Bytes header = from_hex("3b00" + kUpdate + std::string(options_hex));
  while (header.size() % 8 != 0) header.push_back(0);
  return mended(header);
}

}  // namespace

TEST_CASE("RFC 6275 §6.2: padding in front of each option and behind the last") {
  SECTION("Alternate Care-of Address, 8n+6: PadN 2 in front") { check_update({care_of}, "3b03" + kUpdate + "0100" + kCareOf); }
  SECTION("Nonce Indices and Binding Authorization Data need no padding at all") {
    check_update({nonces, authorization}, "3b03" + kUpdate + kNonces + kAuthorization);
  }
  SECTION("all three: the padding stands before the authorization, never behind it") {
    check_update({care_of, nonces, authorization}, "3b06" + kUpdate + "0100" + kCareOf + kNonces + "01020000" + kAuthorization);
  }
  SECTION("Binding Authorization Data alone: PadN 6") {
    check_update({authorization}, "3b03" + kUpdate + "010400000000" + kAuthorization);
  }
  SECTION("Binding Refresh Advice in an acknowledgement fills it up") {
    check_codec(BindingAcknowledgement{.options = {BindingRefreshAdvice{0x0100}}},
                "3b01" "06000000" "00" "00" "0000" "0000" "0202" "0100");
  }
  SECTION("identifier, timestamp 8n+2, authentication that ends the header") {
    const MobileNodeIdentifier identifier{MobileNodeIdentifier::kNai, {'m', 'n'}};
    const MessageAuthentication authentication{MessageAuthentication::kMobileNodeHomeAgent, 256, Bytes(12, 0xcc)};
    check_update({identifier, ReplayProtection{0x1122334455667788}, authentication},
                 "3b05" + kUpdate + "0803" "01" "6d6e" "00" "0a08" "1122334455667788" "00" "0911" "01" "00000100" +
                     "cccccccccccccccccccccccc");
  }
  SECTION("an option that nobody knows has no alignment and keeps its octets") {
    check_update({UnknownOption{200, {1, 2, 3}}}, "3b02" + kUpdate + "c803" "010203" "0105" "0000000000");
  }
  SECTION("an empty unknown option") { check_update({UnknownOption{11, {}}}, "3b01" + kUpdate + "0b00" "0100"); }
}

TEST_CASE("the authentication option ends the header whatever stands before it") {
  for (std::size_t length = 0; length <= 253; ++length) {
    MobilityMessage message = BindingUpdate{
        .options = {MobileNodeIdentifier{MobileNodeIdentifier::kNai, Bytes(length, 'x')}, ReplayProtection{1},
                    MessageAuthentication{MessageAuthentication::kMobileNodeHomeAgent, 256, Bytes(12, 0xcc)}}};
    const Bytes header = encode(message);
    CHECK(std::all_of(header.end() - 12, header.end(), [](std::uint8_t o) { return o == 0xcc; }));
    CHECK((header.size() - 12 - 7) % 4 == 1);  // its own alignment 4n+1
  }
}

TEST_CASE("padding of every kind is skipped") {
  const auto decoded = decode_at(update_with("00" "0100" "0103ffffff" "00" + kNonces + "0100"));
  REQUIRE(decoded);
  CHECK(options_of(*decoded) == MobilityOptions{nonces});
}

TEST_CASE("a TLV that runs past the header is refused at its length") {
  for (const char* type : {"01", "02", "03", "04", "05", "08", "09", "0a", "c8"}) {
    INFO(type);
    CHECK(decode_at(update_with(std::string(type) + "10" "0000")).error() ==
          DecodeError{DecodeErrorKind::OptionOverrun, 13});
  }
  SECTION("and so is one that has no length octet any more") {
    CHECK(decode_at(update_with("0000" "00" "c8")).error() == DecodeError{DecodeErrorKind::OptionOverrun, 16});
  }
}

TEST_CASE("a known option with a length that its definition forbids is refused at its length") {
  struct Row {
    unsigned type;
    unsigned shortest;
    unsigned longest;
  };
  // Binding Refresh Advice, Alternate Care-of Address, Nonce Indices, Binding Authorization Data, identifier,
  // authentication, timestamp
  for (const Row row : {Row{2, 2, 2}, Row{3, 16, 16}, Row{4, 4, 4}, Row{5, 12, 12}, Row{8, 1, 255}, Row{9, 5, 255},
                        Row{10, 8, 8}}) {
    for (unsigned length = 0; length <= 255; ++length) {
      INFO("type " << row.type << " length " << length);
      Bytes options{static_cast<std::uint8_t>(row.type), static_cast<std::uint8_t>(length)};
      options.resize(2 + length);
      // Filled up in front, so that Binding Authorization Data is the last one.
      const std::size_t padding = (8 - (12 + options.size()) % 8) % 8;
      options.insert(options.begin(), padding, 0);
      const auto decoded = decode_at(update_with(to_hex(options)));
      if (length >= row.shortest && length <= row.longest) {
        CHECK(decoded);
      } else {
        REQUIRE(!decoded);
        CHECK(decoded.error() == DecodeError{DecodeErrorKind::OptionLengthWrong, 12 + padding + 1});
      }
    }
  }
}

TEST_CASE("RFC 6275 §6.2.7: nothing stands behind Binding Authorization Data") {
  CHECK(decode_at(update_with("010400000000" + kAuthorization)));
  SECTION("no padding") {
    CHECK(decode_at(update_with("010400000000" + kAuthorization + "0106")).error() ==
          DecodeError{DecodeErrorKind::OptionMisplaced, 32});
  }
  SECTION("no other option") {
    CHECK(decode_at(update_with("010400000000" + kAuthorization + kNonces)).error() ==
          DecodeError{DecodeErrorKind::OptionMisplaced, 32});
  }
}

TEST_CASE("find_option gives the first of its kind") {
  const MobilityOptions options{nonces, NonceIndices{7, 8}};
  REQUIRE(find_option<NonceIndices>(options) != nullptr);
  CHECK(*find_option<NonceIndices>(options) == nonces);
  CHECK(find_option<AlternateCareOfAddress>(options) == nullptr);
}
