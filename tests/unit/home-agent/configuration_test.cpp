// SPDX-License-Identifier: GPL-3.0-or-later
// set_configuration(): what is no longer allowed ends, the rest goes on.
#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;
using wire::BindingStatus;

namespace {

const Update kOthersUpdate{.home_address = kOtherPrimary, .identifier = "other@example.net", .spi = 2000};

}  // namespace

TEST_CASE("a mobile node that is taken out loses its bindings and what waits") {
  Fixture f;
  f.establish({});
  f.establish(kOthersUpdate);
  f.send({.home_address = kDynamic});
  f.take_sent();
  auto configuration = f.configuration;
  configuration.mobile_nodes.erase(configuration.mobile_nodes.begin());
  f.configure(configuration);
  CHECK(f.tunnelled_to(kPrimary).is_unspecified());
  CHECK_FALSE(f.proxies(kPrimary));
  CHECK_FALSE(f.watches(kDynamic));
  CHECK(f.tunnelled_to(kOtherPrimary) == kCareOf1);
  f.advance(10s);
  CHECK(f.tunnelled_to(kDynamic).is_unspecified());
  f.advance(1s);
  f.take_sent();
  f.send({.sequence = 16});
  CHECK(f.take_sent().empty());
}

TEST_CASE("dynamic home addresses end with the permission") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({});
  f.establish({.home_address = kDynamic});
  auto configuration = f.configuration;
  configuration.mobile_nodes[0].may_allocate_home_addresses = false;
  f.configure(configuration);
  CHECK(f.tunnelled_to(kPrimary) == kCareOf1);
  CHECK(f.tunnelled_to(kDynamic).is_unspecified());
}

TEST_CASE("a prefix that is taken away takes its bindings along, a shorter lifetime shortens them") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({.lifetime_units = 1000});
  auto configuration = f.configuration;
  configuration.home_prefixes[0].valid_lifetime = 402s;
  f.configure(configuration);
  CHECK(f.binding(kPrimary)->lifetime == 400s);
  configuration.home_prefixes = {{*Prefix::parse("2001:db8:101::/64")}};
  f.configure(configuration);
  CHECK(f.tunnelled_to(kPrimary).is_unspecified());
}

TEST_CASE("the same configuration again changes nothing") {
  Fixture f;
  f.establish({.link_local = true});
  f.advance(100s);
  f.take_sent();
  auto& plan = f.agent->plan();
  (void)plan.tunnels.take_changes();
  (void)plan.proxied_neighbours.take_changes();
  const auto before = f.fingerprint();
  f.configure(f.configuration);
  CHECK(f.fingerprint() == before);
  CHECK_FALSE(plan.tunnels.has_changes());
  CHECK_FALSE(plan.proxied_neighbours.has_changes());
  f.advance(100s);
  CHECK(f.take_sent().empty());
}

TEST_CASE("another address or home link of the home agent: everything is served from there") {
  Fixture f;
  f.establish({});
  f.send({.home_address = kDynamic});
  f.advance(500ms);
  f.take_sent();
  auto configuration = f.configuration;
  configuration.home_agent_address = address("2001:db8:100::2");
  configuration.home_interface = 9;
  f.configure(configuration);
  CHECK(f.agent->plan().tunnels.find(kPrimary)->home_agent == address("2001:db8:100::2"));
  CHECK_FALSE(f.proxies(kPrimary));
  CHECK(f.agent->plan().proxied_neighbours.find({9, kPrimary}) != nullptr);
  CHECK(f.agent->plan().watched_addresses.find({9, kDynamic}) != nullptr);
  CHECK_FALSE(f.watches(kDynamic));
  f.advance(1s);
  CHECK(f.tunnelled_to(kDynamic) == kCareOf1);
  bool told = false;
  for (const auto& sent : f.take_sent())
    if (const auto message = Fixture::message_in<wire::NeighborAdvertisement>(sent)) {
      told |= message->target == kPrimary;
      CHECK(sent.out.interface == 9);
      CHECK(sent.decoded().view.source == address("2001:db8:100::2"));
    }
  CHECK(told);
}

TEST_CASE("a home link that becomes virtual is left alone, one that becomes real is defended") {
  Fixture f;
  f.establish({});
  f.send({.home_address = kDynamic});
  f.configure(Fixture::on_virtual_home_link());
  CHECK(f.agent->plan().proxied_neighbours.items().empty());
  CHECK(f.agent->plan().watched_addresses.items().empty());
  CHECK(f.state(kDynamic) == "bound");
  f.configure(Fixture::default_configuration());
  CHECK(f.proxies(kPrimary));
  CHECK(f.proxies(kDynamic));
}

TEST_CASE("turning the insecure mode off ends what it let in") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.accept_unauthenticated_insecure = true;
  Fixture f(configuration);
  f.establish({.home_address = kDynamic, .authenticated = false});
  f.configure(Fixture::on_virtual_home_link());
  CHECK(f.tunnelled_to(kDynamic).is_unspecified());
}
