// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §10.5.1: the Home Agents List, and what of it is told to who asks.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;

namespace {

constexpr LinkLayerAddress kRouterMac{2, 0, 0, 0, 0, 0x42};
const Address kFirst = address("2001:db8:100::f1");
const Address kSecond = address("2001:db8:100::f2");
const Address kFirstLinkLocal = address("fe80::f1");
const Address kSecondLinkLocal = address("fe80::f2");
constexpr std::uint16_t kOwnPreference = 10;

wire::PrefixInformation router_address(const Address& of, std::uint32_t valid = 7'200) {
  return {.on_link = true, .router_address = true, .valid_lifetime = valid, .preferred_lifetime = valid, .prefix = of};
}

// Without a Home Agent Information option when there is no preference.
wire::RouterAdvertisement advertisement(const Address& of, std::optional<std::uint16_t> preference, std::uint16_t lifetime = 1'800) {
  wire::RouterAdvertisement out;
  out.home_agent = true;
  out.router_lifetime = 1'800;
  out.prefixes = {router_address(of)};
  if (preference) {
    out.home_agent_preference = preference;
    out.home_agent_lifetime = lifetime;
  }
  return out;
}

struct Link : Fixture {
  Link() : Fixture(with_preference(default_configuration())) {}
  static Configuration with_preference(Configuration configuration) {
    configuration.home_agent_preference = kOwnPreference;
    return configuration;
  }

  void hear(const wire::RouterAdvertisement& message, const Address& from, InterfaceIndex interface = kHomeInterface,
            const LinkLayerAddress& mac = kRouterMac) {
    send_packet(wire::build_packet({from, address("ff02::1")}, message), interface, mac);
    take_sent();
  }
  std::vector<Address> ask() {
    send_packet(wire::build_packet({kCareOf1, address("2001:db8:100:0:fdff:ffff:ffff:fffe")},
                                   wire::HomeAgentAddressDiscoveryRequest{.identifier = 4711}));
    const auto sent = take_sent();
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].out.packet.size() <= 1'280);
    const auto view = sent[0].decoded().view;
    CHECK(view.source == kHomeAgent);
    CHECK(view.destination == kCareOf1);
    const auto reply = message_in<wire::HomeAgentAddressDiscoveryReply>(sent[0]);
    REQUIRE(reply);
    CHECK(reply->identifier == 4711);
    return reply->home_agents;
  }
};

using List = std::vector<Address>;

}  // namespace

TEST_CASE("home agents are listed by preference, this one among them, whatever the order they were heard in") {
  struct Row {
    std::optional<std::uint16_t> first, second;
    List list;
  };
  for (const Row& row : {Row{1, 0, {kHomeAgent, kFirst, kSecond}}, {0, 1, {kHomeAgent, kSecond, kFirst}},
                         {0xffff, 0, {kFirst, kHomeAgent, kSecond}}, {0, 0xffff, {kSecond, kHomeAgent, kFirst}},
                         {0xffff, 0xfffe, {kFirst, kSecond, kHomeAgent}}, {0xfffe, 0xffff, {kSecond, kFirst, kHomeAgent}},
                         {std::nullopt, 11, {kSecond, kHomeAgent, kFirst}}})
    for (const bool first_first : {true, false}) {
      Link f;
      if (first_first) f.hear(advertisement(kFirst, row.first), kFirstLinkLocal);
      f.hear(advertisement(kSecond, row.second), kSecondLinkLocal);
      if (!first_first) f.hear(advertisement(kFirst, row.first), kFirstLinkLocal);
      CHECK(f.ask() == row.list);
    }
}

TEST_CASE("agents of equal preference, and the addresses of one, are in another order each time") {
  Link f;
  f.hear(advertisement(kFirst, 0xffff), kFirstLinkLocal);
  auto two = advertisement(kSecond, 0xffff);
  const Address another = address("2001:db8:101::f2");
  two.prefixes.push_back(router_address(another));
  f.hear(two, kSecondLinkLocal);
  std::set<List> seen;
  for (int i = 0; i < 100; ++i) {
    const List list = f.ask();
    REQUIRE(list.size() == 4);
    CHECK(list.back() == kHomeAgent);
    CHECK(std::set<Address>(list.begin(), list.end()) == std::set<Address>{kHomeAgent, kFirst, kSecond, another});
    seen.insert(list);
    f.advance(1s);
  }
  CHECK(seen.size() == 4);  // the first one before or behind the two of the second
}

TEST_CASE("an entry ends with its lifetime and not a second earlier; another advertisement renews it") {
  const auto preference = GENERATE(std::optional<std::uint16_t>{0xffff}, std::optional<std::uint16_t>{});
  auto message = advertisement(kFirst, preference, 32);
  if (!preference) message.router_lifetime = 32;
  const List with = preference ? List{kFirst, kHomeAgent} : List{kHomeAgent, kFirst};
  Link f;
  f.hear(message, kFirstLinkLocal);
  CHECK(f.ask() == with);
  f.advance(31s);
  CHECK(f.ask() == with);
  f.hear(message, kFirstLinkLocal);
  f.advance(31s);
  CHECK(f.ask() == with);
  f.advance(1s);
  CHECK(f.ask() == List{kHomeAgent});
}

TEST_CASE("the preference is that of the last advertisement") {
  Link f;
  f.hear(advertisement(kFirst, 0xffff), kFirstLinkLocal);
  CHECK(f.ask() == List{kFirst, kHomeAgent});
  f.hear(advertisement(kFirst, 0), kFirstLinkLocal);
  CHECK(f.ask() == List{kHomeAgent, kFirst});
}

TEST_CASE("an agent that takes its word back is deleted at once") {
  Link f;
  f.hear(advertisement(kFirst, 0xffff), kFirstLinkLocal);
  REQUIRE(f.ask() == List{kFirst, kHomeAgent});
  auto last = advertisement(kFirst, std::nullopt);
  SECTION("Home Agent Lifetime 0") { last = advertisement(kFirst, 0xffff, 0); }
  SECTION("Router Lifetime 0, without the option") { last.router_lifetime = 0; }
  SECTION("H is not set") { last.home_agent = false; }
  f.hear(last, kFirstLinkLocal);
  CHECK(f.ask() == List{kHomeAgent});
  f.hear(last, kSecondLinkLocal);
  CHECK(f.ask() == List{kHomeAgent});
}

TEST_CASE("Router Lifetime 0 ends nobody who says how long he is a home agent") {
  Link f;
  auto message = advertisement(kFirst, 0xffff);
  message.router_lifetime = 0;
  f.hear(message, kFirstLinkLocal);
  CHECK(f.ask() == List{kFirst, kHomeAgent});
}

TEST_CASE("addresses come from prefixes with R, are added, and end with their prefix") {
  Link f;
  auto message = advertisement(kFirst, 0xffff);
  message.prefixes = {router_address(kFirst, 100)};
  f.hear(message, kFirstLinkLocal);
  auto without = advertisement(kSecond, 0xfffe);
  without.prefixes[0].router_address = false;
  f.hear(without, kSecondLinkLocal);
  CHECK(f.ask() == List{kFirst, kHomeAgent});

  const Address later = address("2001:db8:101::f1");
  message.prefixes = {router_address(later), router_address(address("fe80::1")), router_address(address("ff02::1")), router_address({})};
  f.hear(message, kFirstLinkLocal);
  CHECK(f.ask().size() == 3);
  f.advance(100s);
  CHECK(f.ask() == List{later, kHomeAgent});
  message.prefixes = {router_address(later, 0)};
  f.hear(message, kFirstLinkLocal);
  CHECK(f.ask() == List{kHomeAgent});
}

TEST_CASE("only a neighbour on the home link is heard") {
  Link f;
  const auto message = advertisement(kFirst, 0xffff);
  f.hear(message, kFirst);                                           // not link-local: forwarded, or made up
  f.hear(message, kFirstLinkLocal, kOutside);
  f.hear(message, kFirstLinkLocal, kHomeInterface, kHomeAgentMac);   // ourselves
  f.send_packet(wire::build_packet_around({.source = kFirstLinkLocal, .destination = address("ff02::1"), .hop_limit = 254},
                                          kProtocolIcmpv6, wire::encode(message, kFirstLinkLocal, address("ff02::1"))),
                kHomeInterface, kRouterMac);
  f.take_sent();
  CHECK(f.ask() == List{kHomeAgent});
  f.hear(message, kFirstLinkLocal);
  CHECK(f.ask() == List{kFirst, kHomeAgent});

  // Another home link has other neighbours.
  Configuration moved = f.configuration;
  moved.home_interface = kOutside;
  f.configure(moved);
  f.take_sent();
  CHECK(f.ask() == List{kHomeAgent});
}

TEST_CASE("as many addresses as fit the minimum MTU, the best ones") {
  Link f;
  const auto numbered = [](Address of, std::size_t i) {
    of.octets[14] = static_cast<std::uint8_t>(1 + i / 256);
    of.octets[15] = static_cast<std::uint8_t>(i);
    return of;
  };
  for (std::size_t i = 0; i < 78; ++i)
    f.hear(advertisement(numbered(kFirst, i), static_cast<std::uint16_t>(0xffff - i)), numbered(kFirstLinkLocal, i));
  const List list = f.ask();
  REQUIRE(list.size() == 77);
  for (std::size_t i = 0; i < 77; ++i) CHECK(list[i] == numbered(kFirst, i));

  // Anybody on the link can advertise: the list is bounded, also in the addresses of one agent.
  Link g;
  for (std::size_t i = 0; i < 1'000; ++i) g.hear(advertisement(kFirst, 0), numbered(kFirstLinkLocal, i));
  auto many = advertisement(kFirst, 0);
  for (std::size_t round = 0; round < 20; ++round) {
    many.prefixes.clear();
    for (std::size_t i = 0; i < 30; ++i) many.prefixes.push_back(router_address(numbered(kSecond, 30 * round + i)));
    g.hear(many, numbered(kFirstLinkLocal, 0));
  }
  CHECK(g.ask().size() == 1 + 16);  // kFirst is everybody's, and stands there once
}

TEST_CASE("on a home network without a link the operator names the others") {
  Configuration configuration = Fixture::on_virtual_home_link();
  configuration.home_agent_preference = kOwnPreference;
  configuration.other_home_agents = {{kFirst, 5}, {kSecond, 20}};
  Link f;
  f.configure(configuration);
  f.take_sent();
  CHECK(f.ask() == List{kSecond, kHomeAgent, kFirst});
  f.hear(advertisement(address("2001:db8:100::f3"), 0xffff), kFirstLinkLocal);
  CHECK(f.ask() == List{kSecond, kHomeAgent, kFirst});
  configuration.other_home_agents.clear();
  f.configure(configuration);
  CHECK(f.ask() == List{kHomeAgent});
}
