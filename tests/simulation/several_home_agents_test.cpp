// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node that finds its home agents itself, with two of them that die, come back, refuse and lie. On their home link
// stands one router at a time: the network leads the home prefix to the second home agent when the first one is gone.
//
//   mobile node ─┬─ wlan0 ─┬── core ──┬── first  2001:db8:100::1 (preference 10) ──┬── home link 2001:db8:100::/64
//                ╰─ wwan0 ─╯          ├── second 2001:db8:100::2 (preference 5)  ──╯
//                                     ╰── a host without mobility
#include <algorithm>
#include <memory>
#include <random>

#include "mipflow/wire/home_agents_anycast.hpp"
#include "simulation/expect.hpp"
#include "simulation/simulator/headers.hpp"
#include "support/seed.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

const Address kFirst = kHomeAgent;
const Address kSecond = *Address::parse("2001:db8:100::2");
const Address kNobody = *Address::parse("2001:db8:100::3");

home_agent::Configuration agent(const Address& own, std::uint16_t preference, const Address& other, std::uint16_t others, const Options& options) {
  auto out = home_agent_configuration(options);
  out.home_agent_address = own;
  out.home_agent_preference = preference;
  out.other_home_agents = {{other, others}};
  return out;
}

mobile_node::Configuration searching(const Options& options) {
  auto out = mobile_node_configuration(options);
  out.home_agent = {};
  out.udp_idle_timeout = 24h;  // flows outlive the home agents
  return out;
}

struct TwoAgents {
  explicit TwoAgents(Options given = {})
      : options(given),
        network(clock, options.seed),
        first(clock, network, agent(kFirst, 10, kSecond, 5, options), options.seed + 1),
        second(clock, network, agent(kSecond, 5, kFirst, 10, options), options.seed + 2),
        mobile_node(clock, network, searching(options),
                    std::make_shared<const flow_separator::Policy>(*flow_separator::Policy::parse({}, {})), options.seed + 3),
        correspondent(clock, network, kCorrespondent) {
    mobile_node.add_interface(kWlan, "wlan0", mobile_node::InterfaceKind::Wifi);
    mobile_node.add_interface(kWwan, "wwan0", mobile_node::InterfaceKind::Cellular);
    network.set_all_links(options.links);
    network.lose = [this](const Bytes& packet) { return is_dead(packet) || (lose && lose(packet)); };
  }

  // The machine is gone, and what stands on the home link beside it routes for it.
  void die(HomeAgentHost& host, HomeAgentHost& other) {
    dead.insert(host.configuration().home_agent_address);
    host.stop();
    other.take_home_prefixes();
  }
  void come_back(HomeAgentHost& host) {
    dead.erase(host.configuration().home_agent_address);
    host.start(false);
    host.take_home_prefixes();
  }
  bool is_dead(const Bytes& packet) const {
    const auto view = wire::parse_packet(packet);
    return view && (dead.contains(view->source) || dead.contains(view->destination));
  }

  void connect() {
    mobile_node.connect(kWlan, kWlanAddress);
    mobile_node.connect(kWwan, kWwanAddress);
  }
  void run_for(Duration duration) { clock.run_until(clock.now() + duration); }
  bool run_until(const std::function<bool()>& condition, Duration limit) { return clock.run_until(condition, limit); }
  void stream(std::uint16_t local_port, std::uint32_t count, Duration interval) {
    for (std::uint32_t i = 0; i < count; ++i)
      clock.after(interval * i, [this, local_port, i] { mobile_node.send_datagram(local_port, kCorrespondent, 7, i); });
  }
  mobile_node::StatusSnapshot status() { return mobile_node.role().status(mobile_node.time()); }
  // Everything that the mobile node has is registered there, and the two believe the same.
  bool all_at(HomeAgentHost& host) {
    auto bindings = mobile_node.bindings();
    std::erase_if(bindings, [](const auto& each) { return each.peer == kCorrespondent; });
    return !bindings.empty() && std::ranges::all_of(bindings, [&](const auto& each) {
      return each.peer == host.configuration().home_agent_address && each.state == "bound" &&
             host.tunnelled_to(each.home_address) == each.care_of_address;
    });
  }
  std::set<std::uint32_t> answered(std::uint16_t port) const {
    std::set<std::uint32_t> out;
    for (const auto& passage : mobile_node.arrived)
      if (passage.local_port == port) out.insert(passage.number);
    return out;
  }
  std::size_t count(std::uint8_t icmpv6_type) const {
    return static_cast<std::size_t>(std::ranges::count_if(network.signalling(), [&](const Capture& capture) {
      const auto view = wire::parse_packet(capture.packet);
      return view->protocol == kProtocolIcmpv6 && !view->payload.empty() && view->payload[0] == icmpv6_type;
    }));
  }

  Options options;
  EventQueue clock;
  Network network;
  HomeAgentHost first, second;
  MobileHost mobile_node;
  CorrespondentHost correspondent;
  std::set<Address> dead;
  std::function<bool(const Bytes&)> lose;
};

// Answers whoever asks for home agents, and lies.
class Liar final : public Station {
 public:
  Liar(TwoAgents& world, std::vector<Address> names) : world_(world), names_(std::move(names)), attachment_(world.network.attach(*this, 1, {.delay = 0ms})) {
    world.lose = [this](const Bytes& packet) {
      overhear(packet);
      return false;
    };
  }
  void receive(const Bytes&, Attachment&) override {}
  unsigned told = 0;

 private:
  void overhear(const Bytes& packet) {
    const auto decoded = wire::decode_packet(packet);
    const auto* message = decoded ? std::get_if<wire::Icmpv6Message>(&decoded->message) : nullptr;
    const auto* request = message == nullptr ? nullptr : std::get_if<wire::HomeAgentAddressDiscoveryRequest>(message);
    if (request == nullptr) return;
    ++told;
    const Bytes lie = wire::build_packet({.source = kFirst, .destination = wire::parse_packet(packet)->source},
                                         wire::Icmpv6Message{wire::HomeAgentAddressDiscoveryReply{request->identifier, names_}});
    world_.clock.after(0ms, [this, lie] { world_.network.send(attachment_, lie); });
  }
  TwoAgents& world_;
  std::vector<Address> names_;
  Attachment& attachment_;
};

}  // namespace

TEST_CASE("the preferred home agent is found and serves") {
  TwoAgents world;
  world.connect();
  REQUIRE(world.run_until([&] { return world.status().registered; }, 5s));
  world.run_for(10s);
  CHECK(world.all_at(world.first));
  CHECK(world.status().home_agents == std::vector<Address>{kFirst, kSecond});
  CHECK(world.count(wire::kIcmpv6HomeAgentAddressDiscoveryRequest) == 1);
  CHECK(world.second.bindings().empty());
  world.stream(5000, 1000, 1ms);
  world.run_for(3s);
  CHECK(world.answered(5000).size() == 1000);
}

TEST_CASE("the serving home agent dies under two flows: both go on by way of the other one, with their home addresses") {
  TwoAgents world;
  world.connect();
  world.run_for(10s);
  REQUIRE(world.all_at(world.first));
  world.stream(5000, 40'000, 1ms);
  world.stream(6000, 40'000, 1ms);
  world.run_for(2s);
  const Address one = world.mobile_node.flow(5000)->home_address, two = world.mobile_node.flow(6000)->home_address;
  CHECK(one != two);
  const TimePoint died = world.clock.now();
  world.die(world.first, world.second);
  REQUIRE(world.run_until([&] { return world.all_at(world.second); }, 60s));
  // Packets that nobody answers for 2 s, four probes, three Binding Updates, two duplicate address detections.
  CHECK(world.clock.now() - died < 20s);
  const auto back = static_cast<std::uint32_t>((world.clock.now() - died + 2s) / 1ms) + 20;
  world.run_for(41s);
  CHECK(world.mobile_node.flow(5000)->home_address == one);
  CHECK(world.mobile_node.flow(6000)->home_address == two);
  for (const std::uint16_t port : {std::uint16_t{5000}, std::uint16_t{6000}}) {
    const auto answered = world.answered(port);
    std::size_t lost = 0;
    for (std::uint32_t i = back; i < 40'000; ++i) lost += answered.contains(i) ? 0 : 1;
    CHECK(lost == 0);
  }
  CHECK(world.mobile_node.kernel.equals(world.mobile_node.role().plan()));
  CHECK(world.mobile_node.kernel.home_agents.size() == 1);
  CHECK(world.count(wire::kIcmpv6HomeAgentAddressDiscoveryRequest) == 1);
}

TEST_CASE("only its daemon is gone, and its kernel answers probes: left when the binding is to be renewed") {
  TwoAgents world({.requested_lifetime = 120s});
  world.connect();
  world.run_for(10s);
  world.first.stop();
  world.second.take_home_prefixes();
  const TimePoint died = world.clock.now();
  REQUIRE(world.run_until([&] { return world.all_at(world.second); }, 200s));
  CHECK(world.clock.now() - died < 90s + 31s + 5s);
  // It is there again: nobody goes back.
  world.come_back(world.first);
  world.second.take_home_prefixes();
  world.run_for(10min);
  CHECK(world.all_at(world.second));
}

TEST_CASE("both die, and either comes back") {
  for (const bool first_comes : {true, false}) {
    CAPTURE(first_comes);
    TwoAgents world;
    world.connect();
    world.run_for(10s);
    world.stream(5000, 30'000, 100ms);
    world.run_for(1s);
    const Address home_address = world.mobile_node.flow(5000)->home_address;
    world.die(world.first, world.second);
    world.die(world.second, world.first);
    world.run_for(15min);
    CHECK_FALSE(world.status().registered);
    const auto said = world.network.signalling().size();
    world.run_for(10min);
    CHECK(world.network.signalling().size() - said < 200);  // not at full rate
    auto& host = first_comes ? world.first : world.second;
    world.come_back(host);
    REQUIRE(world.run_until([&] { return world.status().registered; }, 3min));
    world.run_for(1min);
    CHECK(world.all_at(host));
    REQUIRE(world.mobile_node.flow(5000));
    CHECK(world.mobile_node.flow(5000)->home_address == home_address);
    const auto arrived = world.mobile_node.arrived.size();
    world.run_for(10s);
    CHECK(world.mobile_node.arrived.size() >= arrived + 95);
  }
}

TEST_CASE("a home agent that does not know the mobile node is passed over") {
  TwoAgents world;
  auto configuration = world.first.configuration();
  configuration.mobile_nodes.clear();
  world.first.configure(configuration);
  world.connect();
  REQUIRE(world.run_until([&] { return world.status().registered; }, 20s));
  world.run_for(10s);
  CHECK(world.status().home_agent == kSecond);
}

TEST_CASE("lies about home agents cost time before a registration, and nothing after it") {
  TwoAgents world;
  Liar liar(world, {kNobody, *Address::parse("2001:db8:9::9"), kPrimary});
  world.connect();
  REQUIRE(world.run_until([&] { return world.status().registered; }, 15s));
  CHECK(liar.told > 0);
  world.run_for(30min);
  CHECK(world.all_at(world.first));
  for (const auto& capture : world.network.signalling())
    CHECK(destination_on_the_wire(capture.packet) != *Address::parse("2001:db8:9::9"));
}

TEST_CASE("every pattern of lost messages among the first eight ends in a registration") {
  for (unsigned mask = 0; mask < 256; ++mask) {
    CAPTURE(mask);
    TwoAgents world({.warm_pool_size = 0, .anchor_per_interface = false});
    unsigned sent = 0;
    world.lose = [&](const Bytes& packet) { return Network::is_signalling(packet) && sent < 8 && (mask >> sent++ & 1U) != 0; };
    world.connect();
    REQUIRE(world.run_until([&] { return world.status().registered; }, 150s));
    world.run_for(40s);
    const bool is_first = world.status().home_agent == kFirst;
    CHECK(world.all_at(is_first ? world.first : world.second));
  }
}

TEST_CASE("the daemon is killed while a home agent serves: the next one goes on there and asks nobody") {
  TwoAgents world;
  world.connect();
  world.run_for(10s);
  world.stream(5000, 5'000, 1ms);
  world.run_for(1s);
  world.mobile_node.kill_and_start();
  CHECK(world.mobile_node.kernel.home_agents.contains(kFirst));
  world.run_for(10s);
  CHECK(world.all_at(world.first));
  CHECK(world.answered(5000).size() == 5'000);
  CHECK(world.count(wire::kIcmpv6HomeAgentAddressDiscoveryRequest) == 1);
  CHECK(world.status().home_agent_origin == mobile_node::HomeAgentOrigin::Recovered);
}

TEST_CASE("home agents die and come back at random, on lossy links, while the mobile node moves") {
  const auto seed = test::seed("several home agents");
  CAPTURE(seed);
  for (std::uint64_t run = 0; run < 20; ++run) {
    CAPTURE(run);
    std::mt19937_64 random(seed + run);
    TwoAgents world({.seed = seed + run, .requested_lifetime = 60s, .links = {.jitter = 20ms, .loss = 0.1, .duplication = 0.05}});
    world.connect();
    world.stream(5000, 6'000, 100ms);
    bool elsewhere = false;
    for (unsigned step = 0; step < 40; ++step) {
      world.run_for(std::chrono::milliseconds(random() % 20'000));
      auto& host = random() % 2 == 0 ? world.first : world.second;
      auto& other = &host == &world.first ? world.second : world.first;
      switch (random() % 4) {
        case 0:
          if (host.running()) world.die(host, other);
          break;
        case 1:
          if (!host.running()) world.come_back(host);
          break;
        case 2:
          elsewhere = !elsewhere;
          world.mobile_node.renumber(kWlan, elsewhere ? *Address::parse("2001:db8:c::10") : kWlanAddress);
          break;
        case 3: world.mobile_node.kill_and_start(); break;
      }
      REQUIRE(world.mobile_node.kernel.home_agents.size() <= 2);
    }
    for (auto* host : {&world.first, &world.second})
      if (!host->running()) world.come_back(*host);
    world.network.set_all_links({});
    REQUIRE(world.run_until([&] { return world.status().registered; }, 10min));
    auto& host = world.status().home_agent == kFirst ? world.first : world.second;
    host.take_home_prefixes();
    CHECK(world.run_until([&] { return world.all_at(world.status().home_agent == kFirst ? world.first : world.second); }, 10min));
    CHECK(world.mobile_node.kernel.equals(world.mobile_node.role().plan()));
    CHECK(world.mobile_node.kernel.home_agents.size() == 1);
  }
}
