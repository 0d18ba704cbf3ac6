// SPDX-License-Identifier: GPL-3.0-or-later
// Packets to the mobile node, and from it.
#include <algorithm>

#include "conformance/harness/message.hpp"
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"

namespace mipflow::conformance::home {

namespace {

Bytes to_mobile_node(HomeAgentBench& bench) { return simulation::encode(bench.echo(kCorrespondent, kHome)); }
Bytes from_mobile_node(HomeAgentBench& bench, const Address& home_address = kHome) {
  return simulation::encode(bench.echo(home_address, kCorrespondent));
}

void intercepted(HomeAgentBench& bench) {
  bench.registers();
  bench.intercepted(kCareOf1, to_mobile_node(bench));
}
void intercepted_after_a_move(HomeAgentBench& bench) {
  intercepted(bench);
  bench.registers(Update{}.from(kCareOf2));
  bench.intercepted(kCareOf2, to_mobile_node(bench));
}

// RFC 2473 §8.2
void error_on_the_way(HomeAgentBench& bench) {
  const Address router = *Address::parse("2001:db8:77::1");
  bench.registers({.source = kCareOf2});
  const Bytes packet = to_mobile_node(bench);
  const Bytes outer = bench.intercepted(kCareOf2, packet);
  bench.send(wire::build_icmpv6_error(router, kHomeAgent, wire::kIcmpv6TimeExceeded, 0, 0, outer));
  const std::string wanted = "Destination Unreachable code 3 to the correspondent node";
  const Bytes answer = bench.only_answer(wanted, 1s);
  const auto error = message_in<wire::Icmpv6Error>(answer, wanted);
  require(error.type == wire::kIcmpv6DestinationUnreachable && error.code == 3 &&
              wire::parse_packet(answer)->destination == kCorrespondent && std::ranges::equal(error.invoking_packet, packet),
          "wanted " + wanted + " that quotes its packet, got " + describe(answer));
  bench.saw("Destination Unreachable");
}

void reverse(HomeAgentBench& bench) {
  bench.registers();
  bench.reverse_tunnelled(kCareOf1, from_mobile_node(bench));
}
void reverse_after_a_move(HomeAgentBench& bench) {
  reverse(bench);
  bench.registers(Update{}.from(kCareOf2));
  bench.reverse_tunnelled(kCareOf2, from_mobile_node(bench));
}
void reverse_from_elsewhere(HomeAgentBench& bench) {
  bench.registers();
  bench.probe_answered();
  bench.reverse_tunnel_refused(kCareOf2, from_mobile_node(bench));
}

}  // namespace

std::vector<Group> tunnel_cases() {
  Group to{"Tunnels to the mobile node", {}};
  add_twins(to, "HA_5_1_1", "HA_5_1_5", "an intercepted packet is tunnelled", "10.4.2", intercepted);
  add_twins(to, "HA_5_1_4", "HA_5_1_6", "and to the new care-of address after a move", "10.4.2, 10.3.1",
            intercepted_after_a_move);
  to.cases.push_back(not_applicable(
      "HA_5_1_2", "a packet to its link-local address", "10.4.2",
      "Forwarding for proxied neighbours is the kernel's: ip6_forward_proxy_check() tells the sender Destination Unreachable, code 3. "
      "That our programs tunnel no link-local packet: `tests/datapath/home_agent_programs_test.cpp`"));
  add_twins(to, "HA_5_1_3", "HA_5_1_7", "an error on the way is told to the packet's sender", "9.3.4", error_on_the_way);

  Group from{"Tunnels from the mobile node", {}};
  add_twins(from, "HA_6_1_1", "HA_6_1_3", "a packet goes on as it came out", "10.4.5", reverse);
  add_twins(from, "HA_6_1_2", "HA_6_1_4", "and from the new care-of address after a move", "10.4.5", reverse_after_a_move);
  add_twins(from, "HA_6_2_1", "HA_6_2_2", "from an address that is not registered", "10.4.5", reverse_from_elsewhere);
  return {to, from};
}

}  // namespace mipflow::conformance::home
