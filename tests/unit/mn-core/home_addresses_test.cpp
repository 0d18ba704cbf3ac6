// SPDX-License-Identifier: GPL-3.0-or-later
// Home addresses come and go: prefix discovery (RFC 6275 §11.4), the warm pool, end of flows, recovery after a restart.
#include "flow_support.hpp"
#include "mipflow/wire/authentication.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

SentUpdate register_primary(TestNode& test) {
  test.wlan_up();
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  test.acknowledge(updates.front());
  return updates.front();
}

SentSolicitation only_solicitation(TestNode& test) {
  const auto solicitations = test.take_solicitations();
  REQUIRE(solicitations.size() == 1);
  return solicitations.front();
}

wire::PrefixInformation home_prefix(std::uint32_t valid = 86'400, std::uint32_t preferred = 43'200) {
  return {.autonomous = true, .valid_lifetime = valid, .preferred_lifetime = preferred, .prefix = address("2001:db8:1::")};
}

FlowActivities activity(const FlowKey& key, Duration idle, bool closed = false, std::uint64_t in = 1) {
  return {{FlowActivity{.key = key, .packets_out = 10, .bytes_out = 1000, .packets_in = in, .bytes_in = 900, .idle = idle, .closed = closed}}};
}

}  // namespace

TEST_CASE("after the first registration the prefixes are asked for, signed, and fresh home addresses registered") {
  TestNode test;
  register_primary(test);
  const auto solicitation = only_solicitation(test);
  CHECK(solicitation.at == test.now());
  CHECK(solicitation.care_of_address == kWlanAddress);
  CHECK(solicitation.message.authentication.has_value());
  CHECK(test.take_updates().empty());
  test.advertise(solicitation, {home_prefix()});
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 2);
  for (const auto& update : updates) {
    CHECK(configuration().home_prefix.contains(update.home_address));
    CHECK(update.home_address != kPrimary);
    CHECK(update.source == kWlanAddress);
  }
  CHECK(updates.front().home_address != updates.back().home_address);
}

TEST_CASE("an unanswered solicitation is repeated after 3 s, doubling to 32 s") {
  TestNode test;
  register_primary(test);
  auto last = only_solicitation(test);
  for (const Duration gap : {Duration{3s}, Duration{6s}, Duration{12s}, Duration{24s}, Duration{32s}, Duration{32s}}) {
    test.advance(gap - 1ms);
    CHECK(test.take_solicitations().empty());
    test.advance(1ms);
    const auto next = only_solicitation(test);
    CHECK(next.message.identifier != last.message.identifier);
    last = next;
  }
}

TEST_CASE("a home agent without prefix discovery: the configured prefix is used after three questions") {
  TestNode test;
  register_primary(test);
  test.advance(21s - 1ms);
  CHECK(test.take_updates().empty());
  test.advance(1ms);
  CHECK(test.take_updates().size() == 2);
  CHECK(test.saw_event("prefix-discovery-unanswered"));
}

TEST_CASE("prefix advertisements that are not believed change nothing") {
  TestNode test;
  register_primary(test);
  auto solicitation = only_solicitation(test);
  std::string event;
  SECTION("not signed") {
    test.advertise(solicitation, {home_prefix()}, false);
    event = "prefix-advertisement-authenticator-wrong";
  }
  SECTION("another identifier: the home agent is asked instead") {
    ++solicitation.message.identifier;
    test.advertise(solicitation, {home_prefix()});
    event = "prefix-advertisement-unsolicited";
  }
  CHECK(test.saw_event(event));
  CHECK(test.take_updates().empty());
}

TEST_CASE("an answer counts once; later ones are unsolicited and start one question, not a flood") {
  TestNode test;
  register_primary(test);
  const auto solicitation = only_solicitation(test);
  test.advertise(solicitation, {home_prefix()});
  for (int i = 0; i < 50; ++i) {
    test.advertise(solicitation, {home_prefix()});
    test.advance(10ms);
  }
  CHECK(test.take_solicitations().empty());
  test.advance(500ms);
  CHECK(test.take_solicitations().size() == 1);
}

TEST_CASE("prefixes that can not be used for home addresses are not used") {
  auto bad = home_prefix();
  SECTION("without the A flag") { bad.autonomous = false; }
  SECTION("preferred longer than valid") { bad.preferred_lifetime = bad.valid_lifetime + 1; }
  SECTION("no longer valid") { bad.valid_lifetime = bad.preferred_lifetime = 0; }
  SECTION("deprecated") { bad.preferred_lifetime = 0; }
  SECTION("not 64 bits long") { bad.prefix_length = 80; }
  SECTION("link-local") { bad.prefix = address("fe80::"); }
  TestNode test;
  register_primary(test);
  test.advertise(only_solicitation(test), {bad});
  CHECK(test.take_updates().empty());
}

TEST_CASE("the lifetime of a binding is bounded by that of its home address, also when that shrinks later") {
  TestNode test;
  register_primary(test);
  test.advertise(only_solicitation(test), {home_prefix(303, 303)});
  std::map<Address, Duration> lifetimes;
  for (const auto& update : test.take_updates()) lifetimes[update.home_address] = update.lifetime();
  // The primary one too: its binding of 600 s is refreshed with what is left.
  REQUIRE(lifetimes.contains(kPrimary));
  CHECK(lifetimes[kPrimary] == 300s);
  CHECK(lifetimes.size() == 3);
  for (const auto& [home_address, lifetime] : lifetimes) CHECK(lifetime == 300s);
}

TEST_CASE("when a prefix ends its home addresses go, and flows that had them are told as lost") {
  TestNode test;
  register_primary(test);
  test.advertise(only_solicitation(test), {home_prefix(120, 120)});
  for (const auto& update : test.take_updates()) test.acknowledge(update);
  test.outgoing(5000);
  REQUIRE(test.flow_with_port(5000)->home_address != kPrimary);
  test.advance(121s);
  CHECK_FALSE(test.flow_with_port(5000));
  CHECK(test.node.plan().flows.items().empty());
  CHECK(test.saw_event("flow-lost"));
}

TEST_CASE("a fresh home address that somebody else has is replaced by another one") {
  TestNode test;
  register_primary(test);
  test.advertise(only_solicitation(test), {home_prefix()});
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 2);
  test.acknowledge(updates.front(), {.status = wire::BindingStatus::DuplicateAddressDetectionFailed});
  CHECK_FALSE(test.home_address(updates.front().home_address));
  CHECK(test.take_updates().empty());
  test.advance(1s);
  const auto next = test.take_updates();
  REQUIRE(next.size() == 1);
  CHECK(next.front().home_address != updates.front().home_address);
}

TEST_CASE("a home agent that allows no more home addresses is not asked again and again") {
  TestNode test;
  test.judge = [](const SentUpdate& update) -> std::optional<wire::BindingStatus> {
    if (update.home_address == kPrimary) return std::nullopt;
    return wire::BindingStatus::InsufficientResources;
  };
  std::size_t asked = 0;
  const auto count = [&](const SentUpdate& update) {
    asked += update.home_address == kPrimary ? 0 : 1;
    return update.home_address == kPrimary ? wire::BindingStatus::Accepted : wire::BindingStatus::InsufficientResources;
  };
  test.judge = count;
  test.wlan_up();
  test.serve(std::chrono::minutes{10});
  CHECK(asked > 2);
  CHECK(asked <= 24);
  // Flows go on with what there is.
  test.outgoing(5000);
  CHECK(test.flow_with_port(5000)->home_address == kPrimary);
}

TEST_CASE("a flow ends by FIN and RST after its linger time, and by idleness") {
  TestNode test;
  settle_in(test);
  test.outgoing_tcp(6000, 0x02);
  test.outgoing(5000);
  test.serve(5s);
  const auto udp = *test.flow_with_port(5000);
  const auto tcp = *test.flow_with_port(6000);
  test.handle(activity(tcp.key, 0s, true));
  CHECK(test.flow_with_port(6000)->state == "closing");
  test.serve(5s - 1ms);
  CHECK(test.flow_with_port(6000));
  test.serve(1ms);
  CHECK_FALSE(test.flow_with_port(6000));
  CHECK(test.node.plan().flows.find(tcp.key) == nullptr);

  test.handle(activity(udp.key, 0s));
  CHECK(test.flow_with_port(5000)->packets_out == 10);
  CHECK(test.flow_with_port(5000)->bytes_in == 900);
  test.serve(180s - 1ms);
  CHECK(test.flow_with_port(5000));
  test.serve(1ms);
  CHECK_FALSE(test.flow_with_port(5000));
  CHECK(test.node.plan().flows.items().empty());
}

TEST_CASE("a home address that no flow uses is freed, the primary one never") {
  auto without_rest = configuration();
  without_rest.home_address_rest = 0s;
  TestNode test(without_rest);
  settle_in(test);
  test.outgoing(5000);
  test.incoming(22);
  test.serve(5s);
  const auto home_address = test.flow_with_port(5000)->home_address;
  REQUIRE(count_state(test, "spare") == 2);
  test.take_updates();
  test.advance(181s);
  test.settle();
  CHECK_FALSE(test.flow_with_port(5000));
  CHECK_FALSE(test.flow_with_port(22));
  bool released = false;
  for (const auto& update : test.take_updates())
    released = released || (update.home_address == home_address && update.message.lifetime_units == 0);
  CHECK(released);
  CHECK(test.node.plan().home_addresses.find(home_address) == nullptr);
  CHECK(test.home_address(kPrimary)->state == "registered");
}

TEST_CASE("a home address that becomes free while spares are missing becomes one") {
  auto without_rest = configuration();
  without_rest.home_address_rest = 0s;
  TestNode test(without_rest);
  settle_in(test);
  test.outgoing(5000);
  const auto home_address = test.flow_with_port(5000)->home_address;
  test.serve(3s);
  test.judge = [](const SentUpdate& update) { return update.message.lifetime_units > 0 ? wire::BindingStatus::InsufficientResources : wire::BindingStatus::Accepted; };
  test.outgoing(5001);
  test.outgoing(5002);
  test.serve(170s);
  test.handle(activity(test.flow_with_port(5001)->key, 0s));
  test.handle(activity(test.flow_with_port(5002)->key, 0s));
  test.take_updates();
  test.serve(12s);
  CHECK_FALSE(test.flow_with_port(5000));
  CHECK(test.home_address(home_address)->state == "spare");
}

TEST_CASE("a home address that became free while there was no interface is de-registered when there is one") {
  TestNode test;
  settle_in(test);
  test.outgoing(5000);
  test.serve(5s);
  const auto home_address = test.flow_with_port(5000)->home_address;
  REQUIRE(home_address != kPrimary);
  test.carrier(kWlan, "wlan0", false);
  test.carrier(kWwan, "wwan0", false, InterfaceKind::Cellular);
  test.take_updates();
  test.advance(200s);
  REQUIRE_FALSE(test.flow_with_port(5000));
  CHECK(test.take_updates().empty());
  CHECK(test.home_address(home_address)->state == "releasing");
  SECTION("an interface comes back") {
    test.carrier(kWwan, "wwan0", true, InterfaceKind::Cellular);
    std::optional<SentUpdate> release;
    for (const auto& update : test.take_updates())
      if (update.home_address == home_address) release = update;
    REQUIRE(release);
    CHECK(release->message.lifetime_units == 0);
    CHECK(release->source == kWwanAddress);
    SECTION("and is answered") { test.acknowledge(*release); }
    // The five Binding Updates of any de-registration: the loss of the interface is no reason to send them for ever.
    SECTION("and is not answered") { test.advance(31s); }
    CHECK_FALSE(test.home_address(home_address));
  }
  SECTION("none comes back before the binding has run out: there is nothing to de-register any more") {
    test.advance(600s);
    CHECK_FALSE(test.home_address(home_address));
    test.take_updates();
    test.carrier(kWwan, "wwan0", true, InterfaceKind::Cellular);
    for (const auto& update : test.take_updates()) CHECK(update.home_address != home_address);
  }
  SECTION("a clean stop does not wait for an interface") {
    test.stop();
    CHECK(test.node.stopped());
  }
}

TEST_CASE("a Binding Update that was not answered before the interfaces went may have been accepted") {
  auto only_anchors = configuration();
  only_anchors.warm_pool_size = 0;
  TestNode test(only_anchors);
  register_primary(test);
  test.advertise(only_solicitation(test), {home_prefix()});
  test.take_updates();
  test.wwan_up();
  const auto anchor = test.take_updates();
  REQUIRE(anchor.size() == 1);
  REQUIRE(anchor.front().source == kWwanAddress);
  test.carrier(kWwan, "wwan0", false, InterfaceKind::Cellular);
  test.carrier(kWlan, "wlan0", false);
  test.advance(30s);
  test.take_updates();
  SECTION("it is de-registered when nobody needs it") {
    const auto releases = [&] {
      std::size_t count = 0;
      for (const auto& update : test.take_updates())
        if (update.home_address == anchor.front().home_address && update.message.lifetime_units == 0) ++count;
      return count;
    };
    test.carrier(kWlan, "wlan0", true);
    CHECK(releases() == 1);
    // The home agent may still be busy with the address: the time-out is that of a first registration.
    test.advance(1500ms - 1ms);
    CHECK(releases() == 0);
    test.advance(1ms);
    CHECK(releases() == 1);
  }
  SECTION("but not when it would have run out") {
    test.advance(600s);
    test.carrier(kWlan, "wlan0", true);
    for (const auto& update : test.take_updates()) CHECK(update.home_address == kPrimary);
  }
}

TEST_CASE("a new connection with the ports of a closing one keeps the flow") {
  TestNode test;
  settle_in(test);
  test.outgoing_tcp(6000, 0x02);
  const auto flow = *test.flow_with_port(6000);
  test.handle(activity(flow.key, 0s, true));
  test.outgoing_tcp(6000, 0x02);
  CHECK(test.flow_with_port(6000)->state == "active");
  test.advance(10s);
  CHECK(test.flow_with_port(6000));
}

TEST_CASE("flows of the daemon before go on: same home addresses, registered again") {
  TestNode test;
  const Address old_home_address = address("2001:db8:1::abcd");
  test.handle(FlowRecovered{.key = udp_key(5000), .home_address = old_home_address});
  test.wlan_up();
  test.wwan_up();
  // What the data path carries is not taken away before the home agent has answered.
  CHECK(test.node.plan().default_route.has_value());
  CHECK(test.node.plan().home_addresses.find(old_home_address) != nullptr);
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
  auto updates = test.take_updates();
  std::optional<SentUpdate> update;
  for (const auto& sent : updates)
    if (sent.home_address == old_home_address) update = sent;
  REQUIRE(update);
  test.acknowledge(*update, {.status = wire::BindingStatus::SequenceNumberOutOfWindow, .sequence = std::uint16_t{77}});
  std::optional<SentUpdate> next;
  for (const auto& sent : test.take_updates())
    if (sent.home_address == old_home_address) next = sent;
  REQUIRE(next);
  CHECK(next->message.sequence == 78);
  test.acknowledge(*next);
  CHECK(test.home_address(old_home_address)->state == "registered");
  CHECK(test.flow_with_port(5000)->home_address == old_home_address);
}

TEST_CASE("a recovered flow below a prefix that is not ours is refused") {
  TestNode test;
  test.handle(FlowRecovered{.key = udp_key(5000), .home_address = address("2001:db8:ffff::1")});
  CHECK(test.saw_event("flow-not-recovered"));
  CHECK(test.node.plan().flows.items().empty());
}
