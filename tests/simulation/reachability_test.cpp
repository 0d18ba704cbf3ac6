// SPDX-License-Identifier: GPL-3.0-or-later
// Links that are up and lead nowhere: flows leave them within the documented time (docs/operations.md), and nothing moves there.
#include <algorithm>

#include "mipflow/wire/packet.hpp"
#include "simulation/expect.hpp"

using namespace mipflow;
using namespace mipflow::simulation;

namespace {

constexpr const char* kWlanFirst = "[default]\ninterfaces = [\"wlan0\", \"wwan0\"]\n";

// Everything that wlan0 sends is swallowed, as a captive portal does it: the link is up, its router answers.
void swallow(World& world, const Address& care_of_address) {
  world.network.lose = [care_of_address](const Bytes& packet) {
    const auto view = wire::parse_packet(packet);
    return view && (view->source == care_of_address || view->destination == care_of_address);
  };
}
void let_through(World& world) {
  world.network.lose = [](const Bytes&) { return false; };
}

std::optional<bool> online(World& world, const std::string& name) {
  for (const auto& interface : world.mobile_node.role().interfaces(world.mobile_node.time()))
    if (interface.name == name) return interface.online;
  return std::nullopt;
}

std::size_t count_of(const World& world, const std::string& event) {
  return static_cast<std::size_t>(std::count(world.mobile_node.notices.begin(), world.mobile_node.notices.end(), event));
}

}  // namespace

TEST_CASE("a flow leaves an interface that swallows everything within seven seconds, and comes back") {
  Options options;
  options.policy = kWlanFirst;
  World world(options);
  world.settle();
  CHECK(online(world, "wlan0") == true);
  CHECK(online(world, "wwan0") == true);
  world.stream(5000, 60'000, 10ms);
  world.run_for(12s);
  REQUIRE(world.mobile_node.flow(5000)->interface == "wlan0");

  swallow(world, kWlanAddress);
  INFO(world.describe());
  REQUIRE(world.run_until([&] { return world.mobile_node.flow(5000)->interface == "wwan0"; }, 7s));
  CHECK(online(world, "wlan0") == false);
  CHECK(count_of(world, "interface-not-online") == 1);
  const TimePoint left = world.clock.now();
  world.run_for(60s);
  // A round trip later the home agent has answered, and takes packets from there.
  CHECK(interfaces_of(world.mobile_node.departed, 5000, left + 100ms) == std::set{kWwan});
  CHECK(interfaces_of(world.mobile_node.arrived, 5000, left + 100ms) == std::set{kWwan});
  CHECK(count_of(world, "interface-not-online") == 1);
  // Nothing else stays on it: the home agent would tunnel there.
  for (const auto& home_address : world.mobile_node.role().home_addresses(world.mobile_node.time()))
    CHECK(home_address.interface == "wwan0");

  let_through(world);
  REQUIRE(world.run_until([&] { return world.mobile_node.flow(5000)->interface == "wlan0"; }, 31s));
  world.run_for(10s);
  CHECK(world.disagreement() == "");
  CHECK(world.quiet());
}

TEST_CASE("nothing moves onto an interface that comes up and leads nowhere") {
  Options options;
  options.policy = kWlanFirst;
  World world(options);
  swallow(world, kWlanAddress);
  world.mobile_node.connect(kWwan, kWwanAddress);
  world.run_for(10s);
  world.stream(5000, 12'000, 10ms);
  world.run_for(5s);
  REQUIRE(world.mobile_node.flow(5000)->interface == "wwan0");
  world.mobile_node.connect(kWlan, kWlanAddress);
  // Until its four first probes are lost nothing speaks against it but that its class waits; then it is out of the question.
  world.run_for(1'400ms);
  CHECK(online(world, "wlan0") == false);
  const TimePoint known = world.clock.now();
  world.run_for(60s);
  CHECK(interfaces_of(world.mobile_node.departed, 5000, known) == std::set{kWwan});
  CHECK(interfaces_of(world.mobile_node.arrived, 5000, known + 100ms) == std::set{kWwan});
  CHECK(world.disagreement() == "");
}

TEST_CASE("a home agent that is down moves nothing; when it is back, nothing has to be repaired") {
  Options options;
  options.policy = kWlanFirst;
  World world(options);
  world.settle();
  world.stream(5000, 20'000, 10ms);
  world.run_for(12s);
  const TimePoint down = world.clock.now();
  world.network.lose = [](const Bytes& packet) {
    const auto view = wire::parse_packet(packet);
    return view && (view->source == kHomeAgent || view->destination == kHomeAgent);
  };
  world.run_for(60s);
  CHECK(online(world, "wlan0") == false);
  CHECK(online(world, "wwan0") == false);
  CHECK(interfaces_of(world.mobile_node.departed, 5000, down) == std::set{kWlan});
  CHECK(count_of(world, "interface-not-online") == 0);
  CHECK(count_of(world, "home-agent-unreachable") == 1);
  let_through(world);
  world.run_for(60s);
  CHECK(online(world, "wlan0") == true);
  CHECK(online(world, "wwan0") == true);
  CHECK(interfaces_of(world.mobile_node.departed, 5000, down) == std::set{kWlan});
  CHECK(world.disagreement() == "");
}

TEST_CASE("flows return to a better interface after it has been good for as long as their class says") {
  Options options;
  options.policy = "[default]\ninterfaces = [\"wlan0\", \"wwan0\"]\nreturn-after = \"20s\"\n";
  World world(options);
  world.settle();
  world.stream(5000, 30'000, 10ms);
  world.run_for(5s);
  REQUIRE(world.mobile_node.flow(5000)->interface == "wlan0");
  world.mobile_node.cut(kWlan);
  world.run_for(3s);
  REQUIRE(world.mobile_node.flow(5000)->interface == "wwan0");
  // Comes and goes.
  for (int i = 0; i < 5; ++i) {
    world.mobile_node.connect(kWlan, kWlanAddress);
    world.run_for(15s);
    CHECK(world.mobile_node.flow(5000)->interface == "wwan0");
    world.mobile_node.cut(kWlan);
    world.run_for(2s);
  }
  world.mobile_node.connect(kWlan, kWlanAddress);
  const TimePoint back = world.clock.now();
  REQUIRE(world.run_until([&] { return world.mobile_node.flow(5000)->interface == "wlan0"; }, 60s));
  CHECK(world.clock.now() - back == 20s);
  world.run_for(5s);
  CHECK(world.disagreement() == "");
}

TEST_CASE("a class that asks for a short round trip leaves a link that became slow") {
  Options options;
  options.policy =
      "[[class]]\nname = \"voice\"\nmatch = { local-port = 5000 }\n"
      "interfaces = [{ name = \"wlan0\", when = { round-trip-below = \"100ms\" } }, \"wwan0\"]\n"
      "[default]\ninterfaces = [\"wlan0\", \"wwan0\"]\n";
  World world(options);
  world.settle();
  world.stream(5000, 12'000, 10ms);
  world.stream(6000, 12'000, 10ms);
  world.run_for(5s);
  REQUIRE(world.mobile_node.flow(5000)->interface == "wlan0");
  REQUIRE(world.mobile_node.flow(6000)->interface == "wlan0");
  world.mobile_node.link(kWlan).behaviour.delay = 150ms;
  REQUIRE(world.run_until([&] { return world.mobile_node.flow(5000)->interface == "wwan0"; }, 45s));
  CHECK(world.mobile_node.flow(6000)->interface == "wlan0");
  world.mobile_node.link(kWlan).behaviour.delay = 5ms;
  REQUIRE(world.run_until([&] { return world.mobile_node.flow(5000)->interface == "wlan0"; }, 45s));
  world.run_for(5s);
  CHECK(world.disagreement() == "");
}
