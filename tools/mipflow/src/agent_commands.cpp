// SPDX-License-Identifier: GPL-3.0-or-later
// `mipflow ha …`: home agents that share the load. Asks the home agent of this host.
#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "commands.hpp"
#include "interruption.hpp"

namespace mipflow::tools {
namespace {

using enum Table::Align;
using nlohmann::json;

constexpr Span kBetweenLooks{0.25};

void show_agents(const Invocation& invocation, const json& result) {
  auto& out = invocation.console.out;
  json rest = result;
  if (rest.is_object()) rest.erase("agents");
  print_fields(out, rest,
               {{"home_addresses", "home addresses in the tunnels"},
                {"delegated", "delegated to secondaries"},
                {"forwarded", "forwarded for primaries"},
                {"packets_per_second", "packets/s through this one"},
                {"division", "division"},
                {"own_weight", "own weight"},
                {"answer", "mobile nodes are answered"},
                {"tunnel_source", "source of secondaries' tunnels"},
                {"port", "UDP port"},
                {"listening", "port is open"}});
  const auto& agents = field(result, "agents");
  if (!agents.is_array() || agents.empty()) {
    out << "\nthis home agent is alone: no [[secondary]] and no [[primary]] in its configuration\n";
    return;
  }
  out << '\n';
  print_table(out, invocation.console.terminal, agents,
              {{"name", "AGENT"},
               {"address", "ADDRESS"},
               {"role", "ROLE"},
               {"state", "STATE"},
               {"weight", "WEIGHT", Look::Plain, Right},
               {"home_addresses", "HOME ADDRESSES", Look::Plain, Right},
               {"in_exchange", "IN EXCHANGE", Look::Plain, Right},
               {"packets_per_second", "PACKETS/S", Look::Plain, Right},
               {"round_trip_seconds", "ROUND TRIP", Look::Measured, Right},
               {"silent_seconds", "SILENT FOR", Look::Seconds, Right}});
}

// Follows a drain until the agent is empty. It goes on when this command ends.
class Emptying {
 public:
  Emptying(const Invocation& invocation, std::string agent) : invocation_(invocation), agent_(std::move(agent)) {}

  int run() {
    Interruption interruption;
    while (true) {
      const auto sharing = ask(invocation_.line.socket, {{"request", "load-sharing"}});
      if (!sharing) return clear_and_complain([&] { return complain(invocation_.console, sharing.error()); });
      const json found = find(field(*sharing, "agents"));
      if (found.is_null())
        return clear_and_complain([&] {
          return complain(invocation_.console, kExitRefused, fmt::format("{} is no secondary any more: the configuration was read again", agent_));
        });
      left_ = number(found, "home_addresses") + number(found, "in_exchange");
      if (left_ == 0) return conclude(found);
      show_progress();
      if (interruption.wait(kBetweenLooks) == Interruption::Woken::Interrupted)
        return clear_and_complain([&] {
          return complain(invocation_.console, kExitRefused, fmt::format("interrupted; {} is drained on, it has {} home addresses left", agent_, left_));
        });
    }
  }

 private:
  static std::uint64_t number(const json& object, const char* key) {
    const auto& value = field(object, key);
    return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
  }
  json find(const json& agents) const {
    if (agents.is_array())
      for (const auto& agent : agents)
        if (field(agent, "name") == agent_ && field(agent, "role") == "secondary") return agent;
    return {};
  }
  bool shows_progress() const { return invocation_.console.terminal && !invocation_.line.json; }
  void show_progress() {
    if (shows_progress()) invocation_.console.out << fmt::format("\r\033[K{} has {} home addresses left", agent_, left_) << std::flush;
  }
  template <class Complain>
  int clear_and_complain(Complain&& complaint) {
    if (shows_progress()) invocation_.console.out << "\r\033[K" << std::flush;
    return complaint();
  }
  int conclude(const json& agent) {
    if (invocation_.line.json)
      print_result(invocation_, agent);
    else
      invocation_.console.out << (shows_progress() ? "\r\033[K" : "") << agent_ << " is empty\n";
    return kExitDone;
  }

  const Invocation& invocation_;
  std::string agent_;
  std::uint64_t left_ = 0;
};

bool is_given(const Invocation& invocation, const char* option) {
  const auto& given = invocation.line.special;
  return std::find(given.begin(), given.end(), option) != given.end();
}

// A change to who has the home address that stands first on the command line.
int change_delegation(const Invocation& invocation, json request, const std::string& done) {
  if (!is_address(invocation, 0)) return kExitUsage;
  request["home_address"] = invocation.arguments[0];
  return ask_and_show(invocation, std::move(request), [&](const json&) { invocation.console.out << invocation.arguments[0] << ' ' << done << '\n'; });
}

}  // namespace

int show_load_sharing(const Invocation& invocation) {
  return ask_and_show(invocation, {{"request", "load-sharing"}}, [&](const json& result) { show_agents(invocation, result); });
}

int list_delegations(const Invocation& invocation) {
  return ask_and_show(invocation, {{"request", "delegations"}}, [&](const json& list) {
    if (list.empty()) {
      invocation.console.out << "there are no home addresses\n";
      return;
    }
    json rows = list;
    for (auto& row : rows)
      if (field(row, "agent").is_null()) row["agent"] = "(this one)";
    print_table(invocation.console.out, invocation.console.terminal, rows,
                {{"home_address", "HOME ADDRESS"},
                 {"agent", "AGENT"},
                 {"state", "STATE"},
                 {"reason", "REASON"},
                 {"packets_per_second", "PACKETS/S", Look::Plain, Right},
                 {"packets", "PACKETS", Look::Plain, Right},
                 {"bytes", "CARRIED", Look::Octets, Right},
                 {"lifetime_seconds", "LIFETIME", Look::Seconds, Right}});
  });
}

int delegate_home_address(const Invocation& invocation) {
  const auto& agent = invocation.arguments[1];
  return change_delegation(invocation, {{"request", "delegate-home-address"}, {"agent", agent}}, "goes to " + agent);
}

int recall_home_address(const Invocation& invocation) {
  return change_delegation(invocation, {{"request", "recall-home-address"}}, "comes back to this home agent");
}

int release_home_address(const Invocation& invocation) {
  return change_delegation(invocation, {{"request", "release-home-address"}}, "is left to the division again");
}

int drain_agent(const Invocation& invocation) {
  const auto& agent = invocation.arguments[0];
  const bool end = is_given(invocation, "end");
  const bool wait = is_given(invocation, "wait");
  if (end && wait) return complain(invocation.console, kExitUsage, "--end ends a drain: there is nothing to --wait for");
  json request{{"request", "drain-agent"}, {"agent", agent}, {"drain", !end}};
  if (!wait)
    return ask_and_show(invocation, std::move(request), [&](const json&) {
      invocation.console.out << agent << (end ? " takes home addresses again\n" : " is being emptied\n");
    });
  const auto begun = ask(invocation.line.socket, std::move(request));
  if (!begun) return complain(invocation.console, begun.error());
  return Emptying(invocation, agent).run();
}

}  // namespace mipflow::tools
