// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent answers at its control socket about those that share its load; docs/schema/ has the same keys.
#include <cmath>
#include <nlohmann/json.hpp>

#include "json_values.hpp"
#include "mipflow/platform/control_protocol.hpp"

namespace mipflow::platform {

using nlohmann::json;

namespace {

// Three digits behind the point are more than a rate is worth.
json rate(double per_second) { return std::round(per_second * 1e3) / 1e3; }

const char* word_of(home_agent::Division division) {
  switch (division) {
    case home_agent::Division::Manual: return "manual";
    case home_agent::Division::Equal: return "equal";
    case home_agent::Division::Load: return "load";
  }
  return "manual";
}

}  // namespace

json to_json(const LoadSharingPicture& picture) {
  const auto& configuration = picture.configuration;
  std::size_t delegated = 0;
  std::size_t forwarded = 0;
  json agents = json::array();
  for (const auto& agent : picture.agents) {
    (agent.secondary ? delegated : forwarded) += agent.delegated;
    agents.push_back(to_json(agent));
  }
  return {{"division", word_of(configuration.division)},
          {"answer", configuration.answer == home_agent::AnswerMoment::AtOnce ? "at-once" : "after-secondary"},
          {"tunnel_source", configuration.tunnel_from_primary ? "primary" : "own"},
          {"own_weight", configuration.own_weight},
          {"port", configuration.port},
          {"listening", picture.listening},
          {"home_addresses", picture.home_addresses},
          {"delegated", delegated},
          {"forwarded", forwarded},
          {"packets_per_second", rate(picture.packets_per_second)},
          {"agents", std::move(agents)}};
}

json to_json(const home_agent::AgentSnapshot& item) {
  return {{"name", item.name},
          {"address", to_string(item.address)},
          {"role", item.secondary ? "secondary" : "primary"},
          {"state", home_agent::to_string(item.state)},
          {"home_addresses", item.delegated},
          {"in_exchange", item.in_exchange},
          {"packets_per_second", rate(item.packets_per_second)},
          {"weight", item.secondary ? json(item.weight) : json()},
          {"round_trip_seconds", measured_or_null(item.round_trip)},
          {"silent_seconds", seconds_or_null(item.silent_for)}};
}

json to_json(const home_agent::DelegationSnapshot& item) {
  return {{"home_address", to_string(item.home_address)},
          {"agent", text_or_null(item.agent)},
          {"state", item.state},
          {"reason", text_or_null(item.reason)},
          {"packets_per_second", rate(item.packets_per_second)},
          {"packets", item.packets},
          {"bytes", item.octets},
          {"lifetime_seconds", seconds_or_null(item.remaining)}};
}

std::map<std::string, std::uint64_t> counters_of(const home_agent::LoadSharingCounters& counters) {
  return {{"starts-sent", counters.starts_sent},
          {"starts-acknowledged", counters.starts_acknowledged},
          {"starts-refused", counters.starts_refused},
          {"stops-sent", counters.stops_sent},
          {"stops-acknowledged", counters.stops_acknowledged},
          {"retransmissions", counters.retransmissions},
          {"starts-taken", counters.starts_taken},
          {"starts-declined", counters.starts_declined},
          {"stops-taken", counters.stops_taken},
          {"heartbeats-sent", counters.heartbeats_sent},
          {"heartbeats-answered", counters.heartbeats_answered},
          {"reports", counters.reports},
          {"dropped-malformed", counters.dropped_malformed},
          {"dropped-unauthenticated", counters.dropped_unauthenticated},
          {"dropped-replayed", counters.dropped_replayed},
          {"dropped-unknown-session", counters.dropped_unknown_session},
          {"dropped-stranger", counters.dropped_stranger},
          {"agents-died", counters.agents_died},
          {"agents-returned", counters.agents_returned},
          {"agents-restarted", counters.agents_restarted},
          {"moved-by-load", counters.moved_by_load},
          {"moved-for-equality", counters.moved_for_equality},
          {"taken-back", counters.taken_back},
          {"durations-ended", counters.durations_ended}};
}

}  // namespace mipflow::platform
