// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/agent_service.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "codec_harness.hpp"
#include "mipflow/wire/authentication.hpp"
#include "mipflow/wire/packet.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

const std::string kAddressInHex = "20010db8010000000000000000000100";
const Address kHome = address("2001:db8:100::100");
const SecurityAssociation kAssociation{"laptop@example.net", 1000, Bytes(16, 7)};

AgentServiceMessage message_with(AgentServiceBody body) { return {.transaction = 7, .body = std::move(body)}; }

Sha256Digest digest_of(std::uint8_t octet) {
  Sha256Digest out;
  out.fill(octet);
  return out;
}

// A header with one thing wrong: `octets` behind the common six.
Expected<MobilityMessage, DecodeError> decode_service(std::string_view octets) {
  Bytes header = from_hex("3b000b000000" + std::string(octets));
  REQUIRE(header.size() % 8 == 0);
  return decode_at(mended(std::move(header)));
}

}  // namespace

TEST_CASE("every message of the service has its golden octets, comes back as it went, and survives every cut") {
  SECTION("Home Address Request") {
    check_codec(message_with(HomeAddressRequest{HomeAddressSource::Agent, 3}), "3b010b000000" "0101" "00000007" "0002" "0103");
  }
  SECTION("Home Address Reply with addresses and a reason") {
    check_codec(message_with(HomeAddressReply{HomeAddressSource::Dhcpv6, HomeAddressStatus::SourceRefused, {{kHome, 3600, 7200}}, "no"}),
                "3b050b000000" "0102" "00000007" "001e" "02820102" + kAddressInHex + "00000e10" "00001c20" "6e6f" "01020000");
  }
  SECTION("Home Address Release") {
    check_codec(message_with(HomeAddressRelease{HomeAddressReleaseReason::Duplicate, {kHome}}),
                "3b030b000000" "0103" "00000007" "0012" "0101" + kAddressInHex);
  }
  SECTION("the acknowledgements have no body") {
    check_codec(message_with(HomeAddressReleaseAcknowledgement{}), "3b010b000000" "0104" "00000007" "0000" "0100");
    check_codec(message_with(HomeAddressChangeAcknowledgement{}), "3b010b000000" "0106" "00000007" "0000" "0100");
  }
  SECTION("Home Address Change") {
    check_codec(message_with(HomeAddressChange{{{kHome, 0, kInfiniteLifetime}}}),
                "3b040b000000" "0105" "00000007" "001a" "0100" + kAddressInHex + "00000000" "ffffffff");
  }
  SECTION("Policy Request") {
    check_codec(message_with(PolicyRequest{5, 1000}), "3b020b000000" "0107" "00000007" "0008" "00000005" "000003e8" "0100");
  }
  SECTION("Policy Reply") {
    check_codec(message_with(PolicyReply{PolicyStatus::Unchanged, 5, 2, 0, digest_of(0xaa), {'a', 'b'}}),
                "3b070b000000" "0108" "00000007" "0032" "01000002" "00000005" "00000002" "00000000" +
                    to_hex(digest_of(0xaa)) + "6162");
  }
  SECTION("Policy Changed") {
    check_codec(message_with(PolicyChanged{5}), "3b020b000000" "0109" "00000007" "0004" "00000005" "010400000000");
  }
  SECTION("Home Address Refresh") {
    check_codec(message_with(HomeAddressRefresh{{kHome}}), "3b030b000000" "010a" "00000007" "0012" "0100" + kAddressInHex);
  }
  SECTION("Home Address Refresh Reply") {
    check_codec(message_with(HomeAddressRefreshReply{{{kHome, 0, kInfiniteLifetime}}}),
                "3b040b000000" "010b" "00000007" "001a" "0100" + kAddressInHex + "00000000" "ffffffff");
  }
  SECTION("an operation of a later edition is kept as it is") {
    check_codec(message_with(UnknownOperation{0x63, {0xde, 0xad}}), "3b010b000000" "0163" "00000007" "0002" "dead");
  }
  SECTION("the largest of each") {
    HomeAddressReply reply{HomeAddressSource::Agent, HomeAddressStatus::Allocated, {}, std::string(kLongestReason, 'x')};
    reply.addresses.assign(kMostAddressesPerMessage, {kHome, 1, 2});
    const AgentServiceMessage largest = message_with(reply);
    CHECK(std::get<AgentServiceMessage>(*decode_at(mended(encode(largest)))) == largest);
    const AgentServiceMessage part = message_with(PolicyReply{.part = Bytes(kLargestPolicyPart, 'p')});
    CHECK(std::get<AgentServiceMessage>(*decode_at(mended(encode(part)))) == part);
  }
}

TEST_CASE("more than fits is left out, so that what is sent can be read") {
  HomeAddressChange change;
  change.addresses.assign(kMostAddressesPerMessage + 1, {kHome, 1, 2});
  const auto decoded = decode_at(mended(encode(message_with(change))));
  REQUIRE(decoded);
  const auto& body = std::get<HomeAddressChange>(std::get<AgentServiceMessage>(*decoded).body);
  CHECK(body.addresses.size() == kMostAddressesPerMessage);
}

TEST_CASE("a service message that says what can not be is refused, at the octets that say how long the body is") {
  const DecodeError wrong{DecodeErrorKind::ServiceBodyWrong, 12};
  CHECK(decode_service("0101" "00000007" "0003" "0103").error() == wrong);                        // behind the end
  CHECK(decode_service("0101" "00000007" "ffff" "0103").error() == wrong);
  CHECK(decode_service("0101" "00000007" "0001" "0103").error() == wrong);                        // lacks the count
  CHECK(decode_service("0102" "00000007" "0008" "01000100" "20010db8" "0100").error() == wrong);  // half an address
  CHECK(decode_service("0103" "00000007" "0002" "0011").error() == wrong);                        // 17 addresses
  CHECK(decode_service("0105" "00000007" "0002" "ff00").error() == wrong);
  CHECK(decode_service("0107" "00000007" "0002" "0000").error() == wrong);
  CHECK(decode_service("0109" "00000007" "0000" "0100").error() == wrong);
  const AgentServiceMessage too_long = message_with(HomeAddressReply{.reason = "r"});
  Bytes header = encode(too_long);
  header[17] = kLongestReason + 1;
  CHECK(decode_at(mended(header)).error() == wrong);
}

TEST_CASE("a header too short for the fixed part, and other versions") {
  CHECK(decode_service("0101").error() == DecodeError{DecodeErrorKind::HeaderLenTooSmall, 1});
  for (unsigned version = 0; version < 256; ++version) {
    if (version == kAgentServiceVersion) continue;
    Bytes header = encode(message_with(HomeAddressRequest{}));
    header[6] = static_cast<std::uint8_t>(version);
    REQUIRE(decode_at(mended(header)).error() == DecodeError{DecodeErrorKind::UnknownMobilityType, 2});
  }
}

TEST_CASE("numbers without a name here come through") {
  const AgentServiceMessage message = message_with(
      HomeAddressReply{static_cast<HomeAddressSource>(9), static_cast<HomeAddressStatus>(77), {}, ""});
  CHECK(std::get<AgentServiceMessage>(*decode_at(mended(encode(message)))) == message);
  CHECK(to_string(static_cast<HomeAddressSource>(9)) == "source-9");
  CHECK(to_string(static_cast<HomeAddressStatus>(77)) == "status-77");
  CHECK(to_string(static_cast<AgentServiceOperation>(77)) == "operation-77");
}

TEST_CASE("octets of the body that are left over are a later edition's") {
  const auto decoded = decode_service("0101" "00000007" "0004" "0103" "beef" "010400000000");
  REQUIRE(decoded);
  CHECK(std::get<HomeAddressRequest>(std::get<AgentServiceMessage>(*decoded).body).count == 3);
}

TEST_CASE("the service is authenticated like a Binding Update: every octet up to the authenticator counts") {
  const Address care_of = address("2001:db8:200::5");
  for (const AgentServiceBody& body : {AgentServiceBody{HomeAddressRequest{}},
                                       AgentServiceBody{HomeAddressReply{.addresses = {{kHome, 1, 2}}, .reason = "why"}},
                                       AgentServiceBody{PolicyReply{.part = Bytes(123, 'p')}},
                                       AgentServiceBody{UnknownOperation{200, Bytes(7, 9)}}}) {
    const Bytes header = encode_authenticated(message_with(body), {.association = kAssociation,
                                                                   .key = kAssociation.key,
                                                                   .care_of_address = care_of,
                                                                   .home_address = kHome,
                                                                   .timestamp = 0x0102030405060708,
                                                                   .with_identifier = true});
    CHECK(authenticator_is_right(header, 1000, kAssociation.key, care_of, kHome));
    CHECK_FALSE(authenticator_is_right(header, 1001, kAssociation.key, care_of, kHome));
    CHECK_FALSE(authenticator_is_right(header, 1000, kAssociation.key, kHome, kHome));
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (i == 4 || i == 5) continue;  // the checksum
      Bytes spoilt = header;
      spoilt[i] ^= 1;
      REQUIRE_FALSE(authenticator_is_right(spoilt, 1000, kAssociation.key, care_of, kHome));
    }
    const auto decoded = decode_at(mended(header));
    REQUIRE(decoded);
    const auto& message = std::get<AgentServiceMessage>(*decoded);
    CHECK(message.body == body);
    CHECK(find_option<ReplayProtection>(message.options)->ntp_timestamp == 0x0102030405060708);
  }
}

TEST_CASE("the authenticator of a policy covers version and text") {
  const Bytes key(16, 7);
  const auto right = policy_authenticator(key, 5, "[default]\n");
  CHECK(right == policy_authenticator(key, 5, "[default]\n"));
  CHECK(right != policy_authenticator(key, 6, "[default]\n"));
  CHECK(right != policy_authenticator(key, 5, "[default]\n "));
  CHECK(right != policy_authenticator(Bytes(16, 8), 5, "[default]\n"));
  // HMAC-SHA-256 of "mipflow network policy" 00000005 "[default]\n", by Python's hmac.
  CHECK(to_hex(right) == "177bd2d33d2c3b6edf59582e01c44c4126c7e4dc8da33c302d573a45a334ac57");
}

TEST_CASE("random bodies never do more than decode, and what decodes can be written again") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes header(16 + 8 * (random() % 40));
    for (auto& octet : header) octet = static_cast<std::uint8_t>(random() % (random() % 2 ? 256 : 12));
    header[0] = 59;
    header[2] = 11;
    header[6] = kAgentServiceVersion;
    header[7] = static_cast<std::uint8_t>(random() % 11);
    const std::size_t body = random() % (header.size() - 8);
    header[12] = static_cast<std::uint8_t>(body >> 8);
    header[13] = static_cast<std::uint8_t>(body);
    const auto decoded = decode_at(mended(header));
    if (!decoded) {
      CHECK(decoded.error().offset <= header.size());
      continue;
    }
    ++accepted;
    const auto again = decode_at(mended(encode(*decoded)));
    REQUIRE(again);
    CHECK(*again == *decoded);
  }
  CHECK(accepted > 100);
}
