// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/dhcpv6.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/packet.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

const Bytes kClient = from_hex("0004101112131415161718191a1b1c1d1e1f");       // DUID-UUID
const Bytes kServer = from_hex("000100012a3b4c5d02aabbccdd01");               // DUID-LLT
const Address kLeased = address("2001:db8:100::a1");

// What scapy 2.5 makes of the same values.
struct Golden {
  Dhcpv6Message message;
  const char* hex;
};

std::vector<Golden> golden() {
  return {
      {{.type = Dhcpv6Type::Solicit,
        .transaction_id = 0x123456,
        .client_identifier = kClient,
        .associations = {{.identifier = 7}},
        .requested_options = {kDhcpv6SolMaxRtOption},
        .elapsed_time = 0},
       "01123456000100120004101112131415161718191a1b1c1d1e1f0003000c000000070000000000000000000600020052000800020000"},
      {{.type = Dhcpv6Type::Advertise,
        .transaction_id = 0x123456,
        .client_identifier = kClient,
        .server_identifier = kServer,
        .associations = {{.identifier = 7, .t1 = 1000, .t2 = 2000, .addresses = {{kLeased, 3000, 4000, {}}}}},
        .preference = 255,
        .longest_solicit_timeout = 7200},
       "02123456000100120004101112131415161718191a1b1c1d1e1f0002000e000100012a3b4c5d02aabbccdd010003002800000007000003e80000"
       "07d00005001820010db80100000000000000000000a100000bb800000fa000070001ff0052000400001c20"},
      {{.type = Dhcpv6Type::Reply,
        .transaction_id = 0xabcdef,
        .client_identifier = kClient,
        .server_identifier = kServer,
        .associations = {{.identifier = 7,
                          .addresses = {{kLeased, 0, 0, Dhcpv6Status{Dhcpv6StatusCode::NoBinding, "gone"}}},
                          .status = Dhcpv6Status{Dhcpv6StatusCode::NoAddrsAvail, "none left"}}},
        .status = Dhcpv6Status{Dhcpv6StatusCode::Success, "ok"}},
       "07abcdef000100120004101112131415161718191a1b1c1d1e1f0002000e000100012a3b4c5d02aabbccdd0100030041000000070000000000000"
       "0000005002220010db80100000000000000000000a10000000000000000000d00060003676f6e65000d000b00026e6f6e65206c656674000d0004"
       "00006f6b"},
      {{.type = Dhcpv6Type::Release,
        .transaction_id = 1,
        .client_identifier = kClient,
        .server_identifier = kServer,
        .associations = {{.identifier = 7, .addresses = {{kLeased, 0, 0, {}}}}},
        .elapsed_time = 150},
       "08000001000100120004101112131415161718191a1b1c1d1e1f0002000e000100012a3b4c5d02aabbccdd0100030028000000070000000000000"
       "0000005001820010db80100000000000000000000a10000000000000000000800020096"},
  };
}

Bytes with_options(const char* hex) { return from_hex(std::string("07123456") + hex); }

DecodeError refused(const Bytes& bytes, std::size_t base = 0) {
  const auto decoded = decode_dhcpv6(bytes, base);
  REQUIRE(!decoded);
  return decoded.error();
}

}  // namespace

TEST_CASE("DHCPv6 messages are scapy's, octet by octet, and come back as they went") {
  for (const auto& [message, hex] : golden()) {
    CHECK(to_hex(encode(message)) == hex);
    const auto decoded = decode_dhcpv6(from_hex(hex));
    REQUIRE(decoded);
    CHECK(*decoded == message);
  }
}

TEST_CASE("DHCPv6: every cut is refused, or leaves a message that has less") {
  for (const auto& [message, hex] : golden()) {
    const Bytes whole = from_hex(hex);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      const auto less = decode_dhcpv6(cut, 48);
      if (less) {
        CHECK(*less != message);
        CHECK(encode(*less) == cut);  // between two options of the message, nowhere else
      } else {
        CHECK(less.error().offset >= 48);
        CHECK(less.error().offset <= 48 + length);
        CHECK(less.error().kind == (length < 4 ? DecodeErrorKind::Truncated : DecodeErrorKind::OptionOverrun));
      }
    }
  }
}

TEST_CASE("DHCPv6: what tshark said about the packets of the vectors") {
  const auto field = [](const Vector& vector, const char* name) { return vector.whole["tshark"][name].get<std::string>(); };
  for (const char* name : {"dhcp6_solicit", "dhcp6_advertise", "dhcp6_request", "dhcp6_reply"}) {
    INFO(name);
    const Vector& vector = vector_named(name);
    const auto view = parse_packet(vector.packet);
    REQUIRE(view);
    const auto message = decode_dhcpv6(view->payload.subspan(8));
    REQUIRE(message);
    CHECK(std::to_string(static_cast<unsigned>(message->type)) == field(vector, "dhcpv6.msgtype"));
    CHECK(message->transaction_id == std::stoul(field(vector, "dhcpv6.xid"), nullptr, 16));
    REQUIRE(message->associations.size() == 1);
    const Dhcpv6Association& association = message->associations.front();
    CHECK(association.identifier == std::stoul(field(vector, "dhcpv6.iaid"), nullptr, 16));
    CHECK(std::to_string(association.t1) == field(vector, "dhcpv6.iaid.t1"));
    CHECK(std::to_string(association.t2) == field(vector, "dhcpv6.iaid.t2"));
    // tshark shows milliseconds.
    if (message->elapsed_time) CHECK(std::to_string(*message->elapsed_time * 10) == field(vector, "dhcpv6.elapsed_time"));
    for (const Dhcpv6Address& leased : association.addresses) {
      CHECK(to_string(leased.address) == field(vector, "dhcpv6.iaaddr.ip"));
      CHECK(std::to_string(leased.preferred_lifetime) == field(vector, "dhcpv6.iaaddr.pref_lifetime"));
      CHECK(std::to_string(leased.valid_lifetime) == field(vector, "dhcpv6.iaaddr.valid_lifetime"));
    }
  }
  // A relay's business.
  const auto relayed = parse_packet(vector_named("dhcp6_relay_forward").packet);
  REQUIRE(relayed);
  CHECK(refused({relayed->payload.begin() + 8, relayed->payload.end()}, 48) == DecodeError{DecodeErrorKind::NotMobileIpv6, 48});
}

TEST_CASE("DHCPv6: lengths and repetitions that its options do not allow") {
  using enum DecodeErrorKind;
  CHECK(refused(with_options("0001000200aa")) == DecodeError{OptionLengthWrong, 6});            // DUID of 2 octets
  CHECK(refused(with_options("00070000")) == DecodeError{OptionLengthWrong, 6});                // preference
  CHECK(refused(with_options("00070002ffff")) == DecodeError{OptionLengthWrong, 6});
  CHECK(refused(with_options("0008000100")) == DecodeError{OptionLengthWrong, 6});              // elapsed time
  CHECK(refused(with_options("00060003005200")) == DecodeError{OptionLengthWrong, 6});          // option request
  CHECK(refused(with_options("000d000100")) == DecodeError{OptionLengthWrong, 6});              // status code
  CHECK(refused(with_options("0052000200ff")) == DecodeError{OptionLengthWrong, 6});            // SOL_MAX_RT
  CHECK(refused(with_options("0003000b" "0000000700000000000000")) == DecodeError{OptionLengthWrong, 6});
  CHECK(refused(with_options("00030014" "000000070000000000000000" "000500040a0b0c0d")) == DecodeError{OptionLengthWrong, 22});
  CHECK(refused(with_options("00030010" "000000070000000000000000" "00050018")) == DecodeError{OptionOverrun, 20});
  CHECK(refused(with_options("00070001010007000102")) == DecodeError{OptionMisplaced, 9});
  CHECK(refused(with_options("0003000c0000000700000000000000000003000c000000070000000000000000")) ==
        DecodeError{OptionMisplaced, 20});
  CHECK(decode_dhcpv6(with_options("0003000c0000000700000000000000000003000c000000080000000000000000")));
  CHECK(decode_dhcpv6(with_options("00ff000400000000")));  // unknown: skipped

  Bytes longest = with_options("00010082");
  longest.resize(longest.size() + 130);
  CHECK(decode_dhcpv6(longest));
  longest = with_options("00010083");
  longest.resize(longest.size() + 131);
  CHECK(refused(longest) == DecodeError{OptionLengthWrong, 6});

  for (unsigned type = 0; type < 256; ++type) {
    const bool ours = (type >= 1 && type <= 9 && type != 4);
    const Bytes bytes{static_cast<std::uint8_t>(type), 0, 0, 0};
    CHECK(decode_dhcpv6(bytes).has_value() == ours);
  }
}

TEST_CASE("DHCPv6: a client's packet") {
  // IPv6, UDP and checksum by scapy.
  CHECK(to_hex(build_dhcpv6_packet(address("fe80::1"), golden().front().message)) ==
        "60000000003e1101fe800000000000000000000000000001ff02000000000000000000000001000202220223003e0eec" +
            std::string(golden().front().hex));

  SECTION("a checksum of 0 is written as 0xffff") {
    Dhcpv6Message message = golden().front().message;
    bool met = false;
    for (std::uint32_t id = 0; id <= 0xffff && !met; ++id) {
      message.transaction_id = id;
      const Bytes packet = build_dhcpv6_packet(address("fe80::1"), message);
      CHECK_FALSE((packet[46] == 0 && packet[47] == 0));
      met = packet[46] == 0xff && packet[47] == 0xff;
    }
    CHECK(met);
  }
}

TEST_CASE("random DHCPv6 never does more than decode, and what decodes can be written again") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::uint8_t types[] = {1, 2, 3, 5, 6, 7, 8, 9};
  const auto messages = golden();
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes(random() % 120);
    for (auto& octet : bytes) octet = static_cast<std::uint8_t>(random() % 2 ? random() : random() % 9);
    if (random() % 2) {
      bytes = encode(messages[random() % messages.size()].message);
      for (unsigned change = 0; change < 3; ++change) bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    }
    if (!bytes.empty()) bytes[0] = types[random() % std::size(types)];
    const auto decoded = decode_dhcpv6(bytes);
    if (!decoded) continue;
    ++accepted;
    const auto again = decode_dhcpv6(encode(*decoded));
    REQUIRE(again);
    CHECK(*again == *decoded);
  }
  CHECK(accepted > 100);
}

TEST_CASE("RFC 8415 §7.6") {
  using namespace std::chrono_literals;
  CHECK(kSolMaxDelay == 1s);
  CHECK(kSolTimeout == 1s);
  CHECK(kSolMaxRt == 3600s);
  CHECK(kReqTimeout == 1s);
  CHECK(kReqMaxRt == 30s);
  CHECK(kReqMaxRc == 10);
  CHECK(kRenTimeout == 10s);
  CHECK(kRenMaxRt == 600s);
  CHECK(kRebTimeout == 10s);
  CHECK(kRebMaxRt == 600s);
  CHECK(kRelTimeout == 1s);
  CHECK(kRelMaxRc == 4);
  CHECK(kDecTimeout == 1s);
  CHECK(kDecMaxRc == 4);
  CHECK(kDhcpv6ClientPort == 546);
  CHECK(kDhcpv6ServerPort == 547);
}
