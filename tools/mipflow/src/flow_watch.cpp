// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <map>
#include <ostream>
#include <thread>

#include "commands.hpp"
#include "flow_changes.hpp"
#include "flow_words.hpp"

namespace mipflow::tools {
namespace {

// A flow that lives shorter than this may begin and end unseen; looking more often would cost the daemon more than it tells.
constexpr std::chrono::milliseconds kBetweenLooks{250};

std::map<FlowId, const nlohmann::json*> by_number(const nlohmann::json& flows) {
  std::map<FlowId, const nlohmann::json*> out;
  if (!flows.is_array()) return out;
  for (const auto& flow : flows)
    if (const auto& id = field(flow, "id"); id.is_number_unsigned()) out.emplace(id.get<FlowId>(), &flow);
  return out;
}

nlohmann::json event(const char* name, const nlohmann::json& flow, const nlohmann::json& from, const nlohmann::json& to,
                     const nlohmann::json& reason) {
  return {{"event", name}, {"id", field(flow, "id")}, {"from", from}, {"to", to}, {"reason", reason}, {"flow", flow}};
}

void note_differences(const nlohmann::json& old, const nlohmann::json& flow, std::vector<nlohmann::json>& out) {
  struct Kind {
    const char* event;
    const char* key;
    const char* reason;
  };
  static constexpr Kind kKinds[] = {{"move", "interface", "interface_reason"}, {"path", "path", "path_reason"}, {"state", "state", ""}};
  for (const auto& kind : kKinds)
    if (const auto &from = field(old, kind.key), &to = field(flow, kind.key); from != to)
      out.push_back(event(kind.event, flow, from, to, field(flow, kind.reason)));
}

std::string in_words(const nlohmann::json& event) {
  const auto& flow = field(event, "flow");
  const auto& name = field(event, "event");
  const auto word = [&](const char* key) { return render(field(event, key), Look::Plain); };
  auto out = fmt::format("flow {:<4} {:<5}  ", word("id"), word("event"));
  if (name == "begin") {
    out += fmt::format("{} on {}, class {}", flow_in_words(flow), word("to"), render(field(flow, "class"), Look::Plain));
    if (const auto owner = owner_in_words(flow); !owner.empty()) out += ", " + owner;
    return out;
  }
  if (name == "end")
    return out + fmt::format("{} on {}: {} out, {} in", flow_in_words(flow), word("from"), render(field(flow, "bytes_out"), Look::Octets),
                             render(field(flow, "bytes_in"), Look::Octets));
  out += fmt::format("{} -> {}", word("from"), word("to"));
  if (const auto& reason = field(event, "reason"); reason.is_string()) out += ": " + reason.get<std::string>();
  return out;
}

void print(const Invocation& invocation, nlohmann::json event) {
  const auto now = std::chrono::system_clock::now();
  const double since_epoch = std::chrono::duration<double>(now.time_since_epoch()).count();
  if (invocation.line.json) {
    event["time"] = std::round(since_epoch * 1000) / 1000;
    print_json_line(invocation.console.out, event);
    return;
  }
  const auto seconds = std::chrono::system_clock::to_time_t(now);
  invocation.console.out << fmt::format("{:%H:%M:%S}  {}", fmt::localtime(seconds), printable(in_words(event))) << std::endl;
}

}  // namespace

std::vector<nlohmann::json> flow_changes(const nlohmann::json& before, const nlohmann::json& now) {
  const auto old = by_number(before);
  const auto live = by_number(now);
  std::vector<nlohmann::json> out;
  for (const auto& [id, flow] : old)
    if (!live.contains(id)) out.push_back(event("end", *flow, field(*flow, "interface"), nullptr, nullptr));
  for (const auto& [id, flow] : live) {
    if (const auto found = old.find(id); found != old.end())
      note_differences(*found->second, *flow, out);
    else
      out.push_back(event("begin", *flow, nullptr, field(*flow, "interface"), field(*flow, "interface_reason")));
  }
  return out;
}

int watch_flows(const Invocation& invocation) {
  auto before = ask(invocation.line.socket, {{"request", "flows"}});
  if (!before) return complain(invocation.console, before.error());
  while (invocation.console.out) {
    std::this_thread::sleep_for(kBetweenLooks);
    auto now = ask(invocation.line.socket, {{"request", "flows"}});
    if (!now) return complain(invocation.console, now.error());
    for (auto& change : flow_changes(*before, *now)) print(invocation, std::move(change));
    before = std::move(now);
  }
  return kExitDone;
}

}  // namespace mipflow::tools
