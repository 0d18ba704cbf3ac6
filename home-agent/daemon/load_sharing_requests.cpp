// SPDX-License-Identifier: GPL-3.0-or-later
// What operators ask about home agents that share the load: docs/control-protocol.md.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon.hpp"
#include "load_sharing_problems.hpp"
#include "mipflow/platform/control_reply.hpp"

namespace mipflow::had {

using nlohmann::json;
using platform::refuse;
using Reply = platform::ControlServer::Reply;

namespace {

Reply reply_or_refuse(const Expected<void, std::string>& done, json result) {
  return done ? platform::reply(std::move(result)) : refuse("not-possible", done.error());
}

}  // namespace

std::optional<Reply> Daemon::answer_about_load_sharing(const platform::ControlRequest& request) {
  const auto& name = request.name();
  if (name == "load-sharing") return load_sharing();
  if (name == "delegations") return platform::reply_list(agent_->delegations(now()));
  if (name == "delegate-home-address" || name == "recall-home-address" || name == "release-home-address") return change_delegation(request);
  if (name == "drain-agent") return drain_agent(request);
  return std::nullopt;
}

Reply Daemon::load_sharing() {
  return platform::reply(platform::to_json(platform::LoadSharingPicture{.configuration = settings_.agent.load_sharing,
                                                                        .agents = agent_->agents(now()),
                                                                        .listening = forwarding_port_->is_open(),
                                                                        .home_addresses = agent_->plan().tunnels.items().size(),
                                                                        .packets_per_second = tunnelled_per_second_}));
}

Reply Daemon::change_delegation(const platform::ControlRequest& request) {
  const auto text = request.text("home_address");
  const auto home_address = text ? Address::parse(*text) : std::nullopt;
  if (!home_address) return refuse("malformed", "expected an IPv6 address as home_address");
  json result{{"home_address", to_string(*home_address)}};
  const auto carry_out = [&](const auto& change) { return reply_or_refuse(runner_->command(change), result); };
  if (request.name() == "recall-home-address")
    return carry_out([&](Now at, Outputs& outputs) { return agent_->recall(*home_address, at, outputs); });
  if (request.name() == "release-home-address")
    return carry_out([&](Now at, Outputs& outputs) { return agent_->release(*home_address, at, outputs); });
  const auto agent = request.text("agent");
  if (!agent) return refuse("malformed", "expected the name of a secondary as agent");
  if (auto unknown = refuse_unknown_agent(*agent)) return *unknown;
  result["agent"] = *agent;
  return carry_out([&](Now at, Outputs& outputs) { return agent_->delegate(*home_address, *agent, at, outputs); });
}

Reply Daemon::drain_agent(const platform::ControlRequest& request) {
  const auto agent = request.text("agent");
  const auto on = request.flag("drain");
  if (!agent || !on) return refuse("malformed", "expected the name of a secondary as agent, and drain: true, or false to end it");
  if (auto unknown = refuse_unknown_agent(*agent)) return *unknown;
  const auto done = runner_->command([&](Now at, Outputs& outputs) { return agent_->drain(*agent, *on, at, outputs); });
  return reply_or_refuse(done, {{"agent", *agent}, {"drain", *on}});
}

std::optional<Reply> Daemon::refuse_unknown_agent(const std::string& name) const {
  const auto& secondaries = settings_.agent.load_sharing.secondaries;
  if (std::ranges::any_of(secondaries, [&](const auto& agent) { return agent.name == name; })) return std::nullopt;
  std::string known;
  for (const auto& agent : secondaries) known += (known.empty() ? "" : ", ") + agent.name;
  return refuse("unknown-agent", "this home agent has no secondary '" + name + "'; " +
                                     (known.empty() ? "it has none at all: add a [[secondary]] to " + options_.configuration.string() + " and reload" : "it has " + known));
}

void Daemon::add_load_sharing(json& status, json& problems) {
  const auto agents = agent_->agents(now());
  for (auto& problem : load_sharing_problems(settings_.agent.load_sharing, agents, agent_->load_sharing_counters(), forwarding_port_->trouble()))
    problems.push_back(std::move(problem));
  status["shares_load_with"] = agents_in_words(agents);
}

}  // namespace mipflow::had
