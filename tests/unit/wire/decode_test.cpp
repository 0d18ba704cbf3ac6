// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow decode` on hex digits: what it says, as text and as JSON, and what it answers to bad input.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "decode_run.hpp"
#include "mipflow/wire/packet.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::test;

namespace {

std::string hex_of(std::string_view name) { return vector_named(name).whole.at("hex"); }

nlohmann::json json_of(std::string_view name) {
  const DecodeResult result = decode({"--json", hex_of(name)});
  CHECK(result.err.empty());
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 1);
  return nlohmann::json::parse(result.out);
}

}  // namespace

TEST_CASE("every vector: valid where it is, and refused with a reason where the packet alone shows it") {
  // Only a node with its keys, bindings and home addresses can refuse these.
  const std::set<std::string> needs_state{"bu_cn_wrong_mac", "udp_hao_no_binding", "rh2_foreign_home_address"};
  for (const Vector& vector : all_vectors()) {
    INFO(vector.name);
    const DecodeResult result = decode({"--json", vector.whole.at("hex")});
    const auto report = nlohmann::json::parse(result.out);
    const bool valid = !vector.malformed || needs_state.contains(vector.name);
    CHECK(report.at("valid") == valid);
    CHECK(result.code == (valid ? 0 : 1));
    CHECK(report.at("error").is_null() == valid);
    if (vector.whole.at("fields").contains("pointer") && !valid)
      CHECK(report.at("error").at("offset") == vector.whole.at("fields").at("pointer"));
    if (vector.whole.at("tshark").contains("ipv6.src")) {
      const std::string sources = vector.whole.at("tshark").at("ipv6.src");
      CHECK(report.at("source") == sources.substr(0, sources.find(';')));
    }
    const DecodeResult text = decode({vector.whole.at("hex")});
    CHECK(text.code == result.code);
    CHECK((text.out.find("INVALID") == std::string::npos) == valid);
  }
}

TEST_CASE("a Binding Update as text") {
  CHECK(decode({hex_of("bu_home_first")}).out ==
        "#1  Binding Update (96 octets)\n"
        "    2001:db8:200::5 -> 2001:db8:100::1, Home Address option\n"
        "    home address 2001:db8:100::100, care-of address 2001:db8:200::5\n"
        "    sequence 4660, flags A H, lifetime 3600 s\n"
        "    option Alternate Care-of Address: 2001:db8:200::5\n"
        "    checksum 0x575b right over source 2001:db8:100::100\n");
}

TEST_CASE("a wrong packet as text: it is shown as far as it goes, and says where and why") {
  CHECK(decode({hex_of("bad_mh_checksum")}).out ==
        "#1  Binding Update (96 octets)\n"
        "    2001:db8:200::5 -> 2001:db8:100::1, Home Address option\n"
        "    home address 2001:db8:100::100, care-of address 2001:db8:200::5\n"
        "    sequence 4660, flags A H, lifetime 3600 s\n"
        "    option Alternate Care-of Address: 2001:db8:200::5\n"
        "    checksum 0x025b WRONG, should be 0x575b, over source 2001:db8:100::100\n"
        "    INVALID checksum-wrong at octet 68: the checksum does not fit; a receiver drops it silently (RFC 6275 §9.2); "
        "it is 0x025b and should be 0x575b\n");
}

TEST_CASE("a tunnelled message as text") {
  CHECK(decode({hex_of("hoti_reverse_tunnelled")}).out ==
        "#1  IPv6 in IPv6 (96 octets)\n"
        "    2001:db8:200::5 -> 2001:db8:100::1\n"
        "    inside: Home Test Init (56 octets)\n"
        "        2001:db8:100::100 -> 2001:db8:300::7\n"
        "        home address 2001:db8:100::100\n"
        "        home init cookie 0xc197b10cf14179cf\n"
        "        checksum 0x8538 right\n");
}

TEST_CASE("JSON of a Binding Update with authentication") {
  CHECK(json_of("bu_rfc4285_mnha") == nlohmann::json::parse(R"({
    "number": 1, "time": null, "valid": true, "error": null, "length": 144,
    "source": "2001:db8:200::5", "destination": "2001:db8:100::1",
    "home_address": "2001:db8:100::100", "care_of_address": "2001:db8:200::5",
    "home_address_option": "2001:db8:100::100", "routing_header_home_address": null,
    "upper_layer_protocol": 135,
    "message": {
      "type": 5, "name": "binding-update", "protocol": "mobility-header",
      "sequence": 4669, "acknowledge": true, "home_registration": true,
      "link_local_address_compatibility": false, "key_management_mobility_capability": false, "other_flags": "0x0000",
      "lifetime_units": 900, "lifetime_seconds": 3600,
      "options": [
        {"type": 3, "name": "alternate-care-of-address", "care_of_address": "2001:db8:200::5"},
        {"type": 8, "name": "mobile-node-identifier", "subtype": 1, "network_access_identifier": "mn1@example.net"},
        {"type": 10, "name": "replay-protection", "ntp_timestamp": "0xebbc82c030414aba", "time": "2025-04-30T11:06:40.188496Z"},
        {"type": 9, "name": "message-authentication", "subtype": 1, "spi": 256, "authenticator": "41d2986aed7c71c71c594cc2"}
      ]},
    "checksum": {"value": "0x10c7", "right": true, "expected": "0x10c7",
                 "computed_over": {"source": "2001:db8:100::100", "destination": "2001:db8:100::1"}}
  })"));
}

TEST_CASE("the address and policy service as text and as JSON") {
  const Address home = address("2001:db8:100::100");
  const wire::Envelope to_mobile_node{.source = address("2001:db8:100::1"),
                                      .destination = address("2001:db8:200::5"),
                                      .routing_header_home_address = home};
  wire::HomeAddressReply reply{.status = wire::HomeAddressStatus::LimitReached, .reason = "64 of 64\x1b[2J"};
  reply.addresses = {{address("2001:db8:100::77"), 3600, wire::kInfiniteLifetime}};
  const Bytes packet = wire::build_packet(to_mobile_node, wire::MobilityMessage{wire::AgentServiceMessage{.transaction = 9, .body = reply}});
  const std::string text = decode({to_hex(packet)}).out;
  CHECK(text.find("Home Address Reply (120 octets)") != std::string::npos);
  CHECK(text.find("home address 2001:db8:100::100, care-of address 2001:db8:200::5") != std::string::npos);
  CHECK(text.find("transaction 9, source agent, status 129 (limit-reached), 2001:db8:100::77 preferred 3600 s, valid forever") !=
        std::string::npos);
  CHECK(text.find("reason 64 of 64\\x1b[2J") != std::string::npos);

  const auto json = nlohmann::json::parse(decode({"--json", to_hex(packet)}).out);
  CHECK(json.at("valid") == true);
  CHECK(json.at("message").at("type") == 11);
  CHECK(json.at("message").at("name") == "experimental");
  CHECK(json.at("message").at("operation") == "home-address-reply");
  CHECK(json.at("message").at("addresses").at(0).at("valid_lifetime") == wire::kInfiniteLifetime);
}

TEST_CASE("JSON of acknowledgements, errors, tunnels and quoted packets") {
  const auto acknowledgement = json_of("ba_seq_out_of_window");
  CHECK(acknowledgement.at("message").at("status") == 135);
  CHECK(acknowledgement.at("message").at("status_name") == "sequence-number-out-of-window");
  CHECK(acknowledgement.at("message").at("accepted") == false);
  CHECK(acknowledgement.at("routing_header_home_address") == "2001:db8:100::100");

  const auto tunnel = json_of("hot_tunnelled_by_ha");
  CHECK(tunnel.at("message").is_null());
  CHECK(tunnel.at("inner").at("message").at("home_keygen_token") == "0x0bed408a055f9571");
  CHECK(tunnel.at("inner").at("home_address") == "2001:db8:100::100");

  const auto error = json_of("icmp_pp_mh_unrecognised");
  CHECK(error.at("message").at("pointer") == 6);
  CHECK(error.at("quoted").at("message").at("name") == "care-of-test-init");

  const auto prefix = json_of("mpa").at("message").at("prefixes").at(0);
  CHECK(prefix.at("prefix") == "2001:db8:100::1");
  CHECK(prefix.at("valid_lifetime") == 7200);

  const auto multicast = json_of("hao_multicast");
  CHECK(multicast.at("error").at("kind") == "home-address-not-routable");
}

TEST_CASE("an invalid packet in a tunnel makes the whole invalid; one that an ICMPv6 error quotes does not") {
  const Bytes bad = vector_named("bad_mh_checksum").packet;
  const Address here = address("2001:db8:200::5");
  const Address there = address("2001:db8:100::1");
  const DecodeResult tunnelled = decode({"--json", to_hex(wire::encapsulate(bad, here, there))});
  CHECK(tunnelled.code == 1);
  CHECK(nlohmann::json::parse(tunnelled.out).at("inner").at("error").at("kind") == "checksum-wrong");
  const Bytes error = wire::build_packet({there, here}, wire::Icmpv6Message{wire::Icmpv6Error{4, 0, 40, bad}});
  const DecodeResult quoted = decode({"--json", to_hex(error)});
  CHECK(quoted.code == 0);
  CHECK(nlohmann::json::parse(quoted.out).at("quoted").at("error").at("kind") == "checksum-wrong");
}

TEST_CASE("tunnels in tunnels end somewhere") {
  Bytes packet = vector_named("coti").packet;
  for (int depth = 0; depth < 1000; ++depth) packet = wire::encapsulate(packet, address("2001:db8::1"), address("2001:db8::2"));
  const DecodeResult result = decode({"--json", to_hex(packet)});
  CHECK(result.code == 0);
  CHECK(result.out.size() < 10'000);
}

TEST_CASE("names from the network do not reach the terminal as they are") {
  wire::BindingUpdate update{.home_registration = true};
  const std::string evil = "\x1b]0;owned\x07\xff\\";
  update.options = {wire::MobileNodeIdentifier{wire::MobileNodeIdentifier::kNai, Bytes(evil.begin(), evil.end())}};
  const Bytes packet =
      wire::build_packet({address("2001:db8:200::5"), address("2001:db8:100::1"), address("2001:db8:100::100")}, update);
  const std::string expected = R"(\x1b]0;owned\x07\xff\x5c)";
  CHECK(decode({to_hex(packet)}).out.find("identifier " + expected + "\n") != std::string::npos);
  const auto report = nlohmann::json::parse(decode({"--json", to_hex(packet)}).out);
  CHECK(report.at("message").at("options").at(0).at("network_access_identifier") == expected);
}

TEST_CASE("hex digits may come in pieces, with separators and in a dump") {
  const std::string expected = decode({hex_of("brr_plain")}).out;
  const std::string hex = hex_of("brr_plain");
  std::string colons = "0x";
  std::vector<std::string> pieces;
  std::string dump = "12:00:00.1 IP6 2001:db8:300::7 > 2001:db8:100::100: mobility: BRR\n";
  std::string upper;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    colons += (i == 0 ? "" : ":") + hex.substr(i, 2);
    pieces.push_back(hex.substr(i, 2));
    for (const char c : hex.substr(i, 2)) upper += static_cast<char>(std::toupper(c));
  }
  for (std::size_t line = 0; line * 32 < hex.size(); ++line) {
    char offset[16];
    std::snprintf(offset, sizeof offset, "\t0x%04zx: ", line * 16);
    dump += offset;
    const std::string digits = hex.substr(line * 32, 32);
    for (std::size_t i = 0; i < digits.size(); i += 4) dump += " " + digits.substr(i, 4);
    dump += "  `.....abcdef....\n";
  }
  CHECK(decode({colons}).out == expected);
  CHECK(decode({upper}).out == expected);
  CHECK(decode(pieces).out == expected);
  CHECK(decode({"-"}, hex).out == expected);
  CHECK(decode({"-"}, "# a comment that is no hex\n\n" + hex.substr(0, 32) + "\n" + hex.substr(32) + "\n").out == expected);
  CHECK(decode({"-"}, dump).out == expected);
  SECTION("several packets") {
    CHECK(decode({hex, hex}).out.find("#2  Binding Refresh Request") != std::string::npos);
    CHECK(decode({"-"}, hex + "\n" + hex + "\n").out.find("#2  Binding Refresh Request") != std::string::npos);
    CHECK(decode({"-"}, dump + dump).out.find("#2  Binding Refresh Request") != std::string::npos);
  }
}

TEST_CASE("what was typed is answered even when it is no IPv6") {
  const DecodeResult result = decode({"--json", "4500001400000000"});
  CHECK(result.code == 1);
  CHECK(nlohmann::json::parse(result.out).at("error").at("kind") == "not-ipv6");
  CHECK(nlohmann::json::parse(result.out).at("source").is_null());
}

TEST_CASE("bad usage is a sentence and exit code 2, and nothing is decoded") {
  struct Row {
    std::vector<std::string> arguments;
    std::string input;
    const char* says;
  };
  for (const Row& row : {
           Row{{}, "", "name a capture file"},
           Row{{"--yaml", "60"}, "", "there is no option '--yaml'"},
           Row{{"/nowhere/at/all.pcap"}, "", "'/nowhere/at/all.pcap' is neither a file nor hex digits"},
           Row{{"600"}, "", "odd number of hex digits, 3"},
           Row{{"-"}, "", "no hex digits"},
           Row{{"-"}, "nothing here\n", "no hex digits"},
           Row{{"-"}, "\n600\n", "line 2: there is an odd number of hex digits, 3"},
           Row{{"-"}, "0x0000:  6000 0000\n0x0020:  6000\n", "line 2: the hex dump goes on at octet 32, but 4 octets came before"},
       }) {
    INFO(row.says);
    const DecodeResult result = decode(row.arguments, row.input);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    CHECK(result.err.starts_with("mipflow decode: "));
    CHECK(result.err.find(row.says) != std::string::npos);
  }
}

TEST_CASE("help") {
  const DecodeResult result = decode({"--help"});
  CHECK(result.code == 0);
  CHECK(result.out.starts_with("usage: mipflow decode"));
}
