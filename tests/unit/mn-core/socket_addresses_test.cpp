// SPDX-License-Identifier: GPL-3.0-or-later
// What sockets are offered when they connect, and what becomes of flows whose socket has taken it.
#include <algorithm>

#include "flow_support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

const forwarding::SocketAddresses& offered(TestNode& test) { return test.node.plan().socket_addresses; }

std::vector<Address> in_order(TestNode& test) {
  std::vector<Address> out;
  for (const auto& step : offered(test).steps) out.push_back(step.home_address);
  return out;
}

const forwarding::SocketAddressStep* step_of(TestNode& test, const Address& home_address) {
  const auto& steps = offered(test).steps;
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const auto& step) { return step.home_address == home_address; });
  return found == steps.end() ? nullptr : &*found;
}

Address first_spare(TestNode& test) {
  const auto& steps = offered(test).steps;
  const auto found = std::find_if(steps.begin(), steps.end(), [](const auto& step) { return step.spare; });
  REQUIRE(found != steps.end());
  return found->home_address;
}

// The first packet of a flow whose socket was given its address.
void outgoing_as_offered(TestNode& test, std::uint16_t port, const Address& source, const Address& correspondent = kCorrespondent) {
  CHECK(was_accepted(test, test.outgoing(port, source, correspondent, true)));
}

constexpr const char* kVoiceHasAnAddressOfItsOwn = R"(
  [[class]]
  name = "voice"
  home-address = "2001:db8:1::5060"
  [class.match]
  local-port = 5000
)";

}  // namespace

TEST_CASE("nothing is offered before the primary home address is registered, and while it stops") {
  TestNode test;
  CHECK_FALSE(offered(test).enabled);
  test.wlan_up();
  CHECK_FALSE(offered(test).enabled);
  settle_in(test);
  CHECK(offered(test).enabled);
  test.stop();
  CHECK_FALSE(offered(test).enabled);
  CHECK(offered(test).steps.empty());
}

TEST_CASE("nothing is offered when the configuration says so") {
  auto configuration = test::configuration();
  configuration.socket_addresses = false;
  TestNode test(configuration);
  settle_in(test);
  CHECK_FALSE(offered(test).enabled);
}

TEST_CASE("what is offered stands in the order of Figure 6") {
  auto configuration = test::configuration();
  configuration.avoid_primary = GENERATE(true, false);
  TestNode test(configuration);
  settle_in(test);
  const auto order = in_order(test);
  // Two spares, the primary one, and the last resort, which is the primary one as it is the only one of the table.
  REQUIRE(order.size() == 4);
  CHECK(order[configuration.avoid_primary ? 2 : 0] == kPrimary);
  CHECK(order[3] == kPrimary);
  CHECK(offered(test).steps[3].shared_by_any);
  for (const auto& step : offered(test).steps) {
    const auto* item = test.node.plan().home_addresses.find(step.home_address);
    CHECK(item != nullptr);
    CHECK(step.spare == (test.home_address(step.home_address)->state == "spare"));
  }
  // The spare that is bound where flows of no particular class go stands first.
  CHECK(test.home_address(first_spare(test))->interface == "wlan0");
}

TEST_CASE("the primary home address is not offered with the rule strict-primary") {
  auto configuration = test::configuration();
  configuration.strict_primary = true;
  TestNode test(configuration);
  settle_in(test);
  CHECK(offered(test).steps.size() >= 2);
  CHECK(step_of(test, kPrimary) == nullptr);
}

TEST_CASE("who would rather wait than share is offered no last resort") {
  auto configuration = test::configuration();
  configuration.wait_for_own_address = true;
  TestNode test(configuration);
  settle_in(test);
  const auto& steps = offered(test).steps;
  CHECK(std::none_of(steps.begin(), steps.end(), [](const auto& step) { return step.shared_by_any; }));
}

TEST_CASE("a spare that a socket took is a home address in use from its first packet on") {
  TestNode test;
  settle_in(test);
  const Address spare = first_spare(test);
  outgoing_as_offered(test, 5000, spare);
  CHECK(test.flow_with_port(5000)->home_address == spare);
  const auto* step = step_of(test, spare);
  REQUIRE(step != nullptr);
  CHECK_FALSE(step->spare);
  CHECK(step->held_by_home_agent);
  CHECK(test.node.plan().home_address_users.find({spare, kCorrespondent}) != nullptr);
  // Nothing is rewritten.
  CHECK(test.node.plan().flows.find(udp_key(5000, spare))->home_address == spare);
  test.serve(5s);
  CHECK(count_state(test, "spare") == 2);
}

TEST_CASE("a home address has a correspondent node as long as there is a flow with it") {
  TestNode test;
  settle_in(test);
  test.outgoing(5000);
  const Address home_address = test.flow_with_port(5000)->home_address;
  CHECK(test.node.plan().home_address_users.find({home_address, kCorrespondent}) != nullptr);
  test.advance(test.configuration.udp_idle_timeout + 2s);
  REQUIRE_FALSE(test.flow_with_port(5000));
  CHECK(test.node.plan().home_address_users.items().empty());
}

TEST_CASE("an offered address is not kept by a flow whose class has one of its own, and stays for its socket") {
  TestNode test(configuration(), kVoiceHasAnAddressOfItsOwn);
  settle_in(test);
  const Address spare = first_spare(test), voice = address("2001:db8:1::5060");
  REQUIRE(step_of(test, voice) == nullptr);
  SECTION("it was offered") {
    outgoing_as_offered(test, 5000, spare);
    REQUIRE(test.flow_with_port(5000)->home_address == voice);
    CHECK(test.node.plan().flows.find(udp_key(5000, spare))->home_address == voice);
    // What arrives for the flow is written back to this address.
    test.serve(5s);
    CHECK(test.node.plan().home_addresses.find(spare) != nullptr);
    CHECK(test.home_address(spare)->state != "spare");
    CHECK(count_state(test, "spare") == 2);
    test.advance(test.configuration.udp_idle_timeout + 2s);
    test.serve(5s);
    const auto after = test.home_address(spare);
    CHECK((!after || after->state == "spare" || after->state == "resting"));
  }
  SECTION("the application chose it") {
    test.outgoing(5000, spare);
    CHECK(test.flow_with_port(5000)->home_address == spare);
  }
}

TEST_CASE("a class may stay on the primary home address whatever its socket was offered") {
  TestNode test(configuration(), R"(
    [[class]]
    name = "known"
    home-address = "primary"
    [class.match]
    local-port = 5000
  )");
  settle_in(test);
  outgoing_as_offered(test, 5000, first_spare(test));
  CHECK(test.flow_with_port(5000)->home_address == kPrimary);
}

TEST_CASE("a flow of a class with own addresses keeps the offered one when it is alone there") {
  TestNode test(configuration(), R"(
    [default]
    home-address = "own"
  )");
  settle_in(test);
  const Address spare = first_spare(test);
  outgoing_as_offered(test, 5000, spare);
  CHECK(test.flow_with_port(5000)->home_address == spare);
  outgoing_as_offered(test, 5001, spare, address("2001:db8:5::81"));
  CHECK(test.flow_with_port(5001)->home_address != spare);
}

TEST_CASE("the address of a socket whose flow has another one survives a restart of the daemon") {
  TestNode test(configuration(), kVoiceHasAnAddressOfItsOwn);
  const Address socket_address = address("2001:db8:1::77"), voice = address("2001:db8:1::5060");
  test.handle(FlowRecovered{.key = udp_key(5000, socket_address), .home_address = voice});
  CHECK(test.node.plan().home_addresses.find(socket_address) != nullptr);
  CHECK(test.node.plan().home_addresses.find(voice) != nullptr);
  settle_in(test);
  CHECK(test.home_address(socket_address)->state == "registered");
  CHECK(test.flow_with_port(5000)->home_address == voice);
}
