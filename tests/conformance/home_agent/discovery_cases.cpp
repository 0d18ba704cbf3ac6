// SPDX-License-Identifier: GPL-3.0-or-later
// Dynamic home agent address discovery and the Home Agents List.
#include <algorithm>
#include <set>

#include "conformance/harness/message.hpp"
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"

namespace mipflow::conformance::home {

namespace {

using Addresses = std::vector<Address>;

constexpr std::uint16_t kBest = 0xffff;
constexpr std::uint16_t kShort = 0x20;  // seconds
const Address kAnycast = *Address::parse("2001:db8:100:0:fdff:ffff:ffff:fffe");

// The address of another home agent on the home link, and its link-local one.
Address other_agent(std::uint8_t number, bool link_local = false) {
  Address out = link_local ? *Address::parse("fe80::a00") : *Address::parse("2001:db8:100::a00");
  out.octets.back() = number;
  return out;
}

// A Router Advertisement of another home agent; what is not set is as a home agent does it.
struct Advertisement {
  std::uint8_t agent = 0;
  std::optional<std::uint16_t> preference = std::nullopt;  // with the Home Agent Information option
  std::uint16_t home_agent_lifetime = 1800;
  std::uint16_t router_lifetime = 1800;
  bool is_home_agent = true;
  bool has_router_address = true;
  bool with_second_address = false;
};

void advertise(HomeAgentBench& bench, const Advertisement& from) {
  wire::RouterAdvertisement message{.home_agent = from.is_home_agent, .router_lifetime = from.router_lifetime};
  const auto add = [&](const Address& address) {
    message.prefixes.push_back({.on_link = true,
                                .autonomous = true,
                                .router_address = from.has_router_address,
                                .valid_lifetime = 86400,
                                .preferred_lifetime = 86400,
                                .prefix = address});
  };
  add(other_agent(from.agent));
  if (from.with_second_address) add(other_agent(static_cast<std::uint8_t>(from.agent + 0x80)));
  if (from.preference) {
    message.home_agent_preference = from.preference;
    message.home_agent_lifetime = from.home_agent_lifetime;
  }
  const Address all_nodes = *Address::parse("ff02::1");
  bench.node.home_link.from_neighbour(
      bench.neighbour, wire::build_packet({.source = other_agent(from.agent, true), .destination = all_nodes}, message));
  bench.wait(10ms);
}

Addresses discover(HomeAgentBench& bench, std::uint16_t reserved = 0) {
  constexpr std::uint16_t kIdentifier = 0x4d49;
  // Octet by octet, for the Reserved field; the checksum of build_packet() less what that adds.
  Bytes request = wire::build_packet({.source = kCareOf1, .destination = kAnycast},
                                     wire::HomeAgentAddressDiscoveryRequest{kIdentifier});
  constexpr std::size_t kChecksum = 42, kReserved = 46;
  Writer patched;
  patched.bytes(request);
  patched.patch_u16(kReserved, reserved);
  const unsigned sum = static_cast<unsigned>(request[kChecksum] << 8 | request[kChecksum + 1]);
  patched.patch_u16(kChecksum, static_cast<std::uint16_t>(sum - reserved));
  bench.send(patched.take());
  const std::string wanted = "a Home Agent Address Discovery Reply";
  const Bytes packet = bench.only_answer(wanted, 100ms);
  const auto reply = message_in<wire::HomeAgentAddressDiscoveryReply>(packet, wanted);
  const auto view = wire::parse_packet(packet);
  require(reply.identifier == kIdentifier && view->source == kHomeAgent && view->destination == kCareOf1 &&
              !view->routing_header_home_address && !view->fragment_offset && packet.size() <= 1280,
          "wanted " + wanted + " with the request's identifier to its source, got " + describe(packet));
  return reply.home_agents;
}

std::string text(const Addresses& addresses) {
  std::string out;
  for (const Address& address : addresses) {
    if (!out.empty()) out += " > ";
    out += address == kHomeAgent ? "self" : "HA" + std::to_string(address.octets.back());
  }
  return out;
}

void lists(HomeAgentBench& bench, const Addresses& wanted) {
  const Addresses got = discover(bench);
  require(got == wanted, "wanted " + text(wanted) + ", got " + text(got));
  bench.saw(text(got));
}

const Address& self() { return kHomeAgent; }

void alone(HomeAgentBench& bench) { lists(bench, {self()}); }
void alone_reserved(HomeAgentBench& bench) {
  const Addresses got = discover(bench, 1);
  require(got == Addresses{self()}, "wanted self, got " + text(got));
  bench.saw(text(got));
}

// Every order of two other home agents and this one, whose preference is 10.
struct Order {
  const char* id;
  std::uint16_t first_preference, second_preference;
  const char* text;
};
void ordered(HomeAgentBench& bench, const Order& row) {
  advertise(bench, {.agent = 0, .preference = row.first_preference});
  advertise(bench, {.agent = 1, .preference = row.second_preference});
  const std::string got = text(discover(bench));
  require(got == row.text, "wanted " + std::string(row.text) + ", got " + got);
  bench.saw(got);
}

void in_turn(HomeAgentBench& bench) {
  constexpr unsigned kTries = 40;
  std::set<std::string> orders;
  advertise(bench, {.agent = 0, .preference = kBest});
  advertise(bench, {.agent = 1, .preference = kBest});
  for (unsigned i = 0; i < kTries; ++i) orders.insert(text(discover(bench)));
  require(orders == std::set<std::string>{"HA0 > HA1 > self", "HA1 > HA0 > self"},
          "wanted both orders of the equal ones and no other, got " + std::to_string(orders.size()));
  for (const auto& order : orders) bench.saw(order);
}

void two_addresses(HomeAgentBench& bench) {
  advertise(bench, {.agent = 0, .preference = kBest, .with_second_address = true});
  Addresses got = discover(bench);
  require(got.size() == 3 && got.back() == self(), "wanted two addresses and self, got " + text(got));
  std::sort(got.begin(), got.begin() + 2);
  require(got[0] == other_agent(0) && got[1] == other_agent(0x80), "wanted both addresses, got " + text(got));
  bench.saw("both addresses, then self");
}

// What an advertisement brought is gone `wait` after it, or with the next one.
void until(HomeAgentBench& bench, const Advertisement& first, const Addresses& before, Duration wait) {
  advertise(bench, first);
  lists(bench, before);
  bench.wait(wait - 200ms);
  lists(bench, before);
  bench.wait(200ms);
  lists(bench, {self()});
}
void taken_back(HomeAgentBench& bench, const Advertisement& first, const Addresses& before, const Advertisement& next) {
  advertise(bench, first);
  lists(bench, before);
  advertise(bench, next);
  lists(bench, {self()});
}

void refreshed(HomeAgentBench& bench) {
  const Advertisement advertisement{.agent = 0, .preference = kBest, .home_agent_lifetime = kShort};
  advertise(bench, advertisement);
  lists(bench, {other_agent(0), self()});
  bench.wait(20s);
  advertise(bench, advertisement);
  bench.wait(20s);
  lists(bench, {other_agent(0), self()});
  bench.wait(20s);
  lists(bench, {self()});
}

void another_preference(HomeAgentBench& bench) {
  advertise(bench, {.agent = 0, .preference = kBest});
  lists(bench, {other_agent(0), self()});
  advertise(bench, {.agent = 0, .preference = 0});
  lists(bench, {self(), other_agent(0)});
}

void without_router_address(HomeAgentBench& bench) {
  advertise(bench, {.agent = 0, .preference = kBest});
  advertise(bench, {.agent = 1, .preference = kBest - 1, .has_router_address = false});
  lists(bench, {other_agent(0), self()});
}

void as_many_as_fit(HomeAgentBench& bench) {
  constexpr std::uint8_t kNeighbours = 78;
  constexpr std::uint16_t kLowest = 0xffb2;
  for (std::uint8_t agent = 0; agent < kNeighbours; ++agent)
    advertise(bench, {.agent = agent, .preference = static_cast<std::uint16_t>(kLowest + agent)});
  const Addresses got = discover(bench);
  Addresses wanted;
  for (std::uint8_t agent = kNeighbours; agent-- > 1;) wanted.push_back(other_agent(agent));
  require(got == wanted, "wanted the 77 best ones in order, got " + std::to_string(got.size()) + ": " + text(got));
  bench.saw("77 addresses, the best ones in order");
}

}  // namespace

std::vector<Group> discovery_cases() {
  constexpr const char* kSection = "10.5.1, 10.1";
  Group request{"Home agent address discovery", {}};
  add_twins(request, "HA_7_1_1", "HA_7_1_2", "a home agent that is alone", "10.5.1, 6.5, 6.6", alone);
  add_twins(request, "HA_7_1_3", "HA_7_1_4", "reserved bits", "6.5", alone_reserved);

  Group list{"The Home Agents List", {}};
  const auto add = [&](const char* id, const char* title, std::function<void(HomeAgentBench&)> run) {
    list.cases.push_back(home_agent_case(id, title, kSection, Link::Real, std::move(run)));
  };
  add("HA_7_2_1", "another one of preference 0", [](HomeAgentBench& bench) {
    advertise(bench, {.agent = 0, .preference = 0});
    lists(bench, {self(), other_agent(0)});
  });
  add("HA_7_2_9", "another one that does not say its preference", [](HomeAgentBench& bench) {
    advertise(bench, {.agent = 0});
    lists(bench, {self(), other_agent(0)});
  });
  add("HA_7_2_2", "another one of preference 65535", [](HomeAgentBench& bench) {
    advertise(bench, {.agent = 0, .preference = kBest});
    lists(bench, {other_agent(0), self()});
  });
  add("HA_7_2_10", "an entry ends with its Home Agent Lifetime", [](HomeAgentBench& bench) {
    until(bench, {.agent = 0, .preference = kBest, .home_agent_lifetime = kShort}, {other_agent(0), self()},
          std::chrono::seconds{kShort} - 210ms);
  });
  add("HA_7_2_11", "an entry ends with its Router Lifetime", [](HomeAgentBench& bench) {
    until(bench, {.agent = 0, .router_lifetime = kShort}, {self(), other_agent(0)}, std::chrono::seconds{kShort} - 210ms);
  });
  add("HA_7_2_12", "another preference", another_preference);
  add("HA_7_2_13", "the lifetime is refreshed", refreshed);
  add("HA_7_2_15", "one with two global addresses", two_addresses);
  for (const Order& row : {Order{"HA_7_2_3", 1, 0, "self > HA0 > HA1"}, Order{"HA_7_2_4", 0, 1, "self > HA1 > HA0"},
                           Order{"HA_7_2_5", kBest, 0, "HA0 > self > HA1"}, Order{"HA_7_2_6", 0, kBest, "HA1 > self > HA0"},
                           Order{"HA_7_2_7", kBest, kBest - 1, "HA0 > HA1 > self"},
                           Order{"HA_7_2_8", kBest - 1, kBest, "HA1 > HA0 > self"}})
    add(row.id, "two others", [row](HomeAgentBench& bench) { ordered(bench, row); });
  add("HA_7_2_14", "two others of equal preference", in_turn);
  add("HA_7_3_1", "Home Agent Lifetime 0", [](HomeAgentBench& bench) {
    taken_back(bench, {.agent = 0, .preference = kBest}, {other_agent(0), self()},
               {.agent = 0, .preference = kBest, .home_agent_lifetime = 0});
  });
  add("HA_7_3_2", "Router Lifetime 0", [](HomeAgentBench& bench) {
    taken_back(bench, {.agent = 0, .preference = kBest}, {other_agent(0), self()}, {.agent = 0, .router_lifetime = 0});
  });
  add("HA_7_4_1", "the H bit is cleared", [](HomeAgentBench& bench) {
    taken_back(bench, {.agent = 0, .preference = kBest}, {other_agent(0), self()},
               {.agent = 0, .preference = kBest, .is_home_agent = false});
  });
  add("HA_7_4_2", "a prefix without the R bit is no address", without_router_address);
  add("HA_7_5_1", "no more than fit the minimum MTU", as_many_as_fit);
  return {request, list};
}

}  // namespace mipflow::conformance::home
