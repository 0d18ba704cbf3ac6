// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow decode` on the messages between home agents that share the load: what it says of each, as text and as JSON.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "decode_run.hpp"
#include "mipflow/wire/forwarding_messages.hpp"
#include "mipflow/wire/udp.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

const Address kPrimary = address("2001:db8:100::1");
const Address kSecondary = address("2001:db8:100::2");
const Address kHome = address("2001:db8:100::100");
const Address kOtherHome = address("2001:db8:100::101");
const Address kCareOf = address("2001:db8:200::5");
constexpr DelegationNumber kNumber = 1'700'000'000'000'042;
const Bytes kKey = from_hex("000102030405060708090a0b0c0d0e0f");

Bytes packet_with(ForwardingRecords records, std::uint64_t receiver_session = 0x2222, std::uint16_t port = kDefaultForwardingPort) {
  const Bytes message = encode_forwarding_message({0x1111, receiver_session, 7, std::move(records)}, kKey, kPrimary, kSecondary);
  return build_udp_packet({.source = kPrimary, .destination = kSecondary}, port, port, message);
}

std::string text_of(ForwardingRecords records, std::uint64_t receiver_session = 0x2222) {
  const DecodeResult result = decode({to_hex(packet_with(std::move(records), receiver_session))});
  CHECK(result.code == 0);
  CHECK(result.err.empty());
  return result.out;
}

nlohmann::json json_of(const Bytes& packet) { return nlohmann::json::parse(decode({"--json", to_hex(packet)}).out); }

// The lines between the addresses and the checksum, which are the same in all.
std::string said_of(ForwardingRecords records) {
  const std::string text = text_of(std::move(records));
  const std::string before = "    session 0x0000000000001111, for session 0x0000000000002222, sequence 7, authenticator not verified\n";
  const std::size_t at = text.find(before);
  REQUIRE(at != std::string::npos);
  const std::size_t checksum = text.find("    checksum 0x");
  REQUIRE(checksum != std::string::npos);
  return text.substr(at + before.size(), checksum - at - before.size());
}

const StartForwarding kStart{kHome, kCareOf, kPrimary, kNumber, 3600, true};

}  // namespace

TEST_CASE("a Start Forwarding as text, a line for each home address") {
  CHECK(text_of(std::vector{kStart, StartForwarding{kOtherHome, kCareOf, Address{}, kNumber + 1, 60, false}}) ==
        "#1  Start Forwarding (224 octets)\n"
        "    2001:db8:100::1 -> 2001:db8:100::2\n"
        "    session 0x0000000000001111, for session 0x0000000000002222, sequence 7, authenticator not verified\n"
        "    home address 2001:db8:100::100, care-of address 2001:db8:200::5, tunnel source 2001:db8:100::1, "
        "number 1700000000000042, duration 3600 s, flags L\n"
        "    home address 2001:db8:100::101, care-of address 2001:db8:200::5, tunnel source its own, "
        "number 1700000000000043, duration 60 s, no flags\n"
        "    checksum 0x192a right\n");
}

TEST_CASE("the other messages between home agents as text") {
  CHECK(said_of(std::vector{StartForwardingAcknowledgement{kHome, 9, ForwardingStatus::DurationZero}}) ==
        "    home address 2001:db8:100::100, number 9, status 131 (duration 0)\n");
  CHECK(said_of(std::vector{StopForwarding{kHome, 9}}) == "    home address 2001:db8:100::100, number 9\n");
  CHECK(said_of(std::vector{StopForwardingAcknowledgement{kHome, 9, 10, 1000, ForwardingStatus::NotForwarding}}) ==
        "    home address 2001:db8:100::100, number 9, packets 10, octets 1000, status 1 (was not forwarding)\n");
  CHECK(said_of(std::vector{Heartbeat{9, 0}}) == "    number 9, answers nothing\n");
  CHECK(said_of(std::vector{Heartbeat{9, 4}}) == "    number 9, answers 4\n");
  CHECK(said_of(std::vector{HeartbeatAcknowledgement{9, 100, 3, 1000, false}}) ==
        "    number 9, packets 100, delegated 3, capacity 1000\n");
  CHECK(said_of(std::vector{HeartbeatAcknowledgement{9, 100, 3, 1000, true}}) ==
        "    number 9, packets 100, delegated 3, capacity 1000, retiring\n");
  CHECK(said_of(std::vector{ForwardingReport{kHome, 9, 10, 1000}}) ==
        "    home address 2001:db8:100::100, number 9, packets 10, octets 1000\n");
  // The session of the other end is not known yet.
  CHECK_THAT(text_of(std::vector{Heartbeat{1, 0}}, 0), Catch::Contains(", for session unknown, sequence 7,"));
}

TEST_CASE("JSON of a message between home agents") {
  const auto report = json_of(packet_with(std::vector{kStart}));
  CHECK(report.at("valid") == true);
  CHECK(report.at("upper_layer_protocol") == 17);
  CHECK(report.at("checksum").at("right") == true);
  CHECK(report.at("message") == nlohmann::json::parse(R"({
    "type": 1, "name": "start-forwarding", "protocol": "load-sharing", "options": [],
    "sender_session": "0x0000000000001111", "receiver_session": "0x0000000000002222", "sequence": 7,
    "authenticator": "not verified",
    "records": [
      {"home_address": "2001:db8:100::100", "care_of_address": "2001:db8:200::5", "tunnel_source": "2001:db8:100::1",
       "number": 1700000000000042, "duration": 3600, "link_local_address_compatibility": true}
    ]})"));
}

TEST_CASE("messages between home agents are signalling, also in a tunnel; what is none is data") {
  const Bytes packet = packet_with(std::vector{Heartbeat{9, 0}});
  const auto tunnelled = json_of(encapsulate(packet, kPrimary, kSecondary));
  CHECK(tunnelled.at("inner").at("message").at("name") == "heartbeat");

  Bytes other_magic = packet;
  other_magic[48] ^= 1;
  CHECK(json_of(other_magic).at("message").is_null());
  Bytes other_version = packet;
  other_version[50] = 2;
  CHECK(json_of(other_version).at("message").is_null());
}

TEST_CASE("home agents that talk by another port") {
  const Bytes packet = packet_with(std::vector{Heartbeat{9, 0}}, 0x2222, 7000);
  CHECK(json_of(packet).at("message").is_null());
  for (const std::vector<std::string>& option : {std::vector<std::string>{"--forwarding-port", "7000"}, {"--forwarding-port=7000"}}) {
    std::vector<std::string> arguments = option;
    arguments.push_back(to_hex(packet));
    CHECK_THAT(decode(arguments).out, Catch::StartsWith("#1  Heartbeat (112 octets)\n"));
  }
  for (const std::string wrong : {"0", "65536", "-1", "70x", ""}) {
    const DecodeResult result = decode({"--forwarding-port=" + wrong, to_hex(packet)});
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    CHECK(result.err == "mipflow decode: --forwarding-port '" + wrong + "' is no UDP port: a number from 1 to 65535\n");
  }
  CHECK(decode({to_hex(packet), "--forwarding-port"}).err == "mipflow decode: --forwarding-port needs a port number\n");
}

TEST_CASE("wrong messages between home agents say where and why") {
  const Bytes packet = packet_with(std::vector{kStart});

  Bytes spoilt = packet;
  spoilt.back() ^= 1;
  const DecodeResult result = decode({to_hex(spoilt)});
  CHECK(result.code == 1);
  CHECK_THAT(result.out, Catch::Contains("INVALID checksum-wrong at octet 46: ") && Catch::Contains("; it is 0x") &&
                             Catch::Contains("care-of address 2001:db8:200::5"));

  // A number of 0, behind a right checksum.
  const Bytes numberless = packet_with(std::vector{StartForwarding{kHome, kCareOf, kPrimary, 0, 3600, true}});
  const auto report = json_of(numberless);
  CHECK(report.at("error").at("kind") == "load-sharing-message-wrong");
  CHECK(report.at("error").at("offset") == 48);
  CHECK(report.at("message").at("name") == "start-forwarding");
  CHECK_FALSE(report.at("message").contains("records"));

  for (std::size_t length = 52; length < packet.size(); ++length) {
    const auto cut = json_of(Bytes(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length)));
    CHECK(cut.at("error").at("kind") == "truncated");
    CHECK(cut.at("error").at("offset") == length);
    CHECK(cut.at("checksum").is_null());
  }
}
