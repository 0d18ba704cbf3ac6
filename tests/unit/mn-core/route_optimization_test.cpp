// SPDX-License-Identifier: GPL-3.0-or-later
// Flows that go straight to their correspondent node: return routability, Binding Updates, moves, the end.
#include "flow_support.hpp"
#include "mipflow/wire/options.hpp"
#include "scripted_correspondent.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

constexpr const char* kAtOnce = "[default]\nroute-optimization = \"yes\"\n";
constexpr const char* kForbidden = "[default]\nroute-optimization = \"no\"\n";

const forwarding::BindingItem* binding_of(TestNode& test, const FlowKey& key) {
  const auto* flow = test.node.plan().flows.find(key);
  return flow == nullptr ? nullptr : test.node.plan().bindings.find(flow->binding);
}
bool is_direct(TestNode& test, const FlowKey& key) {
  const auto* binding = binding_of(test, key);
  return binding != nullptr && binding->header == forwarding::HeaderKind::RouteOptimized;
}

// What the data path would report of a flow that carries packets now.
void carry(TestNode& test, const FlowKey& key, std::uint64_t packets = 100) {
  test.handle(FlowActivities{{{.key = key, .packets_out = packets, .bytes_out = 100 * packets, .packets_in = packets, .bytes_in = 100 * packets}}});
  test.settle();
}

// A steady node with a route-optimised UDP flow on port 5000.
struct DirectFlow {
  TestNode test;
  ScriptedCorrespondent peer{test};
  Address home_address;

  explicit DirectFlow(const char* policy = kAtOnce) : test(configuration(), policy) {
    settle_in(test);
    test.outgoing(5000);
    peer.serve(2s);
    home_address = test.flow_with_port(5000)->home_address;
  }
  // For as long as the flow carries packets; they are reported every second.
  void live(Duration duration, std::uint16_t port = 5000) {
    for (const TimePoint end = test.now() + duration; test.now() < end;) {
      carry(test, udp_key(port), ++packets_ * 100);
      peer.serve(1s);
    }
  }

 private:
  std::uint64_t packets_ = 0;
};

}  // namespace

TEST_CASE("return routability: both tests at once, the Binding Update when both tokens are there, then the direct path") {
  TestNode test(configuration(), kAtOnce);
  ScriptedCorrespondent peer(test);
  settle_in(test);
  test.outgoing(5000);
  const Address home = test.flow_with_port(5000)->home_address;
  // Not before the first packet's verdict.
  CHECK(peer.take_home_test_inits().empty());
  test.settle();
  const auto home_tests = peer.take_home_test_inits();
  const auto care_of_tests = peer.take_care_of_test_inits();
  REQUIRE(home_tests.size() == 1);
  REQUIRE(care_of_tests.size() == 1);
  CHECK(home_tests.front().source == home);
  CHECK(home_tests.front().tunnel_source == kWlanAddress);
  CHECK(care_of_tests.front().source == kWlanAddress);
  CHECK_FALSE(care_of_tests.front().tunnel_source);
  CHECK(care_of_tests.front().interface == kWlan);

  SECTION("Home Test first") {
    peer.answer(home_tests.front());
    CHECK(peer.take_updates().empty());
    peer.answer_care_of(care_of_tests.front());
  }
  SECTION("Care-of Test first") {
    peer.answer_care_of(care_of_tests.front());
    CHECK(peer.take_updates().empty());
    peer.answer(home_tests.front());
  }
  const auto updates = peer.take_updates();
  REQUIRE(updates.size() == 1);
  const auto& update = updates.front();
  CHECK(update.home_address == home);
  CHECK(update.has_home_address_option);
  CHECK(update.source == kWlanAddress);
  CHECK(update.interface == kWlan);
  CHECK(update.message.acknowledge);
  CHECK_FALSE(update.message.home_registration);
  CHECK_FALSE(update.message.key_management_mobility_capability);
  CHECK(update.lifetime() <= 420s);
  CHECK(peer.believes(update));
  // Until the acknowledgement everything takes the tunnel; but packets with a routing header may come from now on.
  CHECK_FALSE(is_direct(test, udp_key(5000)));
  CHECK(test.node.plan().routing_header_sources.find({home, kCorrespondent}) != nullptr);
  CHECK(test.flow_with_port(5000)->path == "tunnel");

  peer.acknowledge(update);
  REQUIRE(is_direct(test, udp_key(5000)));
  CHECK(*binding_of(test, udp_key(5000)) == forwarding::BindingItem{.header = forwarding::HeaderKind::RouteOptimized,
                                                                    .home_address = home,
                                                                    .care_of_address = kWlanAddress,
                                                                    .peer = kCorrespondent,
                                                                    .uplink = kWlan});
  CHECK(test.flow_with_port(5000)->path == "direct");
}

TEST_CASE("a lifetime beyond the home registration is not asked for") {
  auto short_lived = configuration();
  short_lived.requested_lifetime = 100s;
  TestNode test(short_lived, kAtOnce);
  ScriptedCorrespondent peer(test);
  settle_in(test);
  test.outgoing(5000);
  peer.serve(2s);
  REQUIRE_FALSE(peer.updates.empty());
  CHECK(peer.updates.front().lifetime() <= 100s);
}

TEST_CASE("a class that forbids route optimisation sends no test, and says so") {
  DirectFlow scene(kForbidden);
  scene.live(10s);
  CHECK(scene.peer.tests == 0);
  CHECK(scene.test.flow_with_port(5000)->path == "tunnel");
  CHECK(scene.test.flow_with_port(5000)->path_reason.find("forbids") != std::string::npos);
}

TEST_CASE("a class that prefers it begins when the flow has lasted, in both directions") {
  DirectFlow scene("");
  CHECK(scene.peer.tests == 0);
  CHECK(scene.test.flow_with_port(5000)->path_reason == "the flow has not lasted yet");
  SECTION("a flow that lasts") {
    scene.live(5s);
    CHECK(is_direct(scene.test, udp_key(5000)));
  }
  SECTION("one that nobody answers") {
    for (int i = 0; i < 10; ++i) {
      scene.test.handle(FlowActivities{{{.key = udp_key(5000), .packets_out = 1000}}});
      scene.peer.serve(1s);
    }
    CHECK(scene.peer.tests == 0);
  }
}

TEST_CASE("moving a route-optimised flow costs one Binding Update and no test; packets follow its acknowledgement") {
  DirectFlow scene;
  auto& test = scene.test;
  scene.live(5s);
  const auto tests_before = scene.peer.tests;
  REQUIRE(tests_before == 3);  // home, and care-of for both interfaces
  REQUIRE(test.flow_with_port(5000)->interface == "wlan0");
  test.node.plan().bindings.take_changes();
  test.node.plan().flows.take_changes();

  REQUIRE(test.move(test.flow_with_port(5000)->id, "wwan0"));
  const auto updates = scene.peer.take_updates();
  REQUIRE(updates.size() == 1);
  CHECK(updates.front().at == test.now());
  CHECK(updates.front().source == kWwanAddress);
  CHECK(updates.front().interface == kWwan);
  CHECK(scene.peer.believes(updates.front()));
  test.settle();
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
  CHECK(is_direct(test, udp_key(5000)));
  CHECK(test.flow_with_port(5000)->state == "moving");
  scene.peer.acknowledge(updates.front());
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);
  CHECK(test.flow_with_port(5000)->state == "active");
  CHECK(test.flow_with_port(5000)->interface == "wwan0");
  CHECK(test.node.plan().flows.take_changes().empty());
  CHECK(scene.peer.take_home_test_inits().empty());
  CHECK(scene.peer.take_care_of_test_inits().empty());
}

TEST_CASE("a correspondent node that takes nothing from the former care-of address: the tunnel until the acknowledgement") {
  DirectFlow scene;
  auto& test = scene.test;
  scene.live(5s);
  REQUIRE(test.move(test.flow_with_port(5000)->id, "wwan0"));
  test.settle();
  REQUIRE(is_direct(test, udp_key(5000)));
  const auto there = scene.peer.take_updates();
  REQUIRE(there.size() == 1);
  SECTION("it says so while the move is under way") { scene.peer.binding_error(scene.home_address, kWlanAddress); }
  SECTION("it says so afterwards") {
    scene.peer.acknowledge(there.front());
    scene.peer.binding_error(scene.home_address, kWlanAddress);
    REQUIRE(is_direct(test, udp_key(5000)));
    REQUIRE(test.move(test.flow_with_port(5000)->id, "wlan0"));
  }
  CHECK_FALSE(is_direct(test, udp_key(5000)));
  CHECK(test.flow_with_port(5000)->path == "tunnel");
  scene.peer.serve(2s);
  CHECK(is_direct(test, udp_key(5000)));
}

TEST_CASE("when the former interface is lost packets follow the Binding Update; the tunnel when its acknowledgement does not come") {
  DirectFlow scene;
  auto& test = scene.test;
  scene.live(5s);
  test.carrier(kWlan, "wlan0", false);
  // Before it has left no packet may: the correspondent node does not know the address yet.
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
  test.settle();
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);
  const auto first = scene.peer.take_updates();
  REQUIRE(first.size() == 1);
  CHECK(is_direct(test, udp_key(5000)));
  test.serve(999ms);
  CHECK_FALSE(is_direct(test, udp_key(5000)));
  CHECK(scene.peer.take_updates().empty());
  test.serve(1ms);
  const auto second = scene.peer.take_updates();
  REQUIRE(second.size() == 1);
  CHECK(wire::sequence_is_newer(second.front().message.sequence, first.front().message.sequence));
  scene.peer.acknowledge(second.front());
  CHECK(is_direct(test, udp_key(5000)));
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);
}

TEST_CASE("an interface that is lost: the flow goes on at the other one without a test") {
  DirectFlow scene;
  auto& test = scene.test;
  scene.live(5s);
  const auto tests_before = scene.peer.tests;
  test.carrier(kWlan, "wlan0", false);
  const auto updates = scene.peer.take_updates();
  REQUIRE(updates.size() == 1);
  CHECK(updates.front().source == kWwanAddress);
  test.settle();
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);
  CHECK(is_direct(test, udp_key(5000)));
  scene.peer.acknowledge(updates.front());
  scene.live(2s);
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);
  CHECK(scene.peer.tests == tests_before);
}

// RFC 6275 §11.8: MAX_UPDATE_RATE Binding Updates a second and correspondent node. Until its own has left, what the correspondent node
// sends to a flow is lost: those that carry packets are not to wait behind those that do not.
TEST_CASE("an interface is lost under many home addresses: their Binding Updates leave in the order of the flows' last packets") {
  DirectFlow scene;
  auto& test = scene.test;
  constexpr std::uint16_t kFlows = 8;
  for (std::uint16_t i = 1; i < kFlows; ++i) {
    test.outgoing(5000 + i);
    scene.peer.serve(3s);
  }
  std::vector<Address> expected;
  for (const int i : {5, 0, 3, 7, 1, 6, 2, 4}) {
    const auto port = static_cast<std::uint16_t>(5000 + i);
    scene.live(1s, port);
    expected.insert(expected.begin(), test.flow_with_port(port)->home_address);
    REQUIRE(path_of(test, udp_key(port)) == kWlanAddress);
    REQUIRE(is_direct(test, udp_key(port)));
  }
  scene.peer.serve(3s);
  scene.peer.updates.clear();
  const TimePoint lost = test.now();
  test.carrier(kWlan, "wlan0", false);
  scene.peer.serve(5s);
  std::vector<Address> told;
  for (const auto& update : scene.peer.updates) told.push_back(update.home_address);
  REQUIRE(told == expected);
  for (std::size_t i = 0; i < told.size(); ++i) {
    CHECK(scene.peer.updates[i].at - lost < 1100ms * (i / wire::kMaxUpdateRate) + 100ms);
    CHECK(scene.peer.bound_to(told[i]) == kWwanAddress);
  }
}

TEST_CASE("two flows to the same correspondent node: moving one leaves the other's binding alone") {
  DirectFlow scene;
  auto& test = scene.test;
  test.outgoing(5001);
  scene.peer.serve(2s);
  const auto first = *test.flow_with_port(5000);
  const auto second = *test.flow_with_port(5001);
  REQUIRE(first.home_address != second.home_address);
  REQUIRE(is_direct(test, udp_key(5001)));
  REQUIRE(test.move(first.id, "wwan0"));
  scene.peer.serve(1s);
  CHECK(scene.peer.bound_to(first.home_address) == kWwanAddress);
  CHECK(scene.peer.bound_to(second.home_address) == kWlanAddress);
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);
  CHECK(path_of(test, udp_key(5001)) == kWlanAddress);
}

TEST_CASE("one home address with a different care-of address per correspondent node (WO 2004/057826, Figure 1)") {
  TestNode test(configuration(), "[default]\nhome-address = \"primary\"\nroute-optimization = \"yes\"\n");
  const Address other = address("2001:db8:6::80");
  ScriptedCorrespondent peer(test);
  settle_in(test);
  test.outgoing(5000);
  peer.serve(2s);
  ScriptedCorrespondent second(test, other);
  test.outgoing(5001, kPrimary, other);
  second.serve(2s);
  const auto key = udp_key(5001, kPrimary, other);
  REQUIRE(is_direct(test, udp_key(5000)));
  REQUIRE(is_direct(test, key));
  CHECK(test.flow_with_port(5000)->home_address == kPrimary);
  CHECK(test.flow_with_port(5001)->home_address == kPrimary);
  CHECK(test.flow_with_port(5001)->moves_with.empty());
  REQUIRE(test.move(test.flow_with_port(5001)->id, "wwan0"));
  second.serve(1s);
  CHECK(second.bound_to(kPrimary) == kWwanAddress);
  CHECK(path_of(test, key) == kWwanAddress);
  CHECK(path_of(test, udp_key(5000)) == kWlanAddress);
  CHECK(peer.bound_to(kPrimary) == kWlanAddress);
}

TEST_CASE("a home address that no other flow has (home-address = own)") {
  TestNode test(configuration(), "[default]\nhome-address = \"own\"\n");
  settle_in(test);
  test.outgoing(5000);
  test.serve(5s);
  test.outgoing(5001, kPrimary, address("2001:db8:6::80"));
  test.serve(5s);
  test.outgoing(5002, kPrimary, address("2001:db8:7::80"));
  CHECK(test.flow_with_port(5000)->home_address != test.flow_with_port(5001)->home_address);
  CHECK(test.flow_with_port(5001)->home_address != test.flow_with_port(5002)->home_address);
  CHECK(test.flow_with_port(5000)->home_address != test.flow_with_port(5002)->home_address);
}

TEST_CASE("a flow that a correspondent node begins keeps its home address and is optimised at once") {
  TestNode test(configuration(), kAtOnce);
  ScriptedCorrespondent peer(test);
  settle_in(test);
  test.incoming(5060);
  test.settle();
  CHECK(test.flow_with_port(5060)->home_address == kPrimary);
  CHECK(peer.take_home_test_inits().size() == 1);
  CHECK(peer.take_care_of_test_inits().size() == 1);
}

TEST_CASE("strangers that begin flows do not make the node send tests without end") {
  TestNode test(configuration(), kAtOnce);
  settle_in(test);
  test.take_other_packets();
  for (unsigned i = 0; i < 1000; ++i)
    test.incoming(5060, kPrimary, address(("2001:db8:66::" + std::to_string(i + 1)).c_str()));
  test.settle();
  CHECK(test.take_other_packets().size() <= 2 * 20);
}

TEST_CASE("refreshing: while a flow carries packets the binding and the tokens stay good; an idle flow costs nothing") {
  DirectFlow scene;
  scene.live(1h);
  CHECK(is_direct(scene.test, udp_key(5000)));
  // The budget of docs/operations.md: 21 home tests and 21 care-of tests per interface, 24 Binding Updates: bindings end
  // with the home registration at the latest, so a quarter of its lifetime is the shortest time between two.
  CHECK(scene.peer.tests <= 3 * 21);
  CHECK(scene.peer.updates.size() <= 24);
  const auto tests = scene.peer.tests;
  const auto updates = scene.peer.updates.size();
  // UDP flows end after three minutes without a packet; in the meantime nothing is refreshed but once.
  scene.peer.serve(170s);
  CHECK(scene.peer.tests - tests <= 3);
  CHECK(scene.peer.updates.size() - updates <= 1);
}

TEST_CASE("the home address ends sooner than the binding: the correspondent node is told at once") {
  DirectFlow scene;
  auto& test = scene.test;
  REQUIRE(is_direct(test, udp_key(5000)));
  const wire::PrefixInformation ends_soon{.prefix_length = 64,
                                          .on_link = true,
                                          .autonomous = true,
                                          .valid_lifetime = 100,
                                          .preferred_lifetime = 100,
                                          .prefix = address("2001:db8:1::")};
  // What nobody asked for is not believed, but asked about.
  SentSolicitation nobodys;
  nobodys.care_of_address = kWlanAddress;
  nobodys.home_agent = kHomeAgent;
  nobodys.message.identifier = 4711;
  test.take_solicitations();
  test.advertise(nobodys, {ends_soon});
  test.advance(1s);
  const auto asked = test.take_solicitations();
  REQUIRE(asked.size() == 1);
  scene.peer.updates.clear();
  test.advertise(asked.front(), {ends_soon});
  const TimePoint end = test.now() + 100s;
  scene.peer.serve(5s);
  REQUIRE(scene.peer.updates.size() == 1);
  const auto& update = scene.peer.updates.front();
  CHECK(update.message.lifetime_units > 0);
  CHECK(update.at + update.lifetime() <= end);
  CHECK(is_direct(test, udp_key(5000)));
}

TEST_CASE("the end of a flow deletes the binding after a while, by the home token alone and with the Alternate Care-of Address") {
  DirectFlow scene;
  auto& test = scene.test;
  scene.live(100s);
  scene.peer.serve(185s);  // the flow's idle time
  REQUIRE_FALSE(test.flow_with_port(5000));
  scene.peer.serve(15s);
  REQUIRE_FALSE(scene.peer.updates.empty());
  const auto& last = scene.peer.updates.back();
  if (last.message.lifetime_units == 0) {
    const auto* alternate = wire::find_option<wire::AlternateCareOfAddress>(last.message.options);
    REQUIRE(alternate != nullptr);
    CHECK(alternate->care_of_address == scene.home_address);
    CHECK(scene.peer.believes(last));
  } else {
    // It was too late for that: what the correspondent node begins by the binding is let in until that ends.
    CHECK(test.node.plan().routing_header_sources.items().size() == 1);
    scene.peer.serve(wire::kMaxRrBindingLifetime);
  }
  CHECK(test.node.plan().routing_header_sources.items().empty());
}

TEST_CASE("a binding that outlives its home token is deleted when the interface that it leads to is lost") {
  DirectFlow scene("[default]\nhome-address = \"primary\"\nroute-optimization = \"yes\"\n");
  auto& test = scene.test;
  test.wwan_up();
  scene.live(60s);
  scene.peer.serve(200s);  // the flow's idle time, and the token's life
  REQUIRE_FALSE(test.flow_with_port(5000));
  const auto bound_to = scene.peer.bound_to(scene.home_address);
  REQUIRE(bound_to);
  const auto tests = scene.peer.tests;
  // It costs nothing as long as packets come by it.
  scene.peer.serve(20s);
  CHECK(scene.peer.tests == tests);
  test.carrier(*bound_to == kWlanAddress ? kWlan : kWwan, *bound_to == kWlanAddress ? "wlan0" : "wwan0", false);
  scene.peer.serve(5s);
  CHECK(scene.peer.updates.back().message.lifetime_units == 0);
  CHECK_FALSE(scene.peer.bound_to(scene.home_address));
  CHECK(test.node.plan().routing_header_sources.items().empty());
}

TEST_CASE("a clean stop deletes the bindings at correspondent nodes") {
  DirectFlow scene;
  scene.live(3s);
  scene.test.stop();
  const auto updates = scene.peer.take_updates();
  REQUIRE(updates.size() == 1);
  CHECK(updates.front().message.lifetime_units == 0);
  CHECK(scene.peer.believes(updates.front()));
  CHECK_FALSE(scene.test.node.stopped());
  scene.peer.acknowledge(updates.front());
  for (const auto& update : scene.test.take_updates()) scene.test.acknowledge(update);
  CHECK(scene.test.node.stopped());
}

TEST_CASE("a home address that the policy gives to a class for good") {
  const Address voice = address("2001:db8:1::5060");
  TestNode test(configuration(), R"(
[[class]]
name = "voice"
home-address = "2001:db8:1::5060"
match = { protocol = "udp", port = 7 }
)");
  settle_in(test);
  REQUIRE(test.home_address(voice));
  CHECK(test.home_address(voice)->state == "registered");
  test.outgoing(5000);
  CHECK(test.flow_with_port(5000)->home_address == voice);
  test.outgoing_tcp(5001, 0x02);
  CHECK(test.flow_with_port(5001)->home_address != voice);
  // It stays when its flows have ended.
  test.serve(1h);
  CHECK_FALSE(test.flow_with_port(5000));
  REQUIRE(test.home_address(voice));
  CHECK(test.home_address(voice)->state == "registered");
}

TEST_CASE("after a restart: what the correspondent node still sends straight is accepted, and it is asked for a new binding") {
  TestNode test(configuration(), "[default]\nroute-optimization = \"prefer\"\n");
  ScriptedCorrespondent peer(test);
  test.handle(FlowRecovered{.key = udp_key(5000), .home_address = kPrimary, .direct = true});
  test.handle(FlowRecovered{.key = udp_key(5001, kPrimary, address("2001:db8:6::80")), .home_address = kPrimary, .direct = false});
  CHECK(test.node.plan().routing_header_sources.find({kPrimary, kCorrespondent}) != nullptr);
  CHECK(test.node.plan().routing_header_sources.items().size() == 1);
  test.wlan_up();
  // Nothing about correspondent nodes before the home agent has accepted the home address (RFC 6275 §11.7.2).
  test.settle();
  CHECK(peer.take_home_test_inits().empty());
  peer.serve(5s);
  CHECK(is_direct(test, udp_key(5000)));
  CHECK(peer.bound_to(kPrimary) == kWlanAddress);
}

// Found by fuzzing: the correspondent registration went on to name the flow that the other one took the place of.
TEST_CASE("after a restart: a flow on the direct path may be found by its answers first") {
  const Address home_address = address("2001:db8:1::abcd");
  TestNode test;
  ScriptedCorrespondent peer(test);
  test.handle(FlowRecovered{.key = udp_key(5000), .home_address = home_address, .direct = true});
  test.handle(FlowRecovered{.key = udp_key(5000, home_address), .home_address = home_address, .direct = true});
  test.handle(FlowRecovered{.key = udp_key(5001, home_address), .home_address = home_address, .direct = true});
  test.wlan_up();
  peer.serve(5s);
  CHECK(test.node.flows(test.both()).size() == 2);
  CHECK(is_direct(test, udp_key(5000, home_address)));
  CHECK(is_direct(test, udp_key(5001, home_address)));
}
