// SPDX-License-Identifier: GPL-3.0-or-later
// Flows go straight to a correspondent node that can do it, move there with one Binding Update, and take the tunnel
// whenever that does not work.
#include "simulation/route_optimization.hpp"
#include "mipflow/wire/packet.hpp"
#include "simulation/expect.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

InterfaceIndex index_of(const std::string& interface) { return interface == "wlan0" ? kWlan : kWwan; }

}  // namespace

TEST_CASE("a flow goes straight from the first round trips on, in both directions, and the switch loses and reorders nothing") {
  World world({.policy = kDirectAtOnce});
  world.settle();
  world.stream(5000, 2000, 1ms, 0, kCorrespondentNode);
  world.run_for(4s);
  CHECK(reached(world, 5000).size() == 2000);
  CHECK(answered(world, 5000).size() == 2000);
  // The tests take two round trips of 40 ms at most (the Home Test goes through the home agent), the registration one of 20 ms.
  CHECK(is_direct(world, 5000));
  CHECK(first_direct(world.mobile_node.departed, 5000) - world.mobile_node.departed.front().at <= 150ms);
  CHECK(first_direct(world.mobile_node.arrived, 5000) - world.mobile_node.departed.front().at <= 150ms);
  CHECK(world.disagreement() == "");
}

TEST_CASE("a class that prefers it waits until the flow has lasted; one that forbids it stays in the tunnel") {
  World world({.policy = "[[class]]\nname = \"hidden\"\nroute-optimization = \"no\"\nmatch = { protocol = \"udp\", local-port = 6000 }\n"
                         "[default]\nroute-optimization = \"prefer\"\n"});
  world.settle();
  world.stream(5000, 100, 100ms, 0, kCorrespondentNode);
  world.stream(6000, 100, 100ms, 0, kCorrespondentNode);
  world.run_for(1s);
  CHECK_FALSE(is_direct(world, 5000));
  world.run_for(8s);
  CHECK(is_direct(world, 5000));
  CHECK_FALSE(is_direct(world, 6000));
  world.run_for(5s);
  CHECK(reached(world, 5000).size() == 100);
  CHECK(answered(world, 5000).size() == 100);
  CHECK(world.disagreement() == "");
}

TEST_CASE("two direct flows to one correspondent node, one moves: one Binding Update, no test, nothing lost, the other untouched") {
  World world({.policy = kDirectAtOnce});
  world.settle();
  world.stream(5000, 5000, 1ms, 0, kCorrespondentNode);
  world.stream(6000, 5000, 1ms, 0, kCorrespondentNode);
  world.run_for(2s);
  const auto moving = *world.mobile_node.flow(5000);
  const auto staying = *world.mobile_node.flow(6000);
  REQUIRE(moving.home_address != staying.home_address);
  REQUIRE(is_direct(world, 5000));
  REQUIRE(is_direct(world, 6000));

  const auto before = messages_to(world, kCorrespondentNode);
  const TimePoint moved_at = world.clock.now();
  REQUIRE(world.mobile_node.move_flow(moving.id, other(moving.interface)));
  world.run_for(1s);
  const auto after = messages_to(world, kCorrespondentNode);
  CHECK(after.updates - before.updates == 1);
  CHECK(after.home_test_inits == before.home_test_inits);
  CHECK(after.care_of_test_inits == before.care_of_test_inits);

  world.run_for(5s);
  for (const std::uint16_t port : {std::uint16_t{5000}, std::uint16_t{6000}}) {
    CHECK(reached(world, port).size() == 5000);
    CHECK(answered(world, port).size() == 5000);
  }
  // A round trip to the correspondent node is 20 ms.
  const std::set there{index_of(other(moving.interface))};
  CHECK(interfaces_of(world.mobile_node.departed, 5000, moved_at + 25ms) == there);
  CHECK(interfaces_of(world.mobile_node.arrived, 5000, moved_at + 25ms) == there);
  CHECK(always_direct_since(world.mobile_node.departed, 5000, moved_at));
  CHECK(always_direct_since(world.mobile_node.arrived, 5000, moved_at));
  CHECK(longest_gap(world.mobile_node.departed, 6000) <= 1ms);
  CHECK(interfaces_of(world.mobile_node.arrived, 6000, moved_at) == std::set{index_of(staying.interface)});
  CHECK(world.disagreement() == "");
}

TEST_CASE("moving to and fro twenty times loses nothing and leaves the direct path at no time") {
  World world({.policy = kDirectAtOnce});
  world.settle();
  world.stream(5000, 12'000, 1ms, 0, kCorrespondentNode);
  world.run_for(1s);
  const TimePoint since = world.clock.now();
  for (int i = 0; i < 20; ++i) {
    const auto flow = *world.mobile_node.flow(5000);
    REQUIRE(world.mobile_node.move_flow(flow.id, other(flow.interface)));
    world.run_for(500ms);
    REQUIRE(world.mobile_node.flow(5000)->interface == other(flow.interface));
  }
  world.run_for(5s);
  CHECK(reached(world, 5000).size() == 12'000);
  CHECK(answered(world, 5000).size() == 12'000);
  CHECK(always_direct_since(world.mobile_node.departed, 5000, since));
  CHECK(world.disagreement() == "");
}

TEST_CASE("a correspondent node that refuses a former care-of address at once: the second move puts nothing on it any more") {
  World world({.policy = kDirectAtOnce, .correspondent_node = {.previous_care_of_address_grace = Duration{0}}});
  world.settle();
  world.mobile_node.link(kWwan).behaviour = {.delay = 40ms};
  world.stream(5000, 4000, 5ms, 0, kCorrespondentNode);
  world.run_for(1s);
  const auto move_to = [&](const char* interface) {
    REQUIRE(world.mobile_node.move_flow(world.mobile_node.flow(5000)->id, interface));
    world.run_for(2s);
    REQUIRE(world.mobile_node.flow(5000)->interface == interface);
    REQUIRE(is_direct(world, 5000));
  };
  if (world.mobile_node.flow(5000)->interface != "wwan0") move_to("wwan0");
  move_to("wlan0");
  const auto lost = [&] { return std::size_t{*reached(world, 5000).rbegin()} + 1 - reached(world, 5000).size(); };
  // What was under way on the slow interface when the Binding Update overtook it on the fast one, and what followed until
  // the acknowledgement came: a round trip.
  constexpr std::size_t kUnderWay = (40ms - 5ms) / 5ms;
  constexpr std::size_t kRoundTrip = 20ms / 5ms;
  const std::size_t first = lost();
  CHECK(first > kUnderWay);
  CHECK(first <= kUnderWay + kRoundTrip + 1);
  move_to("wwan0");
  CHECK(lost() == first);
  move_to("wlan0");
  CHECK(lost() - first <= kUnderWay);
  world.run_for(20s);
  CHECK(lost() - first <= kUnderWay);
  CHECK(world.disagreement() == "");
}

TEST_CASE("a cable is cut under a direct flow: it goes on after about a round trip") {
  for (const Duration notice : {Duration{0}, Duration{10ms}}) {
    World world({.policy = kDirectAtOnce});
    world.settle();
    world.stream(5000, 5000, 1ms, 0, kCorrespondentNode);
    world.run_for(1s);
    const auto flow = *world.mobile_node.flow(5000);
    const InterfaceIndex from = index_of(flow.interface);
    const TimePoint cut_at = world.clock.now();
    world.mobile_node.cut(from, notice);
    world.run_for(6s);
    CHECK(interfaces_of(world.mobile_node.departed, 5000, cut_at + notice + 1ms) ==
          std::set{index_of(other(flow.interface))});
    // A round trip to the correspondent node is 20 ms, one to the home agent as well.
    CHECK(longest_gap(world.mobile_node.arrived, 5000) <= notice + 60ms);
    CHECK(is_direct(world, 5000));
    CHECK(world.disagreement() == "");
  }
}

TEST_CASE("the correspondent node starts again: the tunnel for a moment, then straight again") {
  World world({.policy = kDirectAtOnce});
  world.settle();
  world.stream(5000, 4000, 5ms, 0, kCorrespondentNode);
  world.run_for(2s);
  REQUIRE(is_direct(world, 5000));
  world.correspondent_node.restart();
  const TimePoint restarted_at = world.clock.now();
  world.run_for(20s);
  CHECK(is_direct(world, 5000));
  CHECK(world.disagreement() == "");
  // Packets with a Home Address option that were under way are lost, until its Binding Error is here: a round trip.
  CHECK(reached(world, 5000).size() >= 4000 - 20);
  const auto tunnelled = std::ranges::count_if(world.mobile_node.departed, [&](const Passage& passage) {
    return passage.at > restarted_at && !passage.direct;
  });
  CHECK(tunnelled > 0);
}

TEST_CASE("a host without mobility: the tunnel, no packet lost, and asked once and not again soon") {
  using enum CorrespondentHost::UnknownHeaders;
  for (const auto unknown_headers : {Refused, Swallowed}) {
    INFO((unknown_headers == Refused ? "refuses" : "swallows"));
    World world({.policy = kDirectAtOnce});
    world.settle();
    world.correspondent.unknown_headers = unknown_headers;
    world.stream(5000, 600, 100ms);
    world.run_for(62s);
    CHECK(reached(world, 5000).size() == 600);
    CHECK(answered(world, 5000).size() == 600);
    CHECK_FALSE(is_direct(world, 5000));
    const auto asked = messages_to(world, kCorrespondent);
    CHECK(asked.home_test_inits >= 1);
    CHECK(asked.home_test_inits + asked.care_of_test_inits <= (unknown_headers == Refused ? 3 : 9));
    CHECK(asked.updates == 0);
  }
}

TEST_CASE("the home prefix ends: no binding at the correspondent node outlives it") {
  World world({.policy = kDirectAtOnce});
  world.settle();
  world.stream(5000, 4000, 1s, 0, kCorrespondentNode);
  world.run_for(10s);
  auto configuration = world.home_agent.configuration();
  constexpr Duration kLeft = 1500s;
  configuration.home_prefixes.front().valid_lifetime = kLeft;
  configuration.home_prefixes.front().preferred_lifetime = kLeft;
  configuration.home_prefixes.front().lifetimes_count_down = true;
  const TimePoint end = world.clock.now() + kLeft;
  world.home_agent.configure(configuration);
  world.run_for(kLeft - 5s);
  CHECK(is_direct(world, 5000));
  std::size_t late = 0;
  for (const auto& capture : world.network.signalling()) {
    const auto decoded = wire::decode_packet(capture.packet);
    const auto* message = decoded ? std::get_if<wire::MobilityMessage>(&decoded->message) : nullptr;
    const auto* update = message == nullptr ? nullptr : std::get_if<wire::BindingUpdate>(message);
    if (update == nullptr || decoded->view.destination != kCorrespondentNode) continue;
    CHECK(capture.sent_at + update->lifetime_units * wire::kLifetimeUnit <= end + wire::kLifetimeUnit);
    if (capture.sent_at > end - wire::kMaxRrBindingLifetime) ++late;
  }
  CHECK(late > 0);
  world.run_for(10s);
  CHECK(world.correspondent_node.kernel.correspondent_bindings.empty());
}

TEST_CASE("an hour: nonces change, tokens are refreshed, and a move at any time costs no test") {
  World world({.policy = kDirectAtOnce});
  world.settle();
  world.stream(5000, 3600, 1s, 0, kCorrespondentNode);
  world.run_for(10s);
  for (int move = 0; move < 35; ++move) {
    world.run_for(97s);
    const auto flow = *world.mobile_node.flow(5000);
    const auto before = messages_to(world, kCorrespondentNode);
    REQUIRE(world.mobile_node.move_flow(flow.id, other(flow.interface)));
    world.run_for(1s);
    const auto after = messages_to(world, kCorrespondentNode);
    REQUIRE(after.updates - before.updates == 1);
    REQUIRE(world.correspondent_node.sends_to(flow.home_address, kCorrespondentNode) !=
            flow.care_of_address);
  }
  world.run_for(400s);
  CHECK(reached(world, 5000).size() == 3600);
  CHECK(answered(world, 5000).size() == 3600);
  // Two care-of tests and a home test every three minutes, a Binding Update for each move, and refreshes.
  const auto all = messages_to(world, kCorrespondentNode);
  CHECK(all.home_test_inits <= 25);
  CHECK(all.care_of_test_inits <= 50);
  CHECK(all.updates <= 36 + 20);
  CHECK(world.disagreement() == "");
}
