// SPDX-License-Identifier: GPL-3.0-or-later
// What happens to primary and secondaries, one thing at a time.
#include <algorithm>
#include <utility>

#include "simulation/load_sharing_world.hpp"

namespace mipflow::simulation {

using namespace home_agent;
using namespace std::chrono_literals;

void SharingWorld::act() {
  const bool primary_is_up = nodes_[kPrimary]->is_up();
  const Address& home_address = home_addresses_[below(home_addresses_.size())];
  switch (below(18)) {
    case 0:
    case 1:
    case 2:
    case 3:
      if (primary_is_up) bind(home_address, chance(0.25) ? between(1s, 8s) : between(20s, 60s));
      return;
    case 4:
      if (primary_is_up && bindings_.contains(home_address)) unbind(home_address);
      return;
    case 5:
    case 6:
    case 7:
      if (primary_is_up) command_operator();
      return;
    case 8:
      if (primary_is_up) change_configuration();
      return;
    case 9:
    case 10:
      return disturb_network();
    case 11:
      return heal_network();
    case 12: {
      const std::size_t node = any_secondary();
      if (nodes_[node]->is_up()) crash(node);
      return;
    }
    case 13:
      if (primary_is_up && chance(0.6)) crash(kPrimary);
      return;
    case 14:
      return retire_one();
    case 15: {
      const std::size_t node = below(nodes_.size());
      nodes_[node]->clock_error = between(0s, 7200s) - 3600s;
      note("the wall clock of " + name_of(node) + " is set");
      return;
    }
    default:
      for (std::size_t node = 0; node < nodes_.size(); ++node) report_traffic(node);
      return;
  }
}

void SharingWorld::bind(const Address& home_address, Duration lifetime) {
  SharingNode& primary = *nodes_[kPrimary];
  const auto known = bindings_.find(home_address);
  Binding binding;
  if (known != bindings_.end())
    binding = known->second;
  else
    binding.link_local = chance(0.3);
  if (known == bindings_.end() || chance(0.7)) binding.care_of_address = with_last("2001:db8:200::", static_cast<std::uint16_t>(random_()));
  binding.ends = now_ + lifetime;
  bindings_[home_address] = binding;
  note(to_string(home_address) + " is bound to " + to_string(binding.care_of_address) + " for " + std::to_string(lifetime.count() / 1'000'000) + " ms");

  Outputs outputs;
  const Now now = time_of(kPrimary);
  primary.sharing().on_deadline(now, outputs);
  primary.tunnels().set(home_address, binding.care_of_address, primary.address(), now_ + 2s);
  primary.sharing().primary().bound({home_address, binding.care_of_address, binding.ends, binding.link_local}, now_, now, outputs);
  unanswered_[home_address] = {++updates_, now_};
  primary.sharing().primary().answer(home_address, answer_to(updates_), now, outputs);
  carry_out(kPrimary, std::move(outputs));
}

void SharingWorld::unbind(const Address& home_address) {
  SharingNode& primary = *nodes_[kPrimary];
  const bool asks = bindings_.at(home_address).ends > now_;
  if (asks) note(to_string(home_address) + " is de-registered");
  bindings_.erase(home_address);
  watches_[home_address] = {};
  Outputs outputs;
  const Now now = time_of(kPrimary);
  primary.sharing().on_deadline(now, outputs);
  primary.tunnels().remove(home_address);
  primary.sharing().primary().unbound(home_address, now, outputs);
  if (asks) {
    unanswered_[home_address] = {++updates_, now_};
    primary.sharing().primary().answer(home_address, answer_to(updates_), now, outputs);
  }
  carry_out(kPrimary, std::move(outputs));
}

void SharingWorld::command_operator() {
  Primary& primary = nodes_[kPrimary]->sharing().primary();
  const Address& home_address = home_addresses_[below(home_addresses_.size())];
  const std::string agent = std::to_string(any_secondary());
  const Now now = time_of(kPrimary);
  Outputs outputs;
  nodes_[kPrimary]->sharing().on_deadline(now, outputs);
  bool done = false;
  switch (below(6)) {
    case 0:
    case 1:
    case 2:
      note("operator: delegate " + to_string(home_address) + " to " + agent);
      done = primary.delegate(home_address, agent, now, outputs).has_value();
      break;
    case 3:
      note("operator: recall " + to_string(home_address));
      done = primary.recall(home_address, now, outputs).has_value();
      break;
    case 4:
      note("operator: release " + to_string(home_address));
      done = primary.release(home_address, now, outputs).has_value();
      break;
    default: {
      const bool on = chance(0.5);
      note("operator: drain " + agent + (on ? "" : " no more"));
      done = primary.drain(agent, on, now, outputs).has_value();
    }
  }
  if (!done) note("that can not be done");
  carry_out(kPrimary, std::move(outputs));
}

void SharingWorld::change_configuration() {
  SharingNode& primary = *nodes_[kPrimary];
  const std::size_t secondary = any_secondary();
  auto& configured = primary.configuration.secondaries;
  const Address& address = nodes_[secondary]->address();
  const auto found = std::ranges::find_if(configured, [&](const SecondaryAgent& agent) { return agent.address == address; });
  switch (below(5)) {
    case 4:
      if (found != configured.end() && nodes_[secondary]->is_up()) change_key(secondary, *found);
      break;
    case 0:
      if (found == configured.end()) {
        note("configuration: with " + name_of(secondary));
        configured.push_back({std::to_string(secondary), address, nodes_[secondary]->configuration.primaries.front().key, 1});
      } else {
        note("configuration: without " + name_of(secondary));
        configured.erase(found);
        // A primary that restarts now can not tell it anything any more.
        may_forget_ = true;
      }
      break;
    case 1:
      if (found != configured.end()) found->weight = static_cast<unsigned>(below(3));
      break;
    case 2:
      primary.configuration.own_weight = static_cast<unsigned>(below(3));
      break;
    default:
      primary.configuration.division = static_cast<Division>(below(3));
      primary.configuration.tunnel_from_primary = chance(0.7);
  }
  Outputs outputs;
  primary.sharing().on_deadline(time_of(kPrimary), outputs);
  primary.sharing().apply_configuration(primary.address(), time_of(kPrimary), outputs);
  disturbed_at_ = now_;
  carry_out(kPrimary, std::move(outputs));
}

void SharingWorld::with_all_secondaries() {
  SharingNode& primary = *nodes_[kPrimary];
  auto& configured = primary.configuration.secondaries;
  for (std::size_t node = 1; node < nodes_.size(); ++node)
    if (!is_configured(node))
      configured.push_back({std::to_string(node), nodes_[node]->address(), nodes_[node]->configuration.primaries.front().key, 1});
  Outputs outputs;
  primary.sharing().on_deadline(time_of(kPrimary), outputs);
  primary.sharing().apply_configuration(primary.address(), time_of(kPrimary), outputs);
  carry_out(kPrimary, std::move(outputs));
}

bool SharingWorld::is_configured(std::size_t secondary) const {
  return std::ranges::any_of(nodes_[kPrimary]->configuration.secondaries,
                             [&](const SecondaryAgent& agent) { return agent.address == nodes_[secondary]->address(); });
}

// At both ends, as the operator does it.
void SharingWorld::change_key(std::size_t secondary, SecondaryAgent& configured) {
  note("configuration: another key for " + name_of(secondary));
  for (std::uint8_t& octet : configured.key) ++octet;
  nodes_[secondary]->configuration.primaries.front().key = configured.key;
  Outputs outputs;
  nodes_[secondary]->sharing().on_deadline(time_of(secondary), outputs);
  nodes_[secondary]->sharing().apply_configuration(nodes_[secondary]->address(), time_of(secondary), outputs);
  carry_out(secondary, std::move(outputs));
}

void SharingWorld::disturb_network() {
  disturbed_at_ = now_;
  if (chance(0.5)) {
    loss_ = static_cast<double>(below(6)) / 10;
    duplication_ = static_cast<double>(below(4)) / 10;
    jitter_ = between(0ms, 60ms);
    note("the network loses " + std::to_string(loss_));
    return;
  }
  const std::size_t secondary = any_secondary();
  const auto way = below(3);
  if (way != 0) open_[kPrimary][secondary] = false;
  if (way != 1) open_[secondary][kPrimary] = false;
  note("the network is cut between primary and " + name_of(secondary) + (way == 2 ? "" : way == 1 ? ", from the primary"
                                                                                                  : ", to the primary"));
}

void SharingWorld::heal_network() {
  note("the network is whole");
  disturbed_at_ = now_;
  for (auto& row : open_) row.assign(row.size(), true);
  loss_ = 0;
  duplication_ = quiet_ ? 0 : 0.1;
  delay_ = between(100us, 20ms);
  jitter_ = quiet_ ? 0ns : between(0ms, 10ms);
}

void SharingWorld::crash(std::size_t node) {
  note(name_of(node) + " crashes");
  ++tally_.crashes;
  disturbed_at_ = now_;
  for (const auto& [home_address, binding] : bindings_) {
    Watch& watch = watches_[home_address];
    // Also when another one has it still: a Stop may be on its way there.
    if (node == kPrimary && nodes_[node]->intercepts(home_address)) watch.gone_with_primary = true;
    if (node != kPrimary && nodes_[kPrimary]->is_up() && nodes_[node]->intercepts(home_address))
      watch.excused_until = std::max(watch.excused_until, now_ + takes_to_notice());
  }
  nodes_[node]->crash();
  // With the primary goes who would notice.
  for (const auto& [home_address, binding] : bindings_)
    if (!nodes_[kPrimary]->is_up() && std::ranges::none_of(nodes_, [&](const auto& other) { return other->intercepts(home_address); }))
      watches_[home_address].gone_with_primary = true;
  comes_back_[node] = now_ + between(0ms, 2s);
  if (retiring_ == node) retiring_.reset();
  if (node == kPrimary) unanswered_.clear();
}

void SharingWorld::start(std::size_t node, bool with_disk) {
  note(name_of(node) + " starts" + (with_disk ? "" : " without what was on its disk"));
  disturbed_at_ = now_;
  comes_back_[node].reset();
  may_forget_ |= !with_disk && now_ > kBegin;
  SharingNode& starting = *nodes_[node];
  const Now now = time_of(node);
  starting.start(with_disk, now);
  if (node != kPrimary) return;

  bindings_ = with_disk ? bindings_disk_ : std::map<Address, Binding>{};
  std::erase_if(bindings_, [this](const auto& binding) { return binding.second.ends <= now_; });
  Outputs outputs;
  for (const auto& [home_address, binding] : bindings_) {
    starting.tunnels().set(home_address, binding.care_of_address, starting.address(), now_);
    starting.sharing().primary().bound({home_address, binding.care_of_address, binding.ends, binding.link_local}, now_, now, outputs);
  }
  // Who was to have a home address may have died meanwhile; that has to be noticed first.
  for (auto& [home_address, watch] : watches_) {
    watch.gone_with_primary = false;
    watch.excused_until = now_ + takes_to_notice();
  }
  carry_out(kPrimary, std::move(outputs));
}

void SharingWorld::retire_one() {
  if (!retiring_) {
    const std::size_t secondary = any_secondary();
    if (!nodes_[secondary]->is_up()) return;
    retiring_ = secondary;
    note(name_of(secondary) + " wants to retire");
  }
  SharingNode& node = *nodes_[*retiring_];
  Outputs outputs;
  const bool done = node.sharing().secondary().retire(time_of(*retiring_), outputs);
  const std::size_t who = *retiring_;
  carry_out(who, std::move(outputs));
  // When it is empty nobody may notice, which crash() sees to: it excuses only what it has.
  if (done && node.is_up()) crash(who);
}

void SharingWorld::report_traffic(std::size_t node) {
  if (!nodes_[node]->is_up()) return;
  TunnelActivity activity{.entries = {}, .interval = 1s};
  for (const Address& home_address : home_addresses_)
    if (nodes_[node]->intercepts(home_address)) activity.entries.push_back({home_address, below(200), below(20'000)});
  Outputs outputs;
  nodes_[node]->sharing().on_deadline(time_of(node), outputs);
  nodes_[node]->sharing().handle(activity, time_of(node), outputs);
  carry_out(node, std::move(outputs));
}

}  // namespace mipflow::simulation
