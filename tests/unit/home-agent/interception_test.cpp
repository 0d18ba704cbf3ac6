// SPDX-License-Identifier: GPL-3.0-or-later
// EP 1134991 [0025], [0037]: attracting packets, on a home link and on a routed home network.
#include "sharing/interception.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "fixture.hpp"
#include "mipflow/wire/packet.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;

namespace {

using Preference = Interception::Preference;

const Address kLinkLocal = link_local_with_same_interface_identifier(kPrimary);
constexpr HomeLink kVirtual{};
const HomeLink kRealLink{kHomeInterface, kHomeAgentMac, kHomeAgent};

struct Station {
  explicit Station(const HomeLink& link) { interception.set_home_link(link); }

  bool proxies(const Address& address, InterfaceIndex interface = kHomeInterface) const {
    return plan.proxied_neighbours.find({interface, address}) != nullptr;
  }
  // 0: no host route.
  std::uint32_t metric(const Address& home_address) const {
    const auto* route = plan.announced_routes.find(home_address);
    return route == nullptr ? 0 : route->metric;
  }
  // What is announced from now on, and how long after now.
  std::vector<std::pair<Duration, Address>> announcements() {
    std::vector<std::pair<Duration, Address>> out;
    const TimePoint begin = now;
    while (defence.next_deadline() != kNever) {
      now = std::max(now, defence.next_deadline());
      Outputs outputs;
      defence.on_deadline(now, outputs);
      for (const auto& packet : outputs.packets) {
        const auto decoded = wire::decode_packet(packet.packet);
        REQUIRE(decoded);
        const auto& message = std::get<wire::Icmpv6Message>(decoded->message);
        out.emplace_back(now - begin, std::get<wire::NeighborAdvertisement>(message).target);
      }
    }
    return out;
  }
  using Announced = std::vector<std::pair<Duration, Address>>;

  TimePoint now{1000s};
  forwarding::ForwardingPlan plan;
  NeighbourDefence defence{plan};
  Interception interception{plan, defence};
};

}  // namespace

TEST_CASE("on a home link: a proxy and three announcements, whatever the preference, and no host route") {
  for (const auto preference : {Preference::CoveringPrefix, Preference::HostRoute, Preference::OverHostRoute}) {
    Station station(kRealLink);
    station.interception.start(kPrimary, false, preference, station.now);
    CHECK(station.interception.intercepts(kPrimary));
    CHECK(station.proxies(kPrimary));
    CHECK_FALSE(station.proxies(kLinkLocal));
    CHECK(station.metric(kPrimary) == 0);
    CHECK(station.announcements() == Station::Announced{{0s, kPrimary}, {1s, kPrimary}, {2s, kPrimary}});

    station.interception.stop(kPrimary);
    CHECK_FALSE(station.interception.intercepts(kPrimary));
    CHECK_FALSE(station.proxies(kPrimary));
    CHECK(station.announcements().empty());
  }
}

TEST_CASE("on a routed home network: a host route where it is needed, of which the lower metric wins") {
  Station station(kVirtual);
  station.interception.start(kPrimary, true, Preference::CoveringPrefix, station.now);
  CHECK(station.interception.intercepts(kPrimary));
  CHECK(station.metric(kPrimary) == 0);
  station.interception.start(kPrimary, true, Preference::OverHostRoute, station.now);
  const std::uint32_t over = station.metric(kPrimary);
  station.interception.start(kPrimary, true, Preference::HostRoute, station.now);
  CHECK(station.metric(kPrimary) == 100);
  CHECK(over == 10);
  station.interception.start(kPrimary, true, Preference::CoveringPrefix, station.now);
  CHECK(station.metric(kPrimary) == 0);
  station.interception.start(kPrimary, true, Preference::HostRoute, station.now);
  station.interception.stop(kPrimary);
  CHECK(station.plan.announced_routes.items().empty());
  CHECK(station.plan.proxied_neighbours.items().empty());
  CHECK(station.announcements().empty());
}

TEST_CASE("what is intercepted already is not announced anew because its preference changes") {
  Station station(kRealLink);
  station.interception.start(kPrimary, false, Preference::OverHostRoute, station.now);
  CHECK(station.announcements().size() == 3);
  station.interception.start(kPrimary, false, Preference::CoveringPrefix, station.now);
  CHECK(station.announcements().empty());
}

TEST_CASE("the link-local address comes and goes with L, and comes with announcements") {
  Station station(kRealLink);
  station.interception.start(kPrimary, true, Preference::HostRoute, station.now);
  CHECK(station.proxies(kLinkLocal));
  CHECK(station.announcements().size() == 6);
  station.interception.start(kPrimary, false, Preference::HostRoute, station.now);
  CHECK(station.proxies(kPrimary));
  CHECK_FALSE(station.proxies(kLinkLocal));
  CHECK(station.announcements().empty());
  station.interception.start(kPrimary, true, Preference::HostRoute, station.now);
  CHECK(station.announcements().size() == 6);
  station.interception.stop(kPrimary);
  CHECK(station.plan.proxied_neighbours.items().empty());
}

TEST_CASE("EP 1134991 [0037]: late caches heal by being told again, from then on three times") {
  Station station(kRealLink);
  station.interception.start(kPrimary, false, Preference::HostRoute, station.now);
  // In the middle of the first three: those that are still to come are replaced, not added to.
  Outputs outputs;
  station.defence.on_deadline(station.now, outputs);
  station.now += 500ms;
  station.interception.announce_again(kPrimary, station.now);
  CHECK(station.announcements() == Station::Announced{{0s, kPrimary}, {1s, kPrimary}, {2s, kPrimary}});
  station.interception.announce_again(kPrimary, station.now + 3s);
  CHECK(station.announcements() == Station::Announced{{3s, kPrimary}, {4s, kPrimary}, {5s, kPrimary}});
}

TEST_CASE("nobody announces what it does not intercept") {
  Station station(kRealLink);
  station.interception.announce_again(kPrimary, station.now);
  CHECK(station.announcements().empty());
  station.interception.start(kPrimary, false, Preference::HostRoute, kNever);
  CHECK(station.proxies(kPrimary));
  CHECK(station.announcements().empty());
  station.interception.announce_again(kPrimary, station.now);
  CHECK(station.announcements().size() == 3);

  Station on_virtual(kVirtual);
  on_virtual.interception.start(kPrimary, false, Preference::HostRoute, on_virtual.now);
  on_virtual.interception.announce_again(kPrimary, on_virtual.now);
  CHECK(on_virtual.announcements().empty());
}

TEST_CASE("what was restored before the home link was known is intercepted there, and not announced") {
  Station station(kVirtual);
  station.interception.start(kPrimary, true, Preference::HostRoute, kNever);
  station.interception.set_home_link(kRealLink);
  CHECK(station.proxies(kPrimary));
  CHECK(station.proxies(kLinkLocal));
  CHECK(station.metric(kPrimary) == 0);
  CHECK(station.announcements().empty());
}

TEST_CASE("another home link: what is intercepted is so there, announced one after the other") {
  Station station(kRealLink);
  station.interception.start(kPrimary, true, Preference::HostRoute, station.now);
  station.interception.start(kDynamic, false, Preference::CoveringPrefix, station.now);
  station.announcements();

  constexpr InterfaceIndex kOther = 7;
  station.interception.move_to_home_link({kOther, kHomeAgentMac, kHomeAgent}, station.now);
  CHECK_FALSE(station.proxies(kPrimary));
  CHECK(station.proxies(kPrimary, kOther));
  CHECK(station.proxies(kLinkLocal, kOther));
  CHECK(station.proxies(kDynamic, kOther));
  const auto announced = station.announcements();
  REQUIRE(announced.size() == 9);
  CHECK(announced.front().first != announced.back().first);

  station.interception.move_to_home_link(kVirtual, station.now);
  CHECK(station.plan.proxied_neighbours.items().empty());
  CHECK(station.metric(kPrimary) == 100);
  CHECK(station.metric(kDynamic) == 0);
  station.interception.move_to_home_link(kRealLink, station.now);
  CHECK(station.proxies(kPrimary));
  CHECK(station.metric(kPrimary) == 0);
}
