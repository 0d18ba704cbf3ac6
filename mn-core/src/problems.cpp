// SPDX-License-Identifier: GPL-3.0-or-later
#include "problems.hpp"

#include <algorithm>

#include "acknowledgement_reaction.hpp"
#include "in_words.hpp"

namespace mipflow::mobile_node {
namespace {

std::string about_refusal(const std::string& what, wire::BindingStatus status) {
  std::string text = "The home agent refuses " + what + ": " + wire::to_string(status);
  if (const std::string advice = advice_about(status); !advice.empty()) text += "; " + advice;
  return text + ".";
}

std::string asked_again(TimePoint at, TimePoint now) {
  return at == kNever ? "" : " It is asked again in " + in_words(at - now) + ".";
}

// Those of flows, and whether there can be others for flows to come. One sentence each, however many there are.
void add_refused_home_addresses(const Node& node, TimePoint now, std::vector<std::string>& out) {
  const ManagedHomeAddress* first = nullptr;
  std::size_t count = 0;
  for (const auto& item : node.home_addresses.entries()) {
    const auto* address = node.find(item.home_address);
    if (address == nullptr || address == &node.primary() || address->registration.state() != RegistrationState::Refused) continue;
    ++count;
    if (first == nullptr || address->registration.retry_at() < first->registration.retry_at()) first = address;
  }
  if (first != nullptr && first->registration.entry().last_status) {
    const std::string what = count == 1 ? "home address " + to_string(first->home_address)
                                        : std::to_string(count) + " home addresses of flows";
    out.push_back(about_refusal(what, *first->registration.entry().last_status) + asked_again(first->registration.retry_at(), now));
  }
  if (node.spare_refused) out.push_back(about_refusal("further home addresses, so that new flows move together", *node.spare_refused));
}

// By which the two ends find the key.
std::string association_of(const Node& node) {
  if (!node.signalling.security().required()) return "this mobile node";
  const auto& association = node.signalling.security().association();
  return association.network_access_identifier + " with SPI " + std::to_string(association.spi);
}

// What the probes say of the ways to the home agent that serves.
struct Ways {
  std::string names;  // of the usable interfaces: "wlan0, wwan0"
  bool one_answers = false;
  bool none_answers = false;  // and there is one
};

Ways ways_of(const Node& node) {
  const auto usable = node.movement.table().usable();
  Ways out;
  for (const auto* interface : usable) out.names += (out.names.empty() ? "" : ", ") + interface->name;
  const auto online = [](bool value) { return [value](const auto* interface) { return interface->quality.online == value; }; };
  out.one_answers = std::ranges::any_of(usable, online(true));
  out.none_answers = !usable.empty() && std::ranges::all_of(usable, online(false));
  return out;
}

// Nothing that counts comes back for the primary home address's Binding Updates. What else is heard of the home agent says whether
// the key, the daemon, the address or the network is to be looked at first.
std::string about_silence(const Node& node) {
  const auto& registration = node.primary().registration;
  const std::string agent = to_string(registration.entry().peer);
  const std::string updates = std::to_string(registration.unanswered()) + " Binding Updates";
  if (node.distrusted_acknowledgements > 0)
    return "The answers of the home agent " + agent + " can not be verified: it has another key than this host for " +
           association_of(node) + "; make it the same in security-associations.toml at both ends ('mipflow setup add-mobile-node' there makes a new one).";
  // The probes go to the one that serves, who need not be the one that is asked.
  const Ways ways = registration.entry().peer == node.agents.serving() ? ways_of(node) : Ways{};
  if (ways.one_answers)
    return "The host of the home agent " + agent + " answers pings, but none of " + updates +
           ": look there whether mipflow-had runs and knows " + association_of(node) +
           " ('mipflow --home-agent doctor'), and whether a firewall on the way drops protocol 135.";
  if (ways.none_answers)
    return "Nothing comes back from the home agent " + agent + " over " + ways.names + ", neither for " + updates +
           " nor for pings: check that home-agent in mnd.toml is its address and that it is up, and that these networks let anything "
           "out (a captive portal to log in at, a firewall).";
  return "The home agent " + agent + " has not answered " + updates + "; check its address and that it runs.";
}

// It is bound, and would not be any more if it asked now.
void add_lost_ways(const Node& node, std::vector<std::string>& out) {
  const Ways ways = ways_of(node);
  if (!ways.none_answers) return;
  out.push_back("The home agent " + to_string(node.agents.serving()) + " is not heard any more over " + ways.names +
                ": it or its network may be down, or every one of these networks blocks the way to it (a captive portal, a firewall).");
}

}  // namespace

std::vector<std::string> problems_of(const Node& node, TimePoint now) {
  std::vector<std::string> out;
  const auto& primary = node.primary();
  const auto& entry = primary.registration.entry();
  if (node.movement.usable().empty())
    out.push_back("No interface can carry flows; 'mipflow interface list' says what each of them lacks.");
  if (entry.state == RegistrationState::Refused && entry.last_status)
    out.push_back(about_refusal("the primary home address", *entry.last_status) + asked_again(primary.registration.retry_at(), now));
  add_refused_home_addresses(node, now, out);
  if (node.agents.asked().is_unspecified() && node.agent_discovery.transmissions() > 1)
    out.push_back("Nobody at " + to_string(node.home_agents) +
                  " says who the home agents are; name one in home-agent, or look whether the home network answers there.");
  if (primary.answered())
    add_lost_ways(node, out);
  else if (primary.registration.unanswered() > 1)
    out.push_back(about_silence(node));
  if (node.configuration.authentication == Authentication::NoneInsecure)
    out.push_back("Nothing protects the signalling with the home agent (authentication is none-insecure); use RFC 4285.");
  return out;
}

}  // namespace mipflow::mobile_node
