// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §10.4.1: attracting packets on the home link.
#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;

namespace {

std::vector<std::pair<TimePoint, wire::NeighborAdvertisement>> advertisements(Fixture& f) {
  std::vector<std::pair<TimePoint, wire::NeighborAdvertisement>> out;
  for (const auto& sent : f.take_sent())
    if (const auto message = Fixture::message_in<wire::NeighborAdvertisement>(sent)) {
      const auto decoded = sent.decoded();
      CHECK(decoded.view.source == kHomeAgent);
      CHECK(decoded.view.destination == address("ff02::1"));
      CHECK(decoded.view.hop_limit == 255);
      CHECK_FALSE(decoded.view.routing_header_home_address);
      CHECK(sent.out.interface == kHomeInterface);
      out.emplace_back(sent.at, *message);
    }
  return out;
}

}  // namespace

TEST_CASE("the first binding is told to all nodes three times, a second apart; later ones are not") {
  Fixture f;
  const TimePoint start = f.now.monotonic;
  f.establish({});
  f.advance(1min);
  const auto sent = advertisements(f);
  REQUIRE(sent.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(sent[i].first == start + 1s + i * 1s);
    CHECK(sent[i].second.target == kPrimary);
    CHECK_FALSE(sent[i].second.router);
    CHECK_FALSE(sent[i].second.solicited);
    CHECK(sent[i].second.override_flag);
    CHECK(sent[i].second.target_link_layer_address == kHomeAgentMac);
  }
  f.send({.care_of_address = kCareOf2, .sequence = 16});
  f.advance(10s);
  CHECK(advertisements(f).empty());
}

TEST_CASE("with L the link-local address is told too") {
  Fixture f;
  f.establish({.link_local = true});
  f.advance(5s);
  const auto sent = advertisements(f);
  REQUIRE(sent.size() == 6);
  CHECK(sent[1].second.target == link_local_with_same_interface_identifier(kPrimary));
}

TEST_CASE("L taken back ends the defence of the link-local address; given later it has to wait") {
  Fixture f;
  const Address link_local = link_local_with_same_interface_identifier(kPrimary);
  f.establish({.link_local = true});
  f.advance(1s);
  f.send({.sequence = 16, .link_local = false});
  CHECK(f.proxies(kPrimary));
  CHECK_FALSE(f.proxies(link_local));
  f.advance(1s);
  f.send({.sequence = 17, .link_local = true});
  CHECK_FALSE(f.proxies(link_local));
}

TEST_CASE("de-registration ends the announcements") {
  Fixture f;
  f.establish({});
  CHECK(advertisements(f).size() == 1);
  f.advance(500ms);
  f.send({.sequence = 16, .lifetime_units = 0});
  f.advance(10s);
  CHECK(advertisements(f).empty());
}

TEST_CASE("expiry ends the proxy") {
  Fixture f;
  f.establish({.lifetime_units = 2, .link_local = true});
  f.advance(8s);
  CHECK(f.agent->plan().proxied_neighbours.items().empty());
}

TEST_CASE("a virtual home link has nobody to tell") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({.link_local = true});
  f.advance(10s);
  CHECK(advertisements(f).empty());
  CHECK(f.agent->plan().proxied_neighbours.items().empty());
  CHECK(f.agent->plan().watched_addresses.items().empty());
}
