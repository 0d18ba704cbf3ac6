// SPDX-License-Identifier: GPL-3.0-or-later
// What the mobile node makes of interfaces that are up and lead nowhere, of slow ones, and of those that cost money.
#include <catch2/catch.hpp>

#include <algorithm>

#include "mipflow/wire/echo.hpp"
#include "support.hpp"

namespace mipflow::mobile_node::test {
namespace {

Configuration probing() {
  Configuration out = configuration();
  out.probe_home_agent = true;
  out.udp_idle_timeout = 24h;
  return out;
}

// A node whose probes and Binding Updates are answered over the interfaces that lead somewhere.
class Probed : public TestNode {
 public:
  explicit Probed(const char* policy = "", Configuration given = probing()) : TestNode(std::move(given), policy) {
    correspondents = [this] { return answer_probes(); };
    arrives = [this](const SentUpdate& update) { return leads_somewhere(update.interface); };
  }

  InterfaceSnapshot interface(const char* name) {
    const auto all = node.interfaces(both());
    return *std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  }
  std::string interface_of(std::uint16_t port) { return flow_with_port(port).value().interface; }

  std::vector<InterfaceIndex> captive;
  unsigned probes = 0;

 private:
  bool leads_somewhere(InterfaceIndex interface) const { return std::find(captive.begin(), captive.end(), interface) == captive.end(); }
  bool answer_probes() {
    bool answered = false;
    for (const auto& packet : take_other_packets()) {
      const auto view = wire::parse_packet(packet.packet);
      auto echo = view ? wire::decode_echo(*view) : std::nullopt;
      if (!echo) continue;
      ++probes;
      if (!leads_somewhere(packet.interface)) continue;
      echo->reply = true;
      handle(PacketReceived{.packet = wire::build_packet({.source = view->destination, .destination = view->source}, *echo),
                            .interface = packet.interface});
      answered = true;
    }
    return answered;
  }
};

}  // namespace

TEST_CASE("an interface that leads nowhere is left, said so once, and taken again when it leads somewhere", "[interface_quality]") {
  Probed node("[default]\ninterfaces = [\"wlan0\", \"wwan0\"]\n");
  node.wlan_up();
  node.wwan_up();
  node.serve(5s);
  CHECK(node.interface("wlan0").online == true);
  CHECK(node.interface("wwan0").online == true);
  node.outgoing(5000);
  node.serve(2s);
  REQUIRE(node.interface_of(5000) == "wlan0");
  node.take_events();

  node.captive = {kWlan};
  node.serve(310s);  // the longest time between two probes while nothing is going on
  CHECK(node.interface("wlan0").online == false);
  CHECK(node.interface("wlan0").usable);
  CHECK(node.interface_of(5000) == "wwan0");
  const auto events = node.take_events();
  CHECK(std::count(events.begin(), events.end(), "interface-not-online") == 1);
  // Nothing is registered there any more, spares and anchors included.
  for (const auto& home_address : node.node.home_addresses(node.both())) CHECK(home_address.interface == "wwan0");

  node.captive.clear();
  node.serve(31s);
  CHECK(node.interface("wlan0").online == true);
  CHECK(node.interface_of(5000) == "wlan0");
  CHECK(node.saw_event("interface-online"));
}

TEST_CASE("nothing moves onto an interface that leads nowhere", "[interface_quality]") {
  Probed node("[default]\ninterfaces = [\"wlan0\", \"wwan0\"]\n");
  node.captive = {kWlan};
  node.wwan_up();
  node.serve(5s);
  node.outgoing(5000);
  node.serve(2s);
  REQUIRE(node.interface_of(5000) == "wwan0");
  node.wlan_up();
  node.serve(5s);
  CHECK(node.interface("wlan0").online == false);
  CHECK(node.interface_of(5000) == "wwan0");
  node.outgoing(5001);
  node.serve(1s);
  CHECK(node.interface_of(5001) == "wwan0");
}

TEST_CASE("a home agent that is down moves nothing", "[interface_quality]") {
  Probed node("[default]\ninterfaces = [\"wlan0\", \"wwan0\"]\n");
  node.wlan_up();
  node.wwan_up();
  node.serve(5s);
  node.outgoing(5000);
  node.serve(2s);
  node.take_events();
  node.captive = {kWlan, kWwan};
  for (int i = 0; i < 400; ++i) {
    node.serve(1s);
    REQUIRE(node.interface_of(5000) == "wlan0");
  }
  CHECK(node.interface("wlan0").online == false);
  CHECK(node.interface("wwan0").online == false);
  const auto events = node.take_events();
  CHECK(std::count(events.begin(), events.end(), "home-agent-unreachable") == 1);
  CHECK(std::count(events.begin(), events.end(), "interface-not-online") == 0);
}

TEST_CASE("what else is heard of a silent home agent tells the operator where to look", "[interface_quality]") {
  Probed node;
  const auto problems = [&] { return node.node.status(node.both()).problems; };
  SECTION("nothing at all: its address, or the networks") {
    node.captive = {kWlan, kWwan};
    node.wlan_up();
    node.wwan_up();
    node.serve(20s);
    REQUIRE(problems().size() == 1);
    CHECK_THAT(problems().front(),
               Catch::StartsWith("Nothing comes back from the home agent " + to_string(kHomeAgent) + " over wlan0, wwan0, neither for ") &&
                   Catch::Contains("captive portal"));
  }
  SECTION("its host: the daemon there, or a firewall for Binding Updates alone") {
    node.arrives = [](const SentUpdate&) { return false; };
    node.wlan_up();
    node.serve(20s);
    REQUIRE(problems().size() == 1);
    CHECK_THAT(problems().front(),
               Catch::StartsWith("The host of the home agent " + to_string(kHomeAgent) + " answers pings, but none of ") &&
                   Catch::Contains("laptop@example.org with SPI 1000"));
  }
  SECTION("both, until both networks were lost") {
    node.wlan_up();
    node.wwan_up();
    node.serve(5s);
    CHECK(problems().empty());
    node.captive = {kWlan};
    node.serve(310s);
    CHECK(problems().empty());
    node.captive = {kWlan, kWwan};
    node.serve(310s);
    REQUIRE(problems().size() == 1);
    CHECK_THAT(problems().front(), Catch::Contains("is not heard any more over wlan0, wwan0"));
  }
}

TEST_CASE("flows come back after the time that their class asks for", "[interface_quality]") {
  Probed node("[default]\ninterfaces = [\"wlan0\", \"wwan0\"]\nreturn-after = \"30s\"\n");
  node.wwan_up();
  node.serve(5s);
  node.outgoing(5000);
  node.serve(2s);
  REQUIRE(node.interface_of(5000) == "wwan0");
  node.wlan_up();
  node.serve(29'999ms);
  CHECK(node.interface_of(5000) == "wwan0");
  CHECK(node.flow_with_port(5000)->interface_reason == "policy class 'default', until wlan0 has been good for 30 s");
  node.serve(1ms);
  CHECK(node.interface_of(5000) == "wlan0");
  // A link that comes and goes is not followed to and fro.
  node.carrier(kWlan, "wlan0", false);
  node.serve(1s);
  REQUIRE(node.interface_of(5000) == "wwan0");
  for (int i = 0; i < 10; ++i) {
    node.carrier(kWlan, "wlan0", true);
    node.serve(20s);
    CHECK(node.interface_of(5000) == "wwan0");
    node.carrier(kWlan, "wlan0", false);
    node.serve(1s);
  }
}

TEST_CASE("what costs money is what the operator says, else the cellular interfaces", "[interface_quality]") {
  const char* policy = "[default]\ninterfaces = [{ name = \"*\", when = { metered = false } }]\n";
  SECTION("by kind") {
    Probed node(policy);
    node.wlan_up();
    node.wwan_up();
    CHECK_FALSE(node.interface("wlan0").metered);
    CHECK(node.interface("wwan0").metered);
  }
  SECTION("by name") {
    auto given = probing();
    given.metered_interfaces = {{"wl*"}};
    Probed node(policy, given);
    node.wlan_up();
    node.wwan_up();
    CHECK(node.interface("wlan0").metered);
    CHECK_FALSE(node.interface("wwan0").metered);
    node.serve(5s);
    node.outgoing(5000);
    node.serve(1s);
    CHECK(node.interface_of(5000) == "wwan0");
  }
}

TEST_CASE("the home link is not asked over, and counts as online when another interface does", "[interface_quality]") {
  const char* policy = "[default]\ninterfaces = [\"wlan0\", \"eth0\"]\n";
  const auto at_home = address("2001:db8:1::77");
  SECTION("with probes") {
    Probed node(policy);
    node.wlan_up();
    node.interface_up(5, "eth0", at_home, InterfaceKind::Wired);
    CHECK_FALSE(node.interface("eth0").online.has_value());
    node.serve(5s);
    CHECK(node.interface("eth0").online == true);
    CHECK_FALSE(node.interface("eth0").round_trip.has_value());
  }
  SECTION("without") {
    Probed node(policy, configuration());
    node.wlan_up();
    node.interface_up(5, "eth0", at_home, InterfaceKind::Wired);
    node.serve(5s);
    CHECK_FALSE(node.interface("eth0").online.has_value());
    node.outgoing(5000);
    node.serve(1s);
    CHECK(node.interface_of(5000) == "wlan0");
  }
}

TEST_CASE("who does not want probes sends none", "[interface_quality]") {
  Probed node("", configuration());
  node.wlan_up();
  node.serve(1'000s);
  CHECK(node.probes == 0);
  CHECK_FALSE(node.interface("wlan0").online.has_value());
}

}  // namespace mipflow::mobile_node::test
