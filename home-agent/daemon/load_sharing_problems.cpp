// SPDX-License-Identifier: GPL-3.0-or-later
#include "load_sharing_problems.hpp"

#include <algorithm>
#include <chrono>

namespace mipflow::had {

using home_agent::AgentSnapshot;
using home_agent::AgentState;
using home_agent::LoadSharing;
using home_agent::LoadSharingCounters;

namespace {

std::string called(const AgentSnapshot& agent) {
  return std::string(agent.secondary ? "the secondary " : "the primary ") + agent.name + " (" + to_string(agent.address) + ")";
}

std::string seconds_in_words(const std::optional<Duration>& duration) {
  if (!duration) return "some time";
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*duration).count()) + " s";
}

std::string never_heard_of(const AgentSnapshot& agent, std::uint16_t port) {
  const std::string counterpart = agent.secondary ? "[[primary]]" : "[[secondary]]";
  return "nothing was ever heard of " + called(agent) + ": does mipflow-had run there, is this home agent a " + counterpart +
         " in its had.toml, do both have the same key, and do firewalls let UDP port " + std::to_string(port) + " through both ways?";
}

}  // namespace

std::vector<std::string> load_sharing_problems(const LoadSharing& configuration, const std::vector<AgentSnapshot>& agents,
                                               const LoadSharingCounters& counters, const std::string& port_trouble) {
  std::vector<std::string> out;
  if (!port_trouble.empty()) out.push_back(port_trouble);
  for (const auto& agent : agents) {
    if (agent.state == AgentState::Unknown)
      out.push_back(never_heard_of(agent, configuration.port));
    else if (agent.state == AgentState::Dead && agent.secondary)
      out.push_back(called(agent) + " has not answered for " + seconds_in_words(agent.silent_for) + "; its home addresses were taken back");
    else if (agent.state == AgentState::Dead)
      out.push_back(called(agent) + " has been silent for " + seconds_in_words(agent.silent_for) +
                    "; what it delegated is served on until the durations end");
  }
  // Alone they are no trouble: anybody can make them up.
  const bool misses_one = std::ranges::any_of(agents, [](const auto& agent) { return agent.state == AgentState::Unknown || agent.state == AgentState::Dead; });
  if (counters.dropped_unauthenticated > 0 && misses_one)
    out.push_back(std::to_string(counters.dropped_unauthenticated) +
                  " messages of other home agents were dropped as their authenticator is wrong: compare the keys of [[agent]] in "
                  "security-associations.toml at both ends");
  return out;
}

std::vector<std::string> agents_in_words(const std::vector<AgentSnapshot>& agents) {
  std::vector<std::string> out;
  for (const auto& agent : agents)
    out.push_back(agent.name + ": " + (agent.secondary ? "" : "primary, ") + to_string(agent.state) + ", " + std::to_string(agent.delegated) +
                  (agent.delegated == 1 ? " home address" : " home addresses"));
  return out;
}

}  // namespace mipflow::had
