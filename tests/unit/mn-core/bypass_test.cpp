// SPDX-License-Identifier: GPL-3.0-or-later
// Flows that the policy leaves alone.
#include "flow_support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

constexpr const char* kPolicy = R"(
  [[class]]
  name = "printer"
  bypass = true
  [class.match]
  local-port = 5000
)";

forwarding::BindingItem binding_of(TestNode& test, const FlowKey& key) {
  const auto* flow = test.node.plan().flows.find(key);
  REQUIRE(flow != nullptr);
  const auto* binding = test.node.plan().bindings.find(flow->binding);
  REQUIRE(binding != nullptr);
  return *binding;
}

}  // namespace

TEST_CASE("a bypassed flow leaves with the interface's own address and costs no home address") {
  TestNode test(configuration(), kPolicy);
  settle_in(test);
  const auto id = test.outgoing(5000);
  CHECK(was_accepted(test, id));
  const auto flow = *test.flow_with_port(5000);
  CHECK(flow.home_address == kWlanAddress);
  CHECK(flow.interface == "wlan0");
  CHECK(flow.path == "bypass");
  CHECK(flow.moves_with.empty());
  const auto binding = binding_of(test, udp_key(5000));
  CHECK(binding.header == forwarding::HeaderKind::Plain);
  CHECK(binding.care_of_address == kWlanAddress);
  CHECK(binding.uplink == kWlan);
  CHECK(test.node.plan().flows.find(udp_key(5000))->home_address == kWlanAddress);
  test.serve(5s);
  CHECK(test.take_updates().empty());
}

TEST_CASE("a bypassed flow does not move, by command or because another interface came") {
  TestNode test(configuration(), kPolicy);
  settle_in(test);
  test.outgoing(5000);
  const auto refused = test.move(test.flow_with_port(5000)->id, "wwan0");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("policy class 'printer' bypasses mipflow") != std::string::npos);
  test.carrier(kWlan, "wlan0", false);
  test.serve(5s);
  CHECK(test.flow_with_port(5000)->interface == "wlan0");
  CHECK(binding_of(test, udp_key(5000)).uplink == kWlan);
}

TEST_CASE("the plan forgets the plain binding with its last flow") {
  TestNode test(configuration(), kPolicy);
  settle_in(test);
  test.outgoing(5000);
  test.outgoing(5000, kPrimary, address("2001:db8:5::81"));
  const auto binding = test.node.plan().flows.find(udp_key(5000))->binding;
  test.handle(FlowActivities{{FlowActivity{.key = udp_key(5000), .packets_out = 1, .closed = true}}});
  test.serve(10s);
  CHECK(test.node.plan().flows.find(udp_key(5000)) == nullptr);
  CHECK(test.node.plan().bindings.find(binding) != nullptr);
  test.handle(FlowActivities{{FlowActivity{.key = udp_key(5000, kPrimary, address("2001:db8:5::81")), .packets_out = 1, .closed = true}}});
  test.serve(10s);
  CHECK(test.node.plan().bindings.find(binding) == nullptr);
}

TEST_CASE("bypassed flows are taken over after a restart") {
  TestNode test(configuration(), kPolicy);
  test.handle(FlowRecovered{.key = udp_key(5000), .home_address = kWlanAddress, .bypassed_on = kWlan});
  settle_in(test);
  CHECK(test.flow_with_port(5000)->path == "bypass");
  CHECK(binding_of(test, udp_key(5000)).header == forwarding::HeaderKind::Plain);
}

// Found by fuzzing: a correspondent registration went on to name a bypassed flow that had ended.
TEST_CASE("a bypassed flow has no part in route optimisation, whatever another policy says") {
  TestNode test(configuration(), kPolicy);
  test.handle(FlowRecovered{.key = udp_key(5000), .home_address = kPrimary, .bypassed_on = kWlan});
  test.handle(FlowRecovered{.key = udp_key(5001), .home_address = kPrimary, .direct = true});
  settle_in(test);
  const flow_separator::PolicyFile file{.name = "other.toml", .text = "[default]\nroute-optimization = \"yes\"\n"};
  const auto other = std::make_shared<const flow_separator::Policy>(flow_separator::Policy::parse(std::span(&file, 1), {}).value());
  test.command([&](Now now, Outputs& outputs) { return test.node.set_policy(other, now, outputs); });
  test.handle(FlowActivities{{FlowActivity{.key = udp_key(5000), .packets_out = 1, .closed = true}}});
  test.serve(10s);
  CHECK_FALSE(test.flow_with_port(5000));
  test.carrier(kWlan, "wlan0", false);
  test.wlan_up();
  test.serve(30s);
  CHECK(test.flow_with_port(5001));
}

TEST_CASE("destinations that the policy leaves alone are planned, and follow the policy") {
  TestNode test(configuration(), "[[class]]\nbypass = true\nmatch = { peer = \"2001:db8:99::/48\" }\n");
  CHECK(test.node.plan().bypassed_prefixes.find(*Prefix::parse("2001:db8:99::/48")) != nullptr);
  test.command([&](Now now, Outputs& outputs) {
    return test.node.set_policy(std::make_shared<const flow_separator::Policy>(), now, outputs);
  });
  CHECK(test.node.plan().bypassed_prefixes.items().empty());
}
