// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/division.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace mipflow::home_agent {

namespace {

constexpr std::size_t kPrimary = 0;
constexpr std::size_t kNobody = SIZE_MAX;
// Sums of rates are rounded: what is equal but for that is equal.
constexpr double kRounding = 1e-9;

// The share of the primary's own is a matter of equal division; by load, it is an agent like the others.
unsigned weight_of(const LoadSharing& configuration, const std::vector<DivisionAgent>& agents, std::size_t agent) {
  const unsigned weight = agents[agent].weight;
  return agent == kPrimary && configuration.division != Division::Equal ? std::max(weight, 1U) : weight;
}

// Home addresses on their way to a better division: what moved, and what the agents have then.
class NewDivision {
 public:
  NewDivision(const LoadSharing& configuration, const std::vector<DivisionAgent>& agents,
            const std::vector<DivisionHomeAddress>& home_addresses, std::size_t most)
      : configuration_(configuration), agents_(agents), home_addresses_(home_addresses), most_(most) {
    for (std::size_t agent = 0; agent < agents_.size(); ++agent) agents_[agent].weight = weight_of(configuration, agents, agent);
    where_.reserve(home_addresses.size());
    is_listed_.resize(home_addresses.size());
    movable_.resize(agents.size());
    for (std::size_t index = 0; index < home_addresses.size(); ++index) {
      const DivisionHomeAddress& home_address = home_addresses[index];
      where_.push_back(home_address.agent);
      if (home_address.may_move && home_address.agent < agents_.size())
        movable_[home_address.agent].emplace(home_address.packets_per_second, index);
    }
  }

  void drain() {
    for (std::size_t agent = 0; agent < agents_.size(); ++agent) {
      if (agents_[agent].weight != 0) continue;
      while (!movable_[agent].empty() && !is_full()) {
        const auto busiest = std::prev(movable_[agent].end());
        const std::size_t to = next_agent_for(agent, busiest->first);
        if (to == kNobody) break;
        move(agent, busiest, to, "drained");
      }
    }
  }

  // Equal division: a move has to leave the one who gives with no less than the one who takes, so every move brings the
  // agents closer, and there is an end of it.
  void even_out_home_addresses() {
    const auto held = [this](std::size_t agent) { return static_cast<double>(agents_[agent].held); };
    if (spread(held) <= tolerance() * mean(held)) return;
    while (!is_full()) {
      const std::size_t to = lowest_with_one_more();
      if (to == kNobody) return;
      std::size_t from = kNobody;
      for (std::size_t agent = 0; agent < agents_.size(); ++agent)
        if (agent != to && agents_[agent].weight != 0 && !movable_[agent].empty() &&
            (from == kNobody || held(agent) * agents_[from].weight > held(from) * agents_[agent].weight))
          from = agent;
      if (from == kNobody || held(from) * agents_[to].weight <= (held(to) + 1) * agents_[from].weight) return;
      // What has no traffic moves without anybody noticing.
      move(from, movable_[from].begin(), to, "equal");
    }
  }

  // Division by load: from the busiest to the least busy, the home address that comes closest to making the two even. No move
  // makes the one who takes busier than the one who gave was, so there is an end of it.
  void even_out_load() {
    const double threshold = static_cast<double>(configuration_.load_threshold);
    double weights = 0;
    for (const DivisionAgent& agent : agents_) weights += agent.weight;
    const auto load = [this](std::size_t agent) { return agents_[agent].packets_per_second; };
    // Below the load from which on there is delegation at all, differences do not matter.
    const double tolerated = tolerance() * std::max(mean(load), threshold / std::max(weights, 1.0)) * (1 + kRounding);
    // Once it gives, it gives until all are even, and then has enough room below the threshold not to begin soon again.
    const bool primary_gives = agents_[kPrimary].packets_per_second > threshold;
    while (!is_full() && even_out_one(primary_gives, tolerated)) {
    }
  }

  std::vector<DivisionMove> moves() const {
    std::vector<DivisionMove> out;
    for (const auto& [index, reason] : moved_)
      if (where_[index] != home_addresses_[index].agent) out.push_back({home_addresses_[index].home_address, where_[index], reason});
    return out;
  }

 private:
  using Movable = std::multimap<double, std::size_t>;  // packets/s -> index of the home address

  bool is_full() const { return moved_.size() >= most_; }
  bool takes(std::size_t agent) const { return agents_[agent].takes && agents_[agent].weight != 0 && agents_[agent].room > 0; }
  double tolerance() const { return configuration_.load_tolerance / 100.0; }
  double level(std::size_t agent) const { return agents_[agent].packets_per_second / agents_[agent].weight; }

  template <class Amount>
  double mean(const Amount& amount) const {
    double sum = 0, weights = 0;
    for (std::size_t agent = 0; agent < agents_.size(); ++agent) {
      sum += amount(agent);
      weights += agents_[agent].weight;
    }
    return weights == 0 ? 0 : sum / weights;
  }
  // Between the highest and the lowest of those who take part.
  template <class Amount>
  double spread(const Amount& amount) const {
    std::optional<double> highest, lowest;
    for (std::size_t agent = 0; agent < agents_.size(); ++agent) {
      if (agents_[agent].weight == 0) continue;
      const double by_weight = amount(agent) / agents_[agent].weight;
      highest = std::max(highest.value_or(by_weight), by_weight);
      if (takes(agent)) lowest = std::min(lowest.value_or(by_weight), by_weight);
    }
    return highest && lowest ? *highest - *lowest : 0;
  }

  std::size_t lowest_with_one_more() const {
    std::size_t lowest = kNobody;
    for (std::size_t agent = 0; agent < agents_.size(); ++agent)
      if (takes(agent) && (lowest == kNobody || static_cast<double>(agents_[agent].held + 1) * agents_[lowest].weight <
                                                    static_cast<double>(agents_[lowest].held + 1) * agents_[agent].weight))
        lowest = agent;
    return lowest;
  }
  std::size_t least_loaded(std::size_t but) const {
    std::size_t lowest = kNobody;
    for (std::size_t agent = 0; agent < agents_.size(); ++agent)
      if (agent != but && takes(agent) && (lowest == kNobody || level(agent) < level(lowest))) lowest = agent;
    return lowest;
  }

  // Who takes over from an agent that is being drained.
  std::size_t next_agent_for(std::size_t drained, double packets_per_second) const {
    const std::size_t fallback = drained == kPrimary ? kNobody : kPrimary;
    std::size_t to = kNobody;
    switch (configuration_.division) {
      case Division::Manual:
        break;
      case Division::Equal:
        to = lowest_with_one_more();
        break;
      case Division::Load:
        if (agents_[kPrimary].packets_per_second + packets_per_second > static_cast<double>(configuration_.load_threshold))
          to = least_loaded(drained);
        break;
    }
    return to == kNobody ? fallback : to;
  }

  // False: there is nothing more to do.
  bool even_out_one(bool primary_gives, double tolerated) {
    std::vector<std::size_t> by_level;
    for (std::size_t agent = 0; agent < agents_.size(); ++agent)
      if (agents_[agent].weight != 0) by_level.push_back(agent);
    std::stable_sort(by_level.begin(), by_level.end(), [this](std::size_t a, std::size_t b) { return level(a) < level(b); });
    for (auto from = by_level.rbegin(); from != by_level.rend(); ++from) {
      if (movable_[*from].empty() || (*from == kPrimary && !primary_gives)) continue;
      for (const std::size_t to : by_level) {
        if (level(*from) - level(to) <= tolerated) break;
        if (!takes(to)) continue;
        const auto best = best_move(*from, to, primary_gives);
        if (best == movable_[*from].end()) continue;
        move(*from, best, to, "load");
        return true;
      }
    }
    return false;
  }

  // The home address of `from` that brings the two closest to each other; end() when none does.
  Movable::iterator best_move(std::size_t from, std::size_t to, bool primary_gives) {
    const double gap = level(from) - level(to);
    const double ideal = gap / (1.0 / agents_[from].weight + 1.0 / agents_[to].weight);
    double too_much = gap * agents_[to].weight * (1 - kRounding);
    // It is not brought over the threshold to give away again.
    if (to == kPrimary && !primary_gives)
      too_much = std::min(too_much, static_cast<double>(configuration_.load_threshold) - agents_[kPrimary].packets_per_second);
    Movable& movable = movable_[from];
    const auto above = movable.lower_bound(std::min(ideal, too_much));
    auto best = above != movable.end() && above->first < too_much && above->first > 0 ? above : movable.end();
    if (above != movable.begin()) {
      const auto below = std::prev(above);
      if (below->first > 0 && (best == movable.end() || ideal - below->first <= best->first - ideal)) best = below;
    }
    return best;
  }

  void move(std::size_t from, Movable::iterator which, std::size_t to, const char* reason) {
    const auto [packets_per_second, index] = *which;
    movable_[from].erase(which);
    movable_[to].emplace(packets_per_second, index);
    if (!is_listed_[index]) moved_.emplace_back(index, reason);
    is_listed_[index] = true;
    where_[index] = to;
    if (agents_[from].held > 0) --agents_[from].held;
    ++agents_[to].held;
    agents_[from].packets_per_second -= packets_per_second;
    agents_[to].packets_per_second += packets_per_second;
    if (agents_[from].room != SIZE_MAX) ++agents_[from].room;
    if (agents_[to].room != SIZE_MAX) --agents_[to].room;
  }

  const LoadSharing& configuration_;
  std::vector<DivisionAgent> agents_;
  const std::vector<DivisionHomeAddress>& home_addresses_;
  std::size_t most_;
  std::vector<std::size_t> where_;    // agent of each home address
  std::vector<bool> is_listed_;       // in moved_
  std::vector<Movable> movable_;      // by agent
  std::vector<std::pair<std::size_t, const char*>> moved_;  // index of the home address, in order
};

}  // namespace

std::size_t choose_agent(const LoadSharing& configuration, const std::vector<DivisionAgent>& agents) {
  // By load, a home address begins where it can be seen what it carries; by hand, where nobody has decided yet.
  if (configuration.division != Division::Equal) return kPrimary;
  std::size_t best = kNobody;
  const auto with_one_more = [&](std::size_t agent) { return static_cast<double>(agents[agent].held + 1); };
  for (std::size_t agent = 0; agent < agents.size(); ++agent)
    if (agents[agent].takes && agents[agent].weight != 0 && agents[agent].room > 0 &&
        (best == kNobody || with_one_more(agent) * agents[best].weight < with_one_more(best) * agents[agent].weight))
      best = agent;
  return best == kNobody ? kPrimary : best;
}

std::vector<DivisionMove> divide(const LoadSharing& configuration, const std::vector<DivisionAgent>& agents,
                                 const std::vector<DivisionHomeAddress>& home_addresses, std::size_t most) {
  NewDivision division(configuration, agents, home_addresses, most);
  division.drain();
  switch (configuration.division) {
    case Division::Manual:
      break;
    case Division::Equal:
      division.even_out_home_addresses();
      break;
    case Division::Load:
      division.even_out_load();
      break;
  }
  return division.moves();
}

}  // namespace mipflow::home_agent
