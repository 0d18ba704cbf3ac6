// SPDX-License-Identifier: GPL-3.0-or-later
// Home addresses by command: allocated, pinned, freed; and what rests.
#include <algorithm>

#include "flow_support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

using Kind = CommandError::Kind;

auto allocate(TestNode& test) {
  return test.command([&](Now now, Outputs& outputs) { return test.node.allocate_home_address(now, outputs); });
}
auto free_address(TestNode& test, const Address& address) {
  return test.command([&](Now now, Outputs& outputs) { return test.node.free_home_address(address, now, outputs); });
}
auto pin(TestNode& test, const Address& address, bool pinned) {
  return test.command([&](Now now, Outputs& outputs) { return test.node.pin_home_address(address, pinned, now, outputs); });
}

// The flow sends its last packet and is closed.
void end_flow(TestNode& test, std::uint16_t port) {
  test.handle(FlowActivities{{FlowActivity{.key = test.flow_with_port(port)->key, .packets_out = 5, .closed = true}}});
  test.serve(7s);
  REQUIRE_FALSE(test.flow_with_port(port));
}

}  // namespace

TEST_CASE("an allocated home address is registered and stays without flows") {
  TestNode test;
  settle_in(test);
  const auto address = allocate(test);
  REQUIRE(address);
  CHECK(test.home_address(*address)->pinned);
  test.serve(5min);
  CHECK(test.home_address(*address)->state == "registered");
  CHECK(count_state(test, "spare") == test.configuration.warm_pool_size);  // it is not one of them

  REQUIRE(free_address(test, *address));
  test.serve(5s);
  CHECK_FALSE(test.home_address(*address));
}

TEST_CASE("with the pool empty a home address is made for the command") {
  auto without_pool = configuration();
  without_pool.warm_pool_size = 0;
  TestNode test(without_pool);
  settle_in(test);
  const auto address = allocate(test);
  REQUIRE(address);
  CHECK(test.home_address(*address)->state == "registering");
  test.serve(3s);
  CHECK(test.home_address(*address)->state == "registered");
}

TEST_CASE("no command goes beyond the cap") {
  auto small = configuration();
  small.home_address_cap = 4;
  small.warm_pool_size = 1;
  small.anchor_per_interface = false;
  TestNode test(small);
  settle_in(test);
  unsigned allocated = 0;
  while (allocated < 10 && allocate(test)) ++allocated;
  CHECK(allocated == 3);
  const auto refused = allocate(test);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("cap in [home-addresses]") != std::string::npos);
}

TEST_CASE("a pinned home address outlives its flows, an unpinned one does not") {
  TestNode test;
  settle_in(test);
  test.outgoing_tcp(5000, 0x02);
  const Address address = test.flow_with_port(5000)->home_address;
  REQUIRE(pin(test, address, true));
  end_flow(test, 5000);
  test.serve(3min);
  CHECK(test.home_address(address)->state == "registered");
  REQUIRE(pin(test, address, false));
  test.serve(5s);
  CHECK_FALSE(test.home_address(address));
}

TEST_CASE("what must not be freed stays, with the reason") {
  TestNode test;
  settle_in(test);
  test.outgoing(5000);
  CHECK(free_address(test, kPrimary).error().message.find("primary") != std::string::npos);
  CHECK(free_address(test, test.flow_with_port(5000)->home_address).error().message.find("used by 1 flow;") != std::string::npos);
  CHECK(free_address(test, address("2001:db8:1::dead")).error().kind == Kind::UnknownHomeAddress);
  CHECK(pin(test, kPrimary, true).error().kind == Kind::NotPossible);
  CHECK(pin(test, address("2001:db8:1::dead"), true).error().kind == Kind::UnknownHomeAddress);
}

TEST_CASE("an address that only a socket has is not freed, and its flow is named") {
  TestNode test(configuration(), R"(
    [[class]]
    name = "known"
    home-address = "primary"
    [class.match]
    local-port = "5000-5009"
  )");
  settle_in(test);
  const auto& steps = test.node.plan().socket_addresses.steps;
  const auto spare = std::find_if(steps.begin(), steps.end(), [](const auto& step) { return step.spare; });
  REQUIRE(spare != steps.end());
  const Address taken = spare->home_address;
  test.outgoing(5000, taken, kCorrespondent, true);
  REQUIRE(test.flow_with_port(5000)->home_address == kPrimary);
  const auto id = std::to_string(test.flow_with_port(5000)->id);
  const auto refused = free_address(test, taken);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Kind::NotPossible);
  CHECK(refused.error().message.find("The socket of flow " + id + " has " + to_string(taken)) == 0);
  test.serve(5s);
  CHECK(test.home_address(taken)->state == "registered");

  for (std::uint16_t port = 5001; port < 5008; ++port) test.outgoing(port, taken, kCorrespondent, true);
  CHECK(free_address(test, taken).error().message.find("The socket of each of the flows " + id + ", ") == 0);
  CHECK(free_address(test, taken).error().message.find(" and 3 more has ") != std::string::npos);
}

TEST_CASE("before the registration there is nothing to allocate") {
  TestNode test;
  CHECK(allocate(test).error().kind == Kind::NotPossible);
}

TEST_CASE("the home address of a flow that ended rests before the next flow may have it") {
  TestNode test;
  settle_in(test);
  test.outgoing_tcp(5000, 0x02);
  const Address used = test.flow_with_port(5000)->home_address;
  end_flow(test, 5000);
  for (std::uint16_t port = 6000; port < 6004; ++port) {
    test.outgoing_tcp(port, 0x02);
    CHECK(test.flow_with_port(port)->home_address != used);
    test.serve(3s);
  }
  CHECK(test.home_address(used)->state == "resting");
  CHECK(test.node.status(test.both()).home_addresses_resting == 1);
  test.serve(60s);
  const auto later = test.home_address(used);
  CHECK((!later || later->state != "resting"));
}
