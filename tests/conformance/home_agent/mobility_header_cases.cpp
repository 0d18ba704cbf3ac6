// SPDX-License-Identifier: GPL-3.0-or-later
// Bring-up, and the checks of every Mobility Header.
#include "conformance/harness/message.hpp"
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"

namespace mipflow::conformance::home {

namespace {

using enum wire::BindingErrorStatus;

// Where the fields stand in a packet with the Home Address option's header of 24 octets, and without.
constexpr std::uint32_t kPayloadProto = 40, kHeaderLen = 41, kHomeAddressHeader = 24;

void reachable(HomeAgentBench& bench) {
  for (const Address& source : {kCareOf1, kCareOf2}) {
    bench.send(simulation::encode(bench.echo(source, kHomeAgent)));
    const Bytes packet = bench.only_answer("a plain Echo Reply", 1s);
    const auto view = wire::parse_packet(packet);
    const auto reply = simulation::decode_echo(packet);
    require(reply && reply->reply && view->destination == source && !view->routing_header_home_address,
            "wanted a plain Echo Reply to " + to_string(source) + ", got " + describe(packet));
    bench.saw("plain reply");
  }
}

Update glued() {
  Update out;
  out.payload_proto = kProtocolIcmpv6;
  const Bytes echo = simulation::encode(simulation::Echo{kHome, kHomeAgent, 1, 1});
  const auto view = *wire::parse_packet(echo);
  out.behind.assign(view.payload.begin(), view.payload.end());
  return out;
}
Update too_short() {
  Update out;
  out.cut_short = true;
  return out;
}

void wrong_checksum(HomeAgentBench& bench) {
  Update update;
  update.wrong_checksum = true;
  bench.ignore(update, "a wrong checksum");
  bench.probe_refused();
}

void malformed(HomeAgentBench& bench, const Update& update, std::uint32_t pointer) {
  bench.send(update);
  bench.expect_parameter_problem(kCareOf1, pointer + kHomeAddressHeader);
  bench.probe_refused();
}
void payload_behind(HomeAgentBench& bench) { malformed(bench, glued(), kPayloadProto); }
void header_too_short(HomeAgentBench& bench) { malformed(bench, too_short(), kHeaderLen); }

// From the home address on the home link, while it is registered: the answer does not go by the Binding Cache.
void malformed_at_home(HomeAgentBench& bench, Update update, std::uint32_t pointer) {
  bench.registers();
  bench.probe_answered();
  update.source = kHome;
  update.home_address_option = false;
  bench.send(update);
  bench.expect_parameter_problem(kHome, pointer);
  bench.probe_answered();
}

void unknown_type(HomeAgentBench& bench) {
  Update update;
  update.type = kUnassignedType;
  update.lifetime = 0;
  update.source = kHome;
  update.home_address_option = false;
  bench.send(update);
  bench.expect_binding_error(UnrecognizedMobilityType, kHome, Address{});
}
void unknown_type_while_registered(HomeAgentBench& bench) {
  bench.registers();
  bench.probe_answered();
  unknown_type(bench);
}

}  // namespace

std::vector<Group> mobility_header_cases() {
  Group start{"Bring-up", {}};
  add_twins(start, "HA_0_0_0", "HA_0_0_0-V", "it answers every network, without headers of Mobile IPv6", "9.3.2", reachable);

  Group group{"The Mobility Header", {}};
  const auto at_home = [&](const char* id, const char* title, const char* section, void (*run)(HomeAgentBench&)) {
    group.cases.push_back(home_agent_case(id, title, section, Link::Real, run));
  };
  add_twins(group, "HA_1_1_3", "HA_1_1_8", "wrong checksum", "9.2, 6.1.1", wrong_checksum);
  at_home("HA_1_1_1", "unknown type, from the home address at home", "9.2, 9.3.3, 10.2", unknown_type);
  at_home("HA_1_1_5", "the same while it is registered", "9.2, 9.3.3, 6.1", unknown_type_while_registered);
  add_twins(group, "HA_1_1_2", "HA_1_1_9", "Payload Proto other than 59, and a payload", "9.2, 10.2", payload_behind);
  at_home("HA_1_1_6", "the same from the home address at home while it is registered", "9.2",
          [](HomeAgentBench& bench) { malformed_at_home(bench, glued(), kPayloadProto); });
  add_twins(group, "HA_1_1_4", "HA_1_1_10", "Header Len too small", "9.2, 6.1.7", header_too_short);
  at_home("HA_1_1_7", "the same from the home address at home while it is registered", "9.2",
          [](HomeAgentBench& bench) { malformed_at_home(bench, too_short(), kHeaderLen); });
  return {start, group};
}

}  // namespace mipflow::conformance::home
