// SPDX-License-Identifier: GPL-3.0-or-later
// EP 1134991, Figures 3 and 4, with whole home agents on a routed home network: a mobile node that notices nothing, its primary
// home agent, a secondary, a correspondent node.
//
//   mobile node ── wlan0, wwan0 ──╮        ╭── primary 2001:db8:100::1, covering prefix 2001:db8:100::/64
//                                 ├─ core ─┼── secondary 2001:db8:100::2, host routes of what it is delegated
//                                 ╯        ╰── correspondent node
#include <utility>

#include "simulation/expect.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

const Address kSecondary = *Address::parse("2001:db8:100::2");
const Bytes kKey(32, 7);
constexpr std::uint16_t kPort = 5000;

home_agent::Configuration secondary_configuration() {
  home_agent::Configuration out = home_agent_configuration({.real_home_link = false});
  out.home_agent_address = kSecondary;
  out.mobile_nodes.clear();
  out.load_sharing.primaries = {{"one", kHomeAgent, kKey, {out.home_prefixes.front().prefix}}};
  return out;
}

struct Cluster {
  Cluster() : world({.real_home_link = false}), secondary(world.clock, world.network, secondary_configuration(), 99) {
    auto configuration = world.home_agent.configuration();
    configuration.load_sharing.secondaries = {{"two", kSecondary, kKey}};
    configuration.load_sharing.division = home_agent::Division::Manual;
    world.home_agent.configure(std::move(configuration));
    world.settle();
    world.stream(kPort, kPackets, 1ms);
    world.run_for(500ms);
    home_address = world.mobile_node.flow(kPort)->home_address;
  }

  void delegate() {
    world.home_agent.command([&](home_agent::HomeAgent& agent, Now now, Outputs& outputs) {
      const auto done = agent.delegate(home_address, "two", now, outputs);
      INFO((done ? std::string{} : done.error()));
      REQUIRE(done);
    });
  }
  void recall() {
    world.home_agent.command([&](home_agent::HomeAgent& agent, Now now, Outputs& outputs) { REQUIRE(agent.recall(home_address, now, outputs)); });
  }
  std::string state() {
    for (const auto& delegation : world.home_agent.role().delegations(world.home_agent.time()))
      if (delegation.home_address == home_address) return delegation.state;
    return "";
  }
  bool delegated() { return state() == "delegated"; }
  // How many packets each has tunnelled since it was asked last.
  std::pair<std::uint64_t, std::uint64_t> take_tunnelled() {
    return {std::exchange(world.home_agent.tunnelled, 0), std::exchange(secondary.tunnelled, 0)};
  }

  static constexpr std::uint32_t kPackets = 6000;
  World world;
  HomeAgentHost secondary;
  Address home_address;
};

}  // namespace

TEST_CASE("delegated and taken back under traffic: not a packet is lost, and the mobile node sees one home agent") {
  Cluster c;
  c.take_tunnelled();
  c.delegate();
  c.world.run_for(100ms);
  REQUIRE(c.delegated());
  c.world.run_for(900ms);
  const auto [by_primary, by_secondary] = c.take_tunnelled();
  CHECK(by_secondary > 800);
  CHECK(by_primary < 200);
  // Nothing that the mobile node tunnels back comes to the secondary, and no door is open for it.
  CHECK(c.secondary.kernel.tunnel_sources.empty());
  CHECK(c.secondary.kernel.tunnels.size() == 1);
  CHECK(c.secondary.kernel.announced_routes.size() == 1);

  c.recall();
  c.world.run_for(1s);
  CHECK(c.state() == "own");
  c.take_tunnelled();
  c.world.run_for(1s);
  CHECK(c.take_tunnelled().second == 0);
  c.world.run_for(10s);
  CHECK(c.secondary.kernel.tunnels.empty());
  CHECK(c.secondary.kernel.announced_routes.empty());
  CHECK(c.world.home_agent.kernel.announced_routes.empty());
  CHECK(reached(c.world, kPort).size() == Cluster::kPackets);
  CHECK(answered(c.world, kPort).size() == Cluster::kPackets);
  CHECK(c.world.disagreement() == "");
}

TEST_CASE("the flow moves to another interface while it is delegated: the secondary follows") {
  Cluster c;
  c.delegate();
  c.world.run_for(500ms);
  const auto flow = *c.world.mobile_node.flow(kPort);
  REQUIRE(c.world.mobile_node.move_flow(flow.id, other(flow.interface)));
  c.world.run_for(500ms);
  CHECK(c.delegated());
  CHECK(c.secondary.tunnelled_to(c.home_address) == c.world.home_agent.tunnelled_to(c.home_address));
  c.world.run_for(10s);
  CHECK(reached(c.world, kPort).size() == Cluster::kPackets);
  CHECK(answered(c.world, kPort).size() == Cluster::kPackets);
}

TEST_CASE("the secondary dies: its home address is served again within a second; it comes back and keeps nothing") {
  Cluster c;
  c.delegate();
  c.world.run_for(500ms);
  REQUIRE(c.delegated());
  c.secondary.stop();
  c.world.run_for(2s);
  CHECK(c.state() != "delegated");
  c.secondary.start();
  CHECK(c.secondary.kernel.tunnels.size() == 1);
  c.world.run_for(2s);
  CHECK(c.state() == "own");
  CHECK(c.secondary.kernel.announced_routes.empty());
  c.world.run_for(10s);
  CHECK(c.secondary.kernel.tunnels.empty());
  CHECK(c.world.home_agent.kernel.announced_routes.empty());
  CHECK(longest_gap(c.world.mobile_node.arrived, kPort) < 1s);
  CHECK(reached(c.world, kPort).size() == Cluster::kPackets);
  CHECK(answered(c.world, kPort).size() > Cluster::kPackets - 1000);
  CHECK(c.world.disagreement() == "");
}

TEST_CASE("the primary is away for a moment: packets go on by the secondary, and it is still delegated afterwards") {
  Cluster c;
  c.delegate();
  c.world.run_for(6s);
  REQUIRE(c.delegated());
  const auto arrived_before = c.world.mobile_node.arrived.size();
  c.world.home_agent.stop();
  for (std::uint32_t n = 0; n < 1000; ++n)
    c.world.clock.after(n * 1ms, [&c, n] { c.world.correspondent.send(Datagram{kCorrespondent, c.home_address, 7, kPort, 100'000 + n}); });
  c.world.run_for(500ms);
  c.world.home_agent.start();
  c.world.run_for(2s);
  CHECK(c.delegated());
  CHECK(c.world.mobile_node.arrived.size() >= arrived_before + 1000);
}

TEST_CASE("an ICMPv6 error about what the secondary tunnels comes to the primary, which tells the correspondent node") {
  Cluster c;
  c.delegate();
  c.world.run_for(500ms);
  // A router on the way to the mobile node says so to the source of the tunnel.
  const Bytes inner = encode(Datagram{kCorrespondent, c.home_address, 7, kPort, 7});
  const Address care_of_address = c.secondary.tunnelled_to(c.home_address);
  const Bytes outer = wire::encapsulate(inner, kHomeAgent, care_of_address);
  CorrespondentHost router(c.world.clock, c.world.network, *Address::parse("2001:db8:77::1"));
  auto& attachment = c.world.network.attach(router, 1);
  bool told = false;
  c.world.network.lose = [&](const Bytes& packet) {
    const auto view = wire::parse_packet(packet);
    told |= view && view->protocol == kProtocolIcmpv6 && view->destination == kCorrespondent && view->source == kHomeAgent;
    return false;
  };
  c.world.network.send(attachment, wire::build_icmpv6_error(router.address, kHomeAgent, wire::kIcmpv6DestinationUnreachable, 0, 0, outer));
  c.world.run_for(100ms);
  CHECK(told);
}
