// SPDX-License-Identifier: GPL-3.0-or-later
// The address and policy service between a mobile node and its home agent, whatever is lost of it.
#include <algorithm>

#include "mipflow/mn-core/network_policy.hpp"
#include "mipflow/wire/packet.hpp"
#include "simulation/expect.hpp"

using namespace mipflow;
using namespace mipflow::simulation;
using hoa_alloc::Origin;

namespace {

std::optional<wire::AgentServiceMessage> service_message(const Bytes& packet) {
  const auto decoded = wire::decode_packet(packet);
  if (!decoded) return std::nullopt;
  const auto* mobility = std::get_if<wire::MobilityMessage>(&decoded->message);
  const auto* message = mobility == nullptr ? nullptr : std::get_if<wire::AgentServiceMessage>(mobility);
  return message == nullptr ? std::nullopt : std::optional(*message);
}

// Loses the n-th message of the service when bit n of the mask is set.
void lose_by_mask(World& world, unsigned mask) {
  world.network.lose = [mask, sent = 0u](const Bytes& packet) mutable {
    if (!service_message(packet)) return false;
    const unsigned number = sent++;
    return number < 8 && (mask >> number & 1) != 0;
  };
}

std::string long_policy(char mark) {
  std::string out = "[default]\n";
  while (out.size() < 2'500) {
    out += "# ";
    out.append(70, mark);
    out += '\n';
  }
  return out;
}

// The policy that the mobile node has kept; empty when there is none that is in order.
std::string kept_policy(World& world) {
  const auto kept = world.mobile_node.kept.find(mobile_node::kKeptNetworkPolicy);
  if (kept == world.mobile_node.kept.end()) return "";
  const auto read = mobile_node::read_network_policy(kept->second, mobile_node_configuration({}).security_association);
  REQUIRE(read);
  return read->text;
}

std::size_t addresses_from(World& world, const std::string& origin) {
  const auto all = world.mobile_node.role().home_addresses(world.mobile_node.time());
  return static_cast<std::size_t>(std::ranges::count(all, origin, &mobile_node::HomeAddressSnapshot::origin));
}

bool settled(World& world) {
  return world.quiet() && world.mobile_node.role().status(world.mobile_node.time()).spares >= 2;
}

home_agent::Configuration serving(const std::string& policy) {
  return home_agent_configuration({.network_policy = policy});
}

}  // namespace

TEST_CASE("home addresses from the home agent and its policy arrive, whatever is lost of the first eight messages") {
  const std::string policy = long_policy('a');
  for (unsigned mask = 0; mask < 256; ++mask) {
    INFO("mask " << mask);
    World world({.mechanisms = {Origin::Agent}, .network_policy = policy});
    lose_by_mask(world, mask);
    world.mobile_node.connect(kWlan, kWlanAddress);
    world.mobile_node.connect(kWwan, kWwanAddress);
    // Three losses in a row look like a home agent without the service, which is asked again after ten minutes.
    const bool all = world.run_until([&] { return settled(world) && kept_policy(world) == policy; }, 25min);
    INFO(world.describe());
    REQUIRE(all);
    REQUIRE(addresses_from(world, "agent") >= 2);
    REQUIRE(addresses_from(world, "prefix") == 0);
    REQUIRE(world.disagreement() == "");
  }
}

TEST_CASE("no more than three messages of the service leave within a second, repetitions further and further apart") {
  World world({.mechanisms = {Origin::Agent}, .network_policy = long_policy('a')});
  world.network.lose = [](const Bytes& packet) { return service_message(packet).has_value(); };
  world.mobile_node.connect(kWlan, kWlanAddress);
  world.run_for(1h);
  std::vector<TimePoint> times;
  for (const auto& capture : world.network.signalling())
    if (service_message(capture.packet)) times.push_back(capture.sent_at);
  REQUIRE(times.size() >= 12);
  for (std::size_t i = 3; i < times.size(); ++i) CHECK(times[i] - times[i - 3] > 1s);
  // Per kind of question three transmissions, six times within the hour.
  CHECK(times.size() <= 2 * 3 * 7);
}

TEST_CASE("a home agent without the service: home addresses are had by prefix, after seconds") {
  SECTION("it says that it offers none") {
    World world({.mechanisms = {Origin::Agent, Origin::Prefix}, .offered = {}});
    world.mobile_node.connect(kWlan, kWlanAddress);
    CHECK(world.run_until([&] { return settled(world); }, 10s));
    CHECK(addresses_from(world, "prefix") >= 2);
    const auto status = world.mobile_node.role().status(world.mobile_node.time());
    REQUIRE(status.address_mechanisms.size() == 2);
    CHECK_THAT(status.address_mechanisms[0], Catch::Contains("source-not-offered"));
  }
  SECTION("it is silent") {
    World world({.mechanisms = {Origin::Dhcpv6, Origin::Agent, Origin::Prefix}});
    world.network.lose = [](const Bytes& packet) { return service_message(packet).has_value(); };
    world.mobile_node.connect(kWlan, kWlanAddress);
    CHECK(world.run_until([&] { return settled(world); }, 20s));
    CHECK(addresses_from(world, "prefix") >= 2);
  }
}

TEST_CASE("a restarted home agent still knows what it gave out") {
  World world({.mechanisms = {Origin::Agent}});
  world.settle();
  const auto given = world.home_agent.role().given_home_addresses();
  CHECK(given >= 2);
  world.home_agent.stop();
  world.run_for(5s);
  world.home_agent.start();
  world.run_for(5s);
  CHECK(world.home_agent.role().given_home_addresses() == given);
  CHECK(world.disagreement() == "");
}

TEST_CASE("a clean stop gives back what was leased, and the primary home address goes last") {
  const unsigned lost = GENERATE(range(0u, 5u));  // of the releases and their acknowledgements, the first ones
  INFO(lost << " lost");
  World world({.mechanisms = {Origin::Agent}});
  world.settle();
  REQUIRE(world.home_agent.role().given_home_addresses() >= 2);
  world.network.lose = [lost, seen = 0u](const Bytes& packet) mutable { return service_message(packet) && seen++ < lost; };
  const TimePoint begin = world.clock.now();
  world.mobile_node.stop_gracefully();
  REQUIRE(world.run_until([&] { return world.mobile_node.role().stopped(); }, 6s));
  world.run_for(1s);
  // Lost three times is too often: the home agent then takes back what is not bound for an hour.
  CHECK((world.home_agent.role().given_home_addresses() == 0) == (lost <= 2));
  CHECK(world.home_agent.kernel.tunnels.empty());
  std::optional<TimePoint> released, primary_left;
  for (const auto& capture : world.network.signalling()) {
    if (capture.sent_at < begin) continue;
    const auto message = service_message(capture.packet);
    if (message && std::holds_alternative<wire::HomeAddressRelease>(message->body)) released = capture.sent_at;
    const auto decoded = wire::decode_packet(capture.packet);
    const auto* mobility = decoded ? std::get_if<wire::MobilityMessage>(&decoded->message) : nullptr;
    if (mobility != nullptr && std::holds_alternative<wire::BindingUpdate>(*mobility) && decoded->view.logical_source() == kPrimary)
      primary_left = capture.sent_at;
  }
  REQUIRE(released);
  REQUIRE(primary_left);
  CHECK(*released < *primary_left);
  CHECK(*primary_left - begin < 4500ms);
}

TEST_CASE("a pinned lease survives a stop and a start of the mobile node") {
  World world({.mechanisms = {Origin::Agent}});
  world.settle();
  auto& before = world.mobile_node.role();
  Outputs outputs;
  const auto pinned = before.allocate_home_address(world.mobile_node.time(), outputs);
  REQUIRE(pinned);
  for (const auto& text : outputs.kept) world.mobile_node.kept[text.name] = text.text;
  world.run_for(5s);
  world.mobile_node.stop_gracefully();
  REQUIRE(world.run_until([&] { return before.stopped(); }, 6s));
  world.run_for(1s);
  CHECK(world.home_agent.role().given_home_addresses() == 1);
  world.run_for(10min);
  world.mobile_node.kill_and_start();
  REQUIRE(world.run_until([&] { return settled(world); }, 10s));
  const auto all = world.mobile_node.role().home_addresses(world.mobile_node.time());
  const auto found = std::ranges::find(all, *pinned, &mobile_node::HomeAddressSnapshot::home_address);
  REQUIRE(found != all.end());
  CHECK(found->pinned);
  CHECK(found->origin == "agent");
  CHECK(found->state == "registered");
  CHECK(world.disagreement() == "");
}

TEST_CASE("a new policy reaches the mobile node at once, or within the hour when the hint is lost; and so does its end") {
  World world({.network_policy = long_policy('a')});
  world.settle();
  REQUIRE(kept_policy(world) == long_policy('a'));
  bool lossy = false;
  SECTION("hint received") { lossy = false; }
  SECTION("hint lost") { lossy = true; }
  if (lossy)
    world.network.lose = [](const Bytes& packet) {
      const auto message = service_message(packet);
      return message && std::holds_alternative<wire::PolicyChanged>(message->body);
    };
  const TimePoint before = world.clock.now();
  world.home_agent.configure(serving(long_policy('b')));
  CHECK(world.run_until([&] { return kept_policy(world) == long_policy('b'); }, lossy ? Duration{61min} : Duration{5s}));
  CHECK((world.clock.now() - before > 50min) == lossy);

  world.home_agent.configure(serving("[default]\n# taken away later\n"));
  CHECK(world.run_until([&] { return kept_policy(world) == "[default]\n# taken away later\n"; }, 61min));
  auto without = home_agent_configuration({});
  world.home_agent.configure(without);
  CHECK(world.run_until([&] { return kept_policy(world).empty(); }, 61min));
}

TEST_CASE("policies that change while a third of everything is lost: the newest arrives") {
  World world({.seed = 7, .mechanisms = {Origin::Agent}, .network_policy = long_policy('a')});
  world.network.lose = [random = SeededRandom{99}](const Bytes& packet) mutable {
    return service_message(packet) && random.next_u64() % 3 == 0;
  };
  world.mobile_node.connect(kWlan, kWlanAddress);
  for (char mark = 'b'; mark < 'h'; ++mark) {
    world.run_for(97s);
    world.home_agent.configure(serving(long_policy(mark)));
  }
  CHECK(world.run_until([&] { return kept_policy(world) == long_policy('g'); }, 2h));
}
