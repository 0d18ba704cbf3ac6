// SPDX-License-Identifier: GPL-3.0-or-later
// Floods from many addresses: memory stays what it was, and others are still served.
#include "fixture.hpp"
#include "live_memory.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node::test;
using correspondent_node::Configuration;
using correspondent_node::CorrespondentNode;
using wire::BindingStatus;

namespace {

Address numbered(const char* prefix, std::uint32_t number) {
  Address out = address(prefix);
  for (int octet = 0; octet < 4; ++octet) out.octets[12 + octet] = static_cast<std::uint8_t>(number >> (24 - 8 * octet));
  return out;
}

}  // namespace

TEST_CASE("a flood of test inits and of Binding Updates that are not authorised leaves nothing behind") {
  constexpr std::uint32_t kFlood = 50'000;
  SeededRandom random(7);
  Now now{TimePoint{} + 1000s, 1'700'000'000s};
  forwarding::ForwardingPlan plan;
  CorrespondentNode node({}, random, plan, now);
  Outputs outputs;
  const auto flood = [&](std::uint32_t number) {
    const Address from = numbered("2001:db8:bad::", number);
    node.handle(PacketReceived{wire::build_packet({from, kCorrespondent}, wire::HomeTestInit{number})}, now, outputs);
    node.handle(PacketReceived{wire::build_packet({from, kCorrespondent}, wire::CareOfTestInit{number})}, now, outputs);
    CHECK(outputs.packets.size() == 2);
    node.handle(PacketReceived{Fixture::packet_of({.home_address = from, .source = from}, {1, 2, number, number})}, now, outputs);
    node.handle(PacketReceived{wire::build_packet_around({from, kCorrespondent, from}, kProtocolUdp, Bytes(8))}, now, outputs);
    outputs = {};
    now.monotonic += 20us;
    now.wall += 20us;
  };
  flood(0);
  const std::size_t before = live_allocations();
  for (std::uint32_t number = 1; number < kFlood; ++number) flood(number);
  CHECK(live_allocations() <= before + 1);  // a nonce may have come and gone
  CHECK(node.bindings(now).empty());
  CHECK(plan.correspondent_bindings.items().empty());
  CHECK(node.counters().home_test_inits == kFlood);
}

TEST_CASE("a flood of authorised Binding Updates is bounded by the cache, whatever becomes of them") {
  Configuration configuration;
  configuration.binding_cache_capacity = 100;
  Fixture f(configuration);
  f.bind({.sequence = 1});
  f.advance(5s);
  f.use();
  for (std::uint32_t number = 0; number < 3000; ++number) {
    const Address home = numbered("2001:db8:bad::", number);
    const Tokens tokens = f.return_routability(home, kCareOf2);
    f.send({.home_address = home, .source = kCareOf2, .lifetime_units = static_cast<std::uint16_t>(1 + number % 105)}, tokens);
    if (number % 3 == 0) f.send({.home_address = home, .source = kCareOf2, .sequence = 10'001, .lifetime_units = 0}, tokens);
    f.take_sent();
    if (number % 100 == 0) {
      f.advance(1s);
      f.use();
    }
    REQUIRE(f.plan.correspondent_bindings.items().size() <= 100);
    REQUIRE(f.node->bindings(f.now).size() <= 200);
  }
  CHECK(f.permits(kHome, kCareOf1));
  // Somebody new is served in the middle of it; in the worst case with the next nonce.
  f.advance(30s);
  f.bind({.home_address = kHome2});
  f.advance(500s);
  CHECK(f.node->bindings(f.now).empty());
  CHECK(f.node->next_deadline() == kNever);
}
