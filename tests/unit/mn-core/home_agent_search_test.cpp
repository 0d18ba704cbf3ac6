// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node that finds its home agents itself, and goes on to another one when the one that served it fails: RFC 6275
// §11.4.1, §11.7.1.
//
// Mutations that were tried, and what failed (with agent_choice_test.cpp):
//   silence is never found                      the serving home agent dies; the primary home address goes ahead; a forged reply …
//   the binding of before is forgotten          the same two; a serving home agent that refuses; a stop in the middle
//   tunnels lead to whoever is asked            the same two; a serving home agent that refuses
//   whoever is named may serve                  replies that are not to our request; nobody is asked who can not be …; the list
//   any identifier is believed                  replies that are not to our request
//   a reply turns away from who serves          a reply can not turn the node away
//   no time between two home agents             who refuses is followed by the next one; a list is asked in its order
#include <algorithm>
#include <deque>
#include <set>

#include "flow_support.hpp"
#include "home_agent_search.hpp"
#include "mipflow/wire/echo.hpp"
#include "probed_path.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

const Address kFirst = address("2001:db8:1::a");
const Address kSecond = address("2001:db8:1::b");
const Address kThird = address("2001:db8:1::c");

struct Request {
  TimePoint at{};
  wire::PacketView view;
  InterfaceIndex interface = 0;
  std::uint16_t identifier = 0;
};

Configuration discovering(std::vector<Address> acceptable = {}) {
  Configuration out = test::configuration();
  out.home_agent = {};
  out.udp_idle_timeout = 24h;  // flows without packets that outlive home agents
  out.other_home_agents = std::move(acceptable);
  return out;
}

// A node whose home agents are the addresses of `named`, best first; those of `alive` answer.
struct Searching : TestNode {
  explicit Searching(Configuration given = discovering()) : TestNode(std::move(given)) {
    arrives = [this](const SentUpdate& update) {
      asked.push_back({update.at, update.destination});
      return alive.contains(update.destination);
    };
    correspondents = [this] { return answer_requests(); };
  }

  std::vector<Address> named{kFirst, kSecond};
  std::set<Address> alive{kFirst, kSecond};
  bool answers_requests = true;
  std::vector<Request> requests;
  std::vector<std::pair<TimePoint, Address>> asked;  // Binding Updates that left, all home addresses

  void take_requests() {
    for (auto& sent : take_other_packets()) {
      packets_.push_back(std::move(sent.packet));
      answer_probe(*wire::parse_packet(packets_.back()), sent.interface);
      const auto decoded = wire::decode_packet(packets_.back());
      const auto* message = decoded ? std::get_if<wire::Icmpv6Message>(&decoded->message) : nullptr;
      const auto* request = message == nullptr ? nullptr : std::get_if<wire::HomeAgentAddressDiscoveryRequest>(message);
      if (request != nullptr) requests.push_back({now(), *wire::parse_packet(packets_.back()), sent.interface, request->identifier});
    }
  }
  void answer_probe(const wire::PacketView& view, InterfaceIndex interface) {
    auto echo = wire::decode_echo(view);
    if (!echo || echo->reply || !alive.contains(view.destination)) return;
    echo->reply = true;
    handle(PacketReceived{.packet = wire::build_packet({.source = view.destination, .destination = view.source}, *echo), .interface = interface});
  }
  bool answer_requests() {
    const std::size_t before = requests.size();
    take_requests();
    if (!answers_requests || requests.size() == before) return false;
    reply(requests.back(), named);
    return true;
  }
  void reply(const Request& request, std::vector<Address> home_agents, std::optional<std::uint16_t> identifier = {}, const Address& from = kFirst) {
    const wire::HomeAgentAddressDiscoveryReply message{.identifier = identifier.value_or(request.identifier), .home_agents = std::move(home_agents)};
    handle(PacketReceived{.packet = wire::build_packet({.source = from, .destination = request.view.source}, wire::Icmpv6Message{message}),
                          .interface = request.interface});
  }
  // Runs without anybody who answers.
  void silence(Duration duration) {
    advance(duration);
    take_requests();
  }
  Address serving() { return node.status(both()).home_agent; }
  Address tunnel_end() {
    const auto* home = node.plan().home_addresses.find(kPrimary);
    const auto* binding = home == nullptr ? nullptr : node.plan().bindings.find(home->default_binding);
    return binding == nullptr ? Address{} : binding->peer;
  }
  std::set<Address> accepted_tunnels() {
    std::set<Address> out;
    for (const auto& [home_agent, item] : node.plan().home_agents.items()) out.insert(home_agent);
    return out;
  }
  std::size_t asked_of(const Address& home_agent) const {
    return static_cast<std::size_t>(std::ranges::count(asked, home_agent, [](const auto& each) { return each.second; }));
  }
  // All home addresses are bound there.
  bool all_at(const Address& home_agent) {
    const auto bindings = node.bindings(both());
    return !bindings.empty() && std::ranges::all_of(bindings, [&](const auto& each) { return each.peer == home_agent && each.state == "bound"; });
  }

 private:
  std::deque<Bytes> packets_;  // what the requests' views are of
};

std::size_t updates_to(const std::vector<SentUpdate>& updates, const Address& destination) {
  return static_cast<std::size_t>(std::ranges::count(updates, destination, &SentUpdate::destination));
}

}  // namespace

TEST_CASE("the home agents are asked for at their anycast address, from a care-of address, without any header more") {
  Searching test;
  test.settle();
  CHECK(test.node.next_deadline() == kNever);  // no interface to ask by
  CHECK(test.accepted_tunnels().empty());
  test.wlan_up();
  test.settle();
  test.take_requests();
  REQUIRE(test.requests.size() == 1);
  const auto& request = test.requests.front();
  CHECK(request.view.source == kWlanAddress);
  CHECK(request.view.destination == address("2001:db8:1:0:fdff:ffff:ffff:fffe"));
  CHECK_FALSE(request.view.home_address_option);
  CHECK_FALSE(request.view.routing_header_home_address);
  CHECK(request.interface == kWlan);
  CHECK(test.take_updates().empty());
  const auto status = test.node.status(test.both());
  CHECK(status.home_agent.is_unspecified());
  CHECK_FALSE(status.registered);
  CHECK(status.home_agent_search == "asks at 2001:db8:1:0:fdff:ffff:ffff:fffe who the home agents are");
}

TEST_CASE("the first one of the list serves, and nobody counts as a home agent before it has accepted") {
  Searching test;
  test.wlan_up();
  test.settle();
  test.take_requests();
  test.reply(test.requests.front(), {kFirst, kSecond});
  test.settle();
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  CHECK(updates.front().destination == kFirst);
  CHECK(test.accepted_tunnels().empty());
  CHECK(test.tunnel_end().is_unspecified());

  test.acknowledge(updates.front());
  CHECK(test.accepted_tunnels() == std::set<Address>{kFirst});
  CHECK(test.tunnel_end() == kFirst);
  const auto status = test.node.status(test.both());
  CHECK(status.registered);
  CHECK(status.home_agent == kFirst);
  CHECK(status.home_agent_origin == HomeAgentOrigin::Discovered);
  CHECK(status.home_agents == std::vector<Address>{kFirst, kSecond});
  CHECK(status.served_for == Duration{});
  CHECK(status.home_agent_search.empty());
}

TEST_CASE("requests are repeated after 3, 6, 12 and 24 s from one interface after the other, and later begin anew") {
  Searching test;
  test.wlan_up();
  test.wwan_up();
  test.settle();
  std::vector<Duration> gaps;
  std::set<std::uint16_t> identifiers;
  std::vector<InterfaceIndex> interfaces;
  for (TimePoint last = test.now(); test.requests.size() < 6;) {
    test.take_requests();
    for (; gaps.size() < test.requests.size(); last = test.requests[gaps.size() - 1].at) gaps.push_back(test.requests[gaps.size()].at - last);
    test.advance_to(std::max(test.node.next_deadline(), test.now()));
  }
  CHECK(gaps == std::vector<Duration>{0s, 3s, 6s, 12s, 24s, 48s + 8s});
  for (std::size_t i = 0; i < 5; ++i) identifiers.insert(test.requests[i].identifier);
  CHECK(identifiers.size() == 1);
  CHECK_FALSE(identifiers.contains(test.requests[5].identifier));
  for (std::size_t i = 0; i < 5; ++i) CHECK(test.requests[i].interface == (i % 2 == 0 ? kWlan : kWwan));
  CHECK(test.saw_event("home-agents-not-found"));
  // For an hour: not at full rate.
  test.silence(1h);
  CHECK(test.requests.size() > 5);
  CHECK(test.requests.size() < 150);
  CHECK(test.take_updates().empty());
}

TEST_CASE("replies that are not to our request change nothing") {
  Searching test;
  test.wlan_up();
  test.wwan_up();
  test.settle();
  test.take_requests();
  const Request request = test.requests.front();
  const auto deadline = test.node.next_deadline();
  const auto ignored = [&] {
    return test.saw_event("home-agents-unexpected") && test.node.status(test.both()).home_agents.empty() &&
           test.node.next_deadline() == deadline;
  };
  test.take_events();

  test.reply(request, {kThird}, static_cast<std::uint16_t>(request.identifier + 1));
  CHECK(ignored());
  test.reply(request, {kThird}, std::nullopt, address("fe80::1"));
  CHECK(ignored());
  test.reply(request, {});
  CHECK(ignored());
  test.reply(request, {address("2001:db8:9::1"), kPrimary, address("ff02::1"), kWlanAddress});
  CHECK(ignored());
  const wire::HomeAgentAddressDiscoveryReply right{.identifier = request.identifier, .home_agents = {kThird}};
  const auto from_third = [&](wire::Envelope envelope, InterfaceIndex interface, std::optional<Address> tunnel = std::nullopt) {
    test.handle(PacketReceived{.packet = wire::build_packet(envelope, wire::Icmpv6Message{right}), .interface = interface, .tunnel_source = tunnel});
  };
  from_third({.source = kThird, .destination = address("2001:db8:a::99")}, kWlan);  // no address of ours
  CHECK(ignored());
  from_third({.source = kThird, .destination = kWlanAddress}, kWwan);  // of another interface
  CHECK(ignored());
  from_third({.source = kThird, .destination = kWlanAddress, .routing_header_home_address = kPrimary}, kWlan);
  CHECK(ignored());
  from_third({.source = kThird, .destination = kPrimary}, kWlan, kThird);
  CHECK(test.saw_event("tunnel-from-stranger"));
  CHECK(test.take_updates().empty());

  test.reply(request, {kSecond});
  test.settle();
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  CHECK(updates.front().destination == kSecond);
}

TEST_CASE("a forged reply that is the first one costs time only: the right one behind it counts as well") {
  Searching test;
  test.alive = {kFirst};
  test.wlan_up();
  test.settle();
  test.take_requests();
  test.reply(test.requests.front(), {kThird});  // nobody is there
  test.reply(test.requests.front(), {kFirst});
  test.serve(20s);
  CHECK(test.all_at(kFirst));
  // 1.5 + 3 + 6 s
  CHECK(test.asked_of(kThird) == kSilentStranger);
  CHECK(test.requests.size() == 1);
}

TEST_CASE("nobody is believed without an acknowledgement under the security association") {
  Searching test;
  test.wlan_up();
  test.settle();
  test.take_requests();
  test.reply(test.requests.front(), {kThird, kFirst});
  test.settle();
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  test.acknowledge(updates.front(), {.wrong_key = true});
  test.acknowledge(updates.front(), {.from = kSecond});
  CHECK_FALSE(test.node.status(test.both()).registered);
  CHECK(test.accepted_tunnels().empty());
}

TEST_CASE("who refuses is followed by the next one, not within 1.5 s") {
  const auto status = GENERATE(wire::BindingStatus::NotHomeAgentForThisMobileNode, wire::BindingStatus::InsufficientResources,
                               wire::BindingStatus::AdministrativelyProhibited, wire::BindingStatus::HomeRegistrationNotSupported,
                               wire::BindingStatus::DuplicateAddressDetectionFailed, wire::BindingStatus::MipV6AuthFail);
  Searching test;
  test.judge = [&](const SentUpdate& update) { return update.destination == kFirst ? std::optional(status) : std::nullopt; };
  test.wlan_up();
  test.serve(10s);
  CHECK(test.all_at(kSecond));
  CHECK(test.asked_of(kFirst) == 1);
  const auto second = std::ranges::find(test.asked, kSecond, [](const auto& each) { return each.second; });
  CHECK(second->first - test.asked.front().first == 1500ms);
}

TEST_CASE("what is wrong with the Binding Update is mended, not taken for a refusal") {
  Searching test;
  unsigned corrections = 0;
  test.judge = [&](const SentUpdate&) { return corrections++ == 0 ? std::optional(wire::BindingStatus::SequenceNumberOutOfWindow) : std::nullopt; };
  test.wlan_up();
  test.serve(10s);
  CHECK(test.all_at(kFirst));
  CHECK(test.asked_of(kSecond) == 0);
}

TEST_CASE("all refuse: they are asked again, with pauses") {
  Searching test;
  test.judge = [](const SentUpdate&) { return std::optional(wire::BindingStatus::NotHomeAgentForThisMobileNode); };
  test.wlan_up();
  test.serve(1h);
  CHECK(test.asked_of(kFirst) > 40);
  CHECK(test.asked.size() < 250);
  CHECK(test.requests.size() < 100);
  test.judge = {};
  test.serve(65s);
  CHECK(test.node.status(test.both()).registered);
}

TEST_CASE("the serving home agent dies: its flows keep their addresses and go on with the next one") {
  Searching test;
  settle_in(test);
  REQUIRE(test.all_at(kFirst));
  test.outgoing(5000);
  test.outgoing(5001);
  test.serve(5s);
  const auto before = std::pair(test.flow_with_port(5000)->home_address, test.flow_with_port(5001)->home_address);
  const std::size_t home_addresses = test.node.bindings(test.both()).size();

  test.alive = {kSecond};
  const TimePoint died = test.now();
  // Meanwhile the tunnel stays where it was.
  while (test.asked_of(kSecond) == 0 && test.now() < died + 10min) {
    CHECK(test.tunnel_end() == kFirst);
    CHECK(test.accepted_tunnels() == std::set<Address>{kFirst});
    CHECK(test.node.plan().default_route);
    test.serve(100ms);
  }
  // Three quarters of the lifetime, then 1 + 2 + 4 + 8 + 16 s.
  CHECK(test.now() - died < 450s + 31s + 2s);
  CHECK(test.tunnel_end() == kFirst);
  CHECK(test.node.status(test.both()).registered);
  test.serve(5s);
  CHECK(test.all_at(kSecond));
  CHECK(test.node.bindings(test.both()).size() == home_addresses);
  CHECK(test.accepted_tunnels() == std::set<Address>{kSecond});
  for (const auto& [id, binding] : test.node.plan().bindings.items()) CHECK(binding.peer == kSecond);
  CHECK(std::pair(test.flow_with_port(5000)->home_address, test.flow_with_port(5001)->home_address) == before);
  CHECK(test.flow_with_port(5000)->state == "active");
  CHECK(test.flow_with_port(5001)->state == "active");
  CHECK(test.requests.size() == 1);  // the second one was known
}

TEST_CASE("the primary home address goes ahead, the others follow one by one: each stays in its tunnel until it is accepted") {
  Searching test;
  settle_in(test);
  REQUIRE(test.node.bindings(test.both()).size() > 1);
  test.alive = {kSecond};
  test.arrives = [&](const SentUpdate& update) {
    test.asked.push_back({update.at, update.destination});
    return update.destination == kSecond && update.home_address == kPrimary;
  };
  while (test.tunnel_end() == kFirst) test.serve(1s);
  CHECK(test.tunnel_end() == kSecond);
  CHECK(test.accepted_tunnels() == std::set<Address>{kFirst, kSecond});
  for (const auto& [id, binding] : test.node.plan().bindings.items())
    CHECK(binding.peer == (binding.home_address == kPrimary ? kSecond : kFirst));
  CHECK(test.node.plan().bindings.items().size() > 1);
  test.arrives = [&](const SentUpdate& update) { return update.destination == kSecond; };
  test.serve(40s);
  CHECK(test.accepted_tunnels() == std::set<Address>{kSecond});
}

TEST_CASE("a serving home agent that refuses is left as well, and its binding is used as long as it lasts") {
  Searching test;
  settle_in(test);
  test.answers_requests = false;
  test.judge = [&](const SentUpdate&) { return std::optional(wire::BindingStatus::InsufficientResources); };
  test.serve(460s);  // the refresh
  CHECK(test.asked_of(kSecond) > 0);
  CHECK(test.tunnel_end() == kFirst);
  CHECK(test.node.status(test.both()).registered);
  CHECK(test.node.plan().default_route);
  test.serve(200s);  // the end of the binding
  CHECK_FALSE(test.node.status(test.both()).registered);
  CHECK_FALSE(test.node.plan().default_route);
}

TEST_CASE("nothing but its own silence or refusal turns the node away from a home agent") {
  Searching test;
  settle_in(test);
  const Request request = test.requests.back();
  for (unsigned identifier = 0; identifier < 0x10000; identifier += 7)
    test.reply(request, {kThird}, static_cast<std::uint16_t>(identifier));
  test.reply(request, {kThird});
  test.serve(20min);
  CHECK(test.all_at(kFirst));
  CHECK(test.asked_of(kThird) == 0);
  CHECK(test.asked_of(kSecond) == 0);
}

TEST_CASE("all home agents die and one comes back: it is found, and flows have kept their addresses") {
  Searching test;
  settle_in(test);
  test.outgoing(5000);
  test.serve(5s);
  const Address home_address = test.flow_with_port(5000)->home_address;
  test.alive.clear();
  test.answers_requests = false;
  test.serve(30min);
  CHECK_FALSE(test.node.status(test.both()).registered);
  test.alive = {kSecond};
  test.answers_requests = true;
  const TimePoint back = test.now();
  while (!test.node.status(test.both()).registered && test.now() < back + 10min) test.serve(1s);
  CHECK(test.now() - back < 150s);  // a pause and a request's last wait
  test.serve(40s);
  REQUIRE(test.flow_with_port(5000));
  CHECK(test.flow_with_port(5000)->home_address == home_address);
  CHECK(test.all_at(kSecond));
}

TEST_CASE("a fixed list is asked in its order, without discovery") {
  Configuration configuration = test::configuration();
  configuration.home_agent = kFirst;
  configuration.other_home_agents = {kSecond, kThird};
  Searching test(configuration);
  test.alive = {kThird};
  test.wlan_up();
  test.serve(30s);
  CHECK(test.all_at(kThird));
  CHECK(test.requests.empty());
  CHECK(test.asked_of(kFirst) == kSilentStranger);
  CHECK(test.asked_of(kSecond) == kSilentStranger);
  CHECK(test.node.status(test.both()).home_agent_origin == HomeAgentOrigin::Configured);
}

TEST_CASE("a home agent that answers over no interface is asked at once, and left after three Binding Updates") {
  Configuration configuration = discovering();
  configuration.probe_home_agent = true;
  Searching test(configuration);
  settle_in(test);
  REQUIRE(test.all_at(kFirst));
  for (const auto& interface : test.node.interfaces(test.both())) REQUIRE(interface.online == true);
  test.alive = {kSecond};
  test.asked.clear();
  const TimePoint died = test.now();
  while (test.asked_of(kSecond) == 0 && test.now() < died + 10min) test.serve(100ms);
  CHECK(test.now() - died < ProbedPath::kIdleInterval + 20s);  // long before the binding is renewed by itself
  CHECK(test.asked_of(kFirst) == kSilentUnreachable);
  const Duration patience = test.asked.back().first - test.asked.front().first;
  CHECK(patience >= 7s);  // 1 + 2 + 4
  CHECK(patience < 7100ms);
  test.serve(10s);
  CHECK(test.all_at(kSecond));
  for (const auto& interface : test.node.interfaces(test.both())) CHECK(interface.online == true);
}

TEST_CASE("tunnels are accepted from the secondaries that the configuration names, and they are no home agents") {
  Configuration configuration = discovering();
  configuration.tunnel_sources = {kThird};
  Searching test(configuration);
  CHECK(test.accepted_tunnels() == std::set<Address>{kThird});
  test.wlan_up();
  test.serve(5s);
  CHECK(test.accepted_tunnels() == std::set<Address>{kFirst, kThird});
  CHECK(test.asked_of(kThird) == 0);
  CHECK(test.tunnel_end() == kFirst);
}

TEST_CASE("a stop in the middle of a search gives the binding back that is there") {
  Searching test;
  settle_in(test);
  test.alive.clear();
  test.answers_requests = false;
  while (test.asked_of(kSecond) == 0) test.serve(1s);
  test.stop();
  test.settle();
  const auto updates = test.take_updates();
  const auto released = std::ranges::find_if(updates, [](const auto& each) { return each.home_address == kPrimary && each.message.lifetime_units == 0; });
  REQUIRE(released != updates.end());
  CHECK(released->destination == kFirst);
  CHECK(updates_to(updates, kSecond) == 0);
}

TEST_CASE("a restart goes on with the home agent of before, in its tunnel") {
  Searching test;
  test.handle(HomeAgentRecovered{kSecond});
  test.handle(FlowRecovered{.key = udp_key(5000), .home_address = kPrimary});
  CHECK(test.tunnel_end().is_unspecified());  // no interface yet
  test.wlan_up();
  test.settle();
  CHECK(test.tunnel_end() == kSecond);
  CHECK(test.accepted_tunnels() == std::set<Address>{kSecond});
  test.take_requests();
  CHECK(test.requests.empty());
  test.serve(5s);
  CHECK(test.all_at(kSecond));
  CHECK(test.node.status(test.both()).home_agent_origin == HomeAgentOrigin::Recovered);
}
