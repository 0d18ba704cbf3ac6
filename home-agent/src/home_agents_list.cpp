// SPDX-License-Identifier: GPL-3.0-or-later
#include "home_agents_list.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mipflow::home_agent {

namespace {

using std::chrono::seconds;

template <class Item>
void shuffle(std::vector<Item>& items, RandomSource& random) {
  for (std::size_t left = items.size(); left > 1; --left) std::swap(items[left - 1], items[random.next_u64() % left]);
}

}  // namespace

// RFC 6275 §10.5.1
void HomeAgentsList::handle(const wire::RouterAdvertisement& advertisement, const Address& from, TimePoint now) {
  if (!from.is_link_local()) return;
  remove_ended(now);
  const seconds lifetime{advertisement.home_agent_lifetime.value_or(advertisement.router_lifetime)};
  if (!advertisement.home_agent || lifetime == seconds{0}) {
    heard_.erase(from);
    return;
  }
  if (heard_.size() >= kMostAgents && !heard_.contains(from)) return;
  Agent& agent = heard_[from];
  agent.preference = advertisement.home_agent_preference.value_or(0);
  agent.ends = now + lifetime;
  for (const wire::PrefixInformation& information : advertisement.prefixes) {
    const Address& address = information.prefix;
    if (!information.router_address || !address.is_unicast_routable()) continue;
    if (information.valid_lifetime == 0) agent.addresses.erase(address);
    else if (agent.addresses.size() < kMostAddresses || agent.addresses.contains(address))
      agent.addresses[address] = now + seconds{information.valid_lifetime};
  }
}

void HomeAgentsList::remove_ended(TimePoint now) {
  std::erase_if(heard_, [now](const auto& agent) { return agent.second.ends <= now; });
  for (auto& [link_local_address, agent] : heard_)
    std::erase_if(agent.addresses, [now](const auto& address) { return address.second <= now; });
}

// RFC 6275 §10.5.1, second half
std::vector<Address> HomeAgentsList::in_order(const Configuration& configuration, RandomSource& random, TimePoint now) {
  remove_ended(now);
  struct Listed {
    std::uint16_t preference;
    std::vector<Address> addresses;
  };
  std::vector<Listed> agents{{configuration.home_agent_preference, {configuration.home_agent_address}}};
  for (const OtherHomeAgent& other : configuration.other_home_agents) agents.push_back({other.preference, {other.address}});
  for (const auto& [link_local_address, agent] : heard_) {
    Listed& listed = agents.emplace_back(Listed{agent.preference, {}});
    for (const auto& [address, ends] : agent.addresses) listed.addresses.push_back(address);
  }
  shuffle(agents, random);
  std::ranges::stable_sort(agents, std::ranges::greater{}, &Listed::preference);

  std::vector<Address> out;
  for (Listed& agent : agents) {
    shuffle(agent.addresses, random);
    for (const Address& address : agent.addresses)
      // Named by the operator and heard, or heard with an address of ours.
      if (std::ranges::find(out, address) == out.end()) out.push_back(address);
  }
  return out;
}

}  // namespace mipflow::home_agent
