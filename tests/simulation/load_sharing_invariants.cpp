// SPDX-License-Identifier: GPL-3.0-or-later
// What has to hold after every event, and when all has come to rest.
#include <algorithm>

#include "simulation/load_sharing_world.hpp"

namespace mipflow::simulation {

using namespace home_agent;
using namespace std::chrono_literals;

Duration SharingWorld::takes_to_notice() const {
  const LoadSharing& configuration = nodes_[kPrimary]->configuration;
  return configuration.dead_after + 2 * configuration.heartbeat + 2 * (delay_ + jitter_);
}

// A word may have been sent a moment before the network was whole; the next one comes a second later. Before it can be said, the
// sessions may have to be learned again.
Duration SharingWorld::takes_an_exchange() const {
  const LoadSharing& configuration = nodes_[kPrimary]->configuration;
  return 1s + configuration.dead_after + 3 * configuration.heartbeat + 8 * (delay_ + jitter_);
}

std::optional<std::string> SharingWorld::check() {
  for (const auto& [home_address, binding] : bindings_)
    if (auto wrong = check_one(home_address, binding)) return to_string(home_address) + ": " + *wrong;
  for (const auto& [home_address, waiting] : unanswered_)
    if (now_ - waiting.since > Primary::kLongestHold) return to_string(home_address) + ": its Binding Update was not answered in time";
  return std::nullopt;
}

std::optional<std::string> SharingWorld::check_one(const Address& home_address, const Binding& binding) {
  Watch& watch = watches_[home_address];
  const bool primary_is_up = nodes_[kPrimary]->is_up();
  std::size_t interceptors = 0;
  bool outdated = false;
  bool is_out_of_reach = false;  // for the primary, which has lost it from its configuration: it goes on until the duration ends
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    if (!nodes_[node]->intercepts(home_address)) continue;
    ++interceptors;
    is_out_of_reach |= node != kPrimary && !is_configured(node);
    const auto* tunnel = nodes_[node]->tunnel(home_address);
    if (tunnel == nullptr) return name_of(node) + " intercepts, and does not tunnel";
    if (tunnel->care_of_address != binding.care_of_address) outdated = true;
  }
  if (interceptors == 0) {
    // Its secondary stops as long before the end as durations are rounded and messages are on the way.
    constexpr Duration kRounded = 3s;
    const bool is_excused = now_ <= watch.excused_until ||
                            (!primary_is_up && (watch.gone_with_primary || binding.ends - now_ < kRounded));
    if (!is_excused) return "nobody intercepts it";
  }
  if (!primary_is_up) return std::nullopt;

  // What a primary has forgotten its secondaries end ten seconds into the next conversation.
  const TimePoint calm_since = disturbed_at_ + (may_forget_ ? 12s : 0s);
  const auto lasts_too_long = [&](std::optional<TimePoint>& since, bool is_so) {
    if (!is_so) since.reset();
    else if (!since) since = now_;
    return since && now_ - std::max(*since, calm_since) > takes_an_exchange();
  };
  const bool is_calm = loss_ == 0 && std::ranges::all_of(open_, [](const auto& row) { return std::ranges::find(row, false) == row.end(); });
  if (lasts_too_long(watch.doubled_since, interceptors > 1 && !is_out_of_reach) && is_calm) return "two intercept it, for too long";
  if (lasts_too_long(watch.outdated_since, outdated && !is_out_of_reach) && is_calm) return "packets go to a former care-of address, for too long";

  // Whoever intercepts it is known to the primary: it has it, is asked to, or is owed a Stop.
  if (interceptors > 1 && !may_forget_) {
    const auto known = nodes_[kPrimary]->sharing().primary().persisted();
    for (std::size_t node = 1; node < nodes_.size(); ++node) {
      const auto is_it = [&](const PersistedDelegation& delegation) {
        return delegation.home_address == home_address && delegation.agent == nodes_[node]->address();
      };
      if (nodes_[node]->intercepts(home_address) && std::ranges::none_of(known, is_it))
        return name_of(node) + " intercepts it as well, and the primary does not know";
    }
  }
  return std::nullopt;
}

std::optional<std::string> SharingWorld::check_settled() const {
  const Primary& primary = nodes_[kPrimary]->sharing().primary();
  const Now now = time_of(kPrimary);
  std::map<Address, std::size_t> holders;
  for (const auto& delegation : primary.delegations(now)) {
    if (delegation.state != "own" && delegation.state != "delegated")
      return to_string(delegation.home_address) + " is " + delegation.state;
    holders[delegation.home_address] = delegation.agent.empty() ? kPrimary : std::stoul(delegation.agent);
  }
  if (holders.size() != bindings_.size()) return "the primary has " + std::to_string(holders.size()) + " home addresses";
  for (const auto& agent : primary.agents(now))
    if (agent.in_exchange != 0) return "secondary " + agent.name + " is owed something";
  for (const auto& delegation : primary.persisted())
    if (!delegation.acknowledged) return to_string(delegation.home_address) + " is owed something, says the disk";
  for (std::size_t node = 0; node < nodes_.size(); ++node)
    if (auto wrong = check_agent(node, holders)) return name_of(node) + ": " + *wrong;
  if (!unanswered_.empty()) return "a Binding Update was not answered";
  const LoadSharingCounters& counters = nodes_[kPrimary]->sharing().counters();
  if (counters.starts_acknowledged + counters.starts_refused > counters.starts_sent) return "more Starts were answered than sent";
  if (counters.stops_acknowledged > counters.stops_sent) return "more Stops were answered than sent";
  return std::nullopt;
}

// What the agent does is what the primary believes.
std::optional<std::string> SharingWorld::check_agent(std::size_t node, const std::map<Address, std::size_t>& holders) const {
  const SharingNode& agent = *nodes_[node];
  std::size_t expected = 0;
  for (const auto& [home_address, holder] : holders) {
    const bool has_it = holder == node;
    expected += has_it || node == kPrimary;
    if (agent.intercepts(home_address) != has_it) return std::string(has_it ? "does not intercept " : "intercepts ") + to_string(home_address);
    if (!has_it) continue;
    const auto* tunnel = agent.tunnel(home_address);
    const bool from_primary = node == kPrimary || nodes_[kPrimary]->configuration.tunnel_from_primary;
    const Address& source = from_primary ? nodes_[kPrimary]->address() : agent.address();
    if (tunnel == nullptr || *tunnel != forwarding::TunnelItem{bindings_.at(home_address).care_of_address, source})
      return "tunnels " + to_string(home_address) + " elsewhere";
    const auto* route = agent.plan().announced_routes.find(home_address);
    const bool on_link = !agent.plan().proxied_neighbours.items().empty();
    // A primary that can not stop an agent any more goes on to announce its own route over that one's.
    const bool is_right = node == kPrimary ? route == nullptr || may_forget_ : route != nullptr;
    if (!on_link && !is_right) return "the host route of " + to_string(home_address) + " is not right";
  }
  if (agent.plan().tunnels.items().size() != expected)
    return "has " + std::to_string(agent.plan().tunnels.items().size()) + " tunnels, not " + std::to_string(expected);
  for (const auto& [home_address, route] : agent.plan().announced_routes.items())
    if (!holders.contains(home_address) || holders.at(home_address) != node) return "announces " + to_string(home_address);
  const std::size_t sources = node == kPrimary || !nodes_[kPrimary]->configuration.tunnel_from_primary ? expected : 0;
  if (agent.plan().tunnel_sources.items().size() != sources)
    return "accepts packets from " + std::to_string(agent.plan().tunnel_sources.items().size()) + " tunnels, not " + std::to_string(sources);
  return std::nullopt;
}

}  // namespace mipflow::simulation
