// SPDX-License-Identifier: GPL-3.0-or-later
// What a daemon finds that the one before it left: flows that go on, and where home agents and correspondent nodes send.
#include "flow_support.hpp"
#include "scripted_correspondent.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

constexpr const char* kForbidden = "[default]\nroute-optimization = \"no\"\n";
constexpr const char* kWwanFirst = "[default]\ninterfaces = [\"wwan0\", \"*\"]\n";
const Address kHomeAddress = address("2001:db8:1::abcd");

// The daemon before this one had the flow on wlan0.
void recover_on_wlan(TestNode& test) {
  test.handle(FlowRecovered{.key = udp_key(5000, kHomeAddress), .home_address = kHomeAddress});
  for (const Address& home_address : {kHomeAddress, kPrimary})
    test.handle(HomeAddressRecovered{home_address, kWlanAddress, kWlan, kHomeAgent});
}

std::optional<SentUpdate> update_of(TestNode& test, const Address& home_address) {
  std::optional<SentUpdate> out;
  for (const auto& sent : test.take_updates())
    if (sent.home_address == home_address) out = sent;
  return out;
}

bool accepts_straight(TestNode& test) { return test.node.plan().routing_header_sources.find({kPrimary, kCorrespondent}) != nullptr; }

// The next Binding Updates to the correspondent node, whose home tests are answered. The first registration with the home agent
// takes more than a second.
std::vector<SentUpdate> next_updates(TestNode& test, ScriptedCorrespondent& peer) {
  for (int i = 0; i < 20; ++i) {
    for (const auto& init : peer.take_home_test_inits()) peer.answer(init);
    if (auto updates = peer.take_updates(); !updates.empty()) return updates;
    test.serve(1500ms);
  }
  return {};
}

}  // namespace

TEST_CASE("a recovered flow that belongs elsewhere now goes on where it was until the home agent knows where") {
  TestNode test(configuration(), kWwanFirst);
  recover_on_wlan(test);
  test.wlan_up();
  test.wwan_up();
  test.settle();
  CHECK(path_of(test, udp_key(5000, kHomeAddress)) == kWlanAddress);
  const auto update = update_of(test, kHomeAddress);
  REQUIRE(update);
  CHECK(update->care_of_address == kWwanAddress);
  // The operator wants to know whether this daemon was answered.
  CHECK_FALSE(test.node.status(test.both()).registered);
  test.acknowledge(*update);
  CHECK(path_of(test, udp_key(5000, kHomeAddress)) == kWwanAddress);
}

TEST_CASE("a recovered flow whose interface went meanwhile follows its Binding Update") {
  TestNode test(configuration(), kWwanFirst);
  recover_on_wlan(test);
  test.wwan_up();
  test.settle();
  CHECK(path_of(test, udp_key(5000, kHomeAddress)) == kWwanAddress);
}

TEST_CASE("a recovered flow that no interface could carry before the goodbye is on none afterwards") {
  TestNode test(configuration(), "[[class]]\nname = \"root\"\n[class.match]\nuser = 0\n");
  test.handle(FlowRecovered{.key = udp_key(5000, kHomeAddress), .home_address = kHomeAddress});
  test.stop();
  test.wlan_up();
  // Whatever makes the node look again where a home address should be.
  SECTION("its owner is found") {
    test.handle(FlowOwnerFound{udp_key(5000, kHomeAddress), std::make_shared<const FlowOwner>(FlowOwner{.user = 0})});
  }
  SECTION("the first flow of another home address") { test.incoming(5002); }
  test.advance(5s);
  CHECK(path_of(test, udp_key(5000, kHomeAddress)) == Address{});
  for (const auto& flow : test.node.flows(test.both())) {
    INFO(flow.id);
    CHECK(flow.interface.empty());
  }
}

TEST_CASE("what a home agent has from before a restart does not outlive the longest lifetime") {
  auto brief = configuration();
  brief.requested_lifetime = 60s;
  TestNode test(brief, kWwanFirst);
  recover_on_wlan(test);
  test.wlan_up();
  test.wwan_up();
  test.advance(59s);
  CHECK(path_of(test, udp_key(5000, kHomeAddress)) == kWlanAddress);
  test.advance(2s);
  // Nothing is better than the other now; the next acknowledgement will be of this one.
  CHECK(path_of(test, udp_key(5000, kHomeAddress)) == kWwanAddress);
}

TEST_CASE("a home address without a recovered flow is of no interest") {
  TestNode test;
  test.handle(HomeAddressRecovered{kHomeAddress, kWlanAddress, kWlan, kHomeAgent});
  test.wlan_up();
  CHECK_FALSE(test.home_address(kHomeAddress));
  CHECK(test.node.plan().home_addresses.items().empty());
}

TEST_CASE("the direct path was forbidden while no daemon ran: the binding is deleted, and what it draws is let in until it is") {
  TestNode test(configuration(), kForbidden);
  ScriptedCorrespondent peer(test);
  test.handle(FlowRecovered{.key = udp_key(5000), .home_address = kPrimary, .direct = true});
  CHECK(accepts_straight(test));
  test.wlan_up();
  test.settle();
  // Not registered yet: there is no tunnel through which a Home Test could come.
  CHECK(peer.take_home_test_inits().empty());
  const auto first = next_updates(test, peer);
  REQUIRE(first.size() == 1);
  CHECK(first.front().message.lifetime_units == 0);
  CHECK(peer.believes(first.front()));

  SECTION("deleted") {
    peer.acknowledge(first.front());
    CHECK_FALSE(accepts_straight(test));
  }
  SECTION("the restart lost the count of Binding Updates") {
    const auto last_known = static_cast<std::uint16_t>(first.front().message.sequence + 100);
    peer.acknowledge(first.front(), {.status = wire::BindingStatus::SequenceNumberOutOfWindow, .sequence = last_known});
    CHECK(accepts_straight(test));
    const auto second = next_updates(test, peer);
    REQUIRE(second.size() == 1);
    CHECK(second.front().message.lifetime_units == 0);
    CHECK(second.front().message.sequence == static_cast<std::uint16_t>(last_known + 1));
    peer.acknowledge(second.front());
    CHECK_FALSE(accepts_straight(test));
  }
  SECTION("the correspondent node lost its nonces") {
    peer.acknowledge(first.front(), {.status = wire::BindingStatus::ExpiredHomeNonceIndex});
    CHECK(accepts_straight(test));
    const auto second = next_updates(test, peer);
    REQUIRE(second.size() == 1);
    CHECK(second.front().message.lifetime_units == 0);
    peer.acknowledge(second.front());
    CHECK_FALSE(accepts_straight(test));
  }
  SECTION("it answers 135 for ever") {
    for (int i = 0; i < 10 && accepts_straight(test); ++i)
      for (const auto& update : next_updates(test, peer))
        peer.acknowledge(update, {.status = wire::BindingStatus::SequenceNumberOutOfWindow, .sequence = update.message.sequence});
    CHECK_FALSE(accepts_straight(test));
  }
}

TEST_CASE("the direct path was forbidden while no daemon ran, and the correspondent node can not be told: its binding ends by itself") {
  TestNode test(configuration(), kForbidden);
  ScriptedCorrespondent peer(test);
  test.handle(FlowRecovered{.key = udp_key(5000), .home_address = kPrimary, .direct = true});
  test.wlan_up();
  std::uint64_t packets = 0;
  const auto carry_for = [&](Duration duration) {
    for (const TimePoint end = test.now() + duration; test.now() < end;) {
      test.handle(FlowActivities{{{.key = udp_key(5000), .packets_out = ++packets, .packets_in = packets}}});
      test.serve(5s);
    }
  };
  carry_for(wire::kMaxRrBindingLifetime - 5s);
  CHECK(accepts_straight(test));
  // Three Home Test Inits, then a pause, again and again.
  const auto asked = peer.take_home_test_inits().size();
  CHECK(asked > 3);
  CHECK(asked < 70);
  carry_for(10s);
  CHECK_FALSE(accepts_straight(test));
}

TEST_CASE("the direct path is forbidden soon after a restart") {
  TestNode test(configuration(), "[default]\nroute-optimization = \"yes\"\n");
  ScriptedCorrespondent peer(test);
  test.handle(FlowRecovered{.key = udp_key(5000), .home_address = kPrimary, .direct = true});
  test.wlan_up();
  test.settle();
  const std::vector<flow_separator::PolicyFile> files{{.name = "new.toml", .text = kForbidden}};
  auto policy = flow_separator::Policy::parse(files, {});
  REQUIRE(policy);
  test.command([&](Now now, Outputs& outputs) {
    return test.node.set_policy(std::make_shared<const flow_separator::Policy>(*policy), now, outputs);
  });
  CHECK(accepts_straight(test));
  const auto updates = next_updates(test, peer);
  REQUIRE(updates.size() == 1);
  CHECK(updates.front().message.lifetime_units == 0);
  CHECK(accepts_straight(test));
  peer.acknowledge(updates.front());
  CHECK_FALSE(accepts_straight(test));
}

TEST_CASE("recovered flows that correspondent nodes began are not counted as strangers") {
  constexpr std::uint16_t kFlows = 60;
  TestNode test;
  const auto correspondent = [](std::uint16_t i) { return address(("2001:db8:7::" + std::to_string(i + 1)).c_str()); };
  for (std::uint16_t i = 0; i < kFlows; ++i) {
    test.handle(FlowRecovered{.key = udp_key(5000, kHomeAddress, correspondent(i)), .home_address = kHomeAddress, .direct = true});
    test.handle(FlowRecovered{.key = udp_key(5000, kPrimary, correspondent(i)), .home_address = kHomeAddress, .direct = true});
  }
  CHECK(test.node.plan().routing_header_sources.items().size() == kFlows);
}

TEST_CASE("a binding that is to be deleted waits for an interface") {
  TestNode test(configuration(), kForbidden);
  ScriptedCorrespondent peer(test);
  test.handle(FlowRecovered{.key = udp_key(5000), .home_address = kPrimary, .direct = true});
  test.wlan_up();
  test.settle();
  test.serve(2100ms);
  REQUIRE(peer.take_home_test_inits().size() == 1);
  // In the middle of the test.
  test.carrier(kWlan, "wlan0", false);
  test.serve(30s);
  CHECK(accepts_straight(test));
  test.carrier(kWlan, "wlan0", true);
  const auto updates = next_updates(test, peer);
  REQUIRE(updates.size() == 1);
  peer.acknowledge(updates.front());
  CHECK_FALSE(accepts_straight(test));
}

TEST_CASE("a binding that nobody needed when the daemon was killed is deleted, for nobody knows where it leads") {
  TestNode test(configuration(), "[default]\nroute-optimization = \"yes\"\n");
  ScriptedCorrespondent peer(test);
  test.handle(CorrespondentRecovered{{kPrimary, kCorrespondent}});
  CHECK(accepts_straight(test));
  SECTION("it answers") {
    test.wlan_up();
    const auto updates = next_updates(test, peer);
    REQUIRE(updates.size() == 1);
    CHECK(updates.front().message.lifetime_units == 0);
    peer.acknowledge(updates.front());
    CHECK_FALSE(accepts_straight(test));
  }
  SECTION("it begins a flow before that") {
    test.wlan_up();
    test.serve(3s);  // the home registration
    test.incoming(5000);
    peer.serve(10s);
    CHECK(accepts_straight(test));
    CHECK(peer.bound_to(kPrimary) == kWlanAddress);
  }
  SECTION("it is silent, and its binding ends") {
    test.wlan_up();
    test.serve(wire::kMaxRrBindingLifetime - 1s);
    CHECK(accepts_straight(test));
    test.serve(2s);
    CHECK_FALSE(accepts_straight(test));
    CHECK_FALSE(peer.take_home_test_inits().empty());
    CHECK(peer.take_updates().empty());
  }
}

TEST_CASE("of a home address that is not managed any more no correspondent node is recovered") {
  TestNode test;
  test.handle(CorrespondentRecovered{{kHomeAddress, kCorrespondent}});
  CHECK(test.node.plan().routing_header_sources.items().empty());
}

TEST_CASE("registrations that only wait for the end of a binding make room") {
  auto small = configuration();
  small.correspondent_registration_cap = 3;
  TestNode test(small, "[default]\nroute-optimization = \"yes\"\n");
  const auto correspondent = [](int i) { return address(("2001:db8:7::" + std::to_string(i + 1)).c_str()); };
  for (int i = 0; i < 10; ++i) test.handle(CorrespondentRecovered{{kPrimary, correspondent(i)}});
  CHECK(test.node.plan().routing_header_sources.items().size() == 3);
  ScriptedCorrespondent peer(test);
  test.wlan_up();
  test.serve(5s);
  test.outgoing(5000);
  peer.serve(3s);
  CHECK(peer.bindings.size() == 1);
  CHECK(test.node.plan().routing_header_sources.items().size() == 3);
}
