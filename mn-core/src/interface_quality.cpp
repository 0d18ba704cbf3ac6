// SPDX-License-Identifier: GPL-3.0-or-later
#include "interface_quality.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "mipflow/base/shell_pattern.hpp"

namespace mipflow::mobile_node {
namespace {

using flow_redirector::Interface;
using flow_redirector::InterfaceQuality;

// There the home agent is a neighbour.
bool is_on_home_link(const Node& node, const Interface& interface) {
  return interface.usable() && node.movement.on_home_link({interface.care_of_address, interface.index});
}

std::vector<CareOf> paths_to_measure(const Node& node) {
  if (!node.configuration.probe_home_agent || node.stopping) return {};
  std::vector<CareOf> out = node.movement.usable();
  std::erase_if(out, [&](const CareOf& care_of) { return node.movement.on_home_link(care_of); });
  return out;
}

bool is_metered(const Configuration& configuration, const Interface& interface) {
  const auto& patterns = configuration.metered_interfaces;
  if (!patterns) return interface.kind == InterfaceKind::Cellular;
  return std::any_of(patterns->begin(), patterns->end(),
                     [&](const std::string& pattern) { return matches_shell_pattern(pattern, interface.name); });
}

bool asks_for_measurements(const flow_separator::Policy& policy) {
  const auto asks = [](const InterfacePreference& preference) {
    return preference.condition.round_trip_below || preference.condition.loss_below;
  };
  return std::any_of(policy.classes().begin(), policy.classes().end(), [&](const flow_separator::PolicyClass& each) {
    const InterfaceWish& wish = each.interfaces;
    return std::any_of(wish.preferences.begin(), wish.preferences.end(), asks) ||
           std::any_of(wish.never.begin(), wish.never.end(), asks);
  });
}

bool no_way_is_left(const Node& node) {
  const auto usable = node.movement.table().usable();
  return usable.size() > 1 &&
         std::all_of(usable.begin(), usable.end(), [](const Interface* interface) { return interface->quality.online == false; });
}

void tell(const Node& node, const std::vector<std::string>& lost, const std::vector<std::string>& back, Outputs& outputs) {
  for (const auto& name : back)
    outputs.notices.push_back({Severity::Info, "interface-online", "The home agent answers over interface " + name + " again."});
  if (lost.empty()) return;
  if (no_way_is_left(node)) {
    outputs.notices.push_back({Severity::Warning, "home-agent-unreachable",
                               "The home agent " + to_string(node.agents.serving()) +
                                   " answers over no interface: it, or the network before it, may be down."});
    return;
  }
  for (const auto& name : lost)
    outputs.notices.push_back({Severity::Warning, "interface-not-online",
                               "Interface " + name + " is up but the home agent does not answer over it: captive portal?"});
}

}  // namespace

bool update_interface_quality(Node& node, Now now, Outputs& outputs) {
  node.reachability.set_paths(paths_to_measure(node), now.monotonic);
  std::vector<std::string> lost;
  std::vector<std::string> back;
  const auto& interfaces = node.movement.table().interfaces();
  // On the home link the kernel watches whether the home agent is there, and usable() says it. That is said as soon as it
  // can be said of any interface, so that none is put back only because it is not asked.
  const bool one_is_online = std::any_of(interfaces.begin(), interfaces.end(),
                                         [&](const auto& item) { return node.reachability.measured(item.first).online == true; });
  bool better_or_worse = false;
  bool measured_anew = false;
  for (const auto& [index, interface] : interfaces) {
    const InterfaceQuality before = interface.quality;
    auto measured = node.reachability.measured(index);
    if (one_is_online && is_on_home_link(node, interface)) measured.online = true;
    if (!node.movement.set_quality(index,
                                   {.online = measured.online,
                                    .round_trip = measured.round_trip,
                                    .loss = measured.loss,
                                    .metered = is_metered(node.configuration, interface)},
                                   now.monotonic))
      continue;
    measured_anew = true;
    better_or_worse |= before.online != interface.quality.online || before.metered != interface.quality.metered;
    if (interface.quality.online == false && before.online != false) lost.push_back(interface.name);
    if (interface.quality.online == true && before.online == false) back.push_back(interface.name);
  }
  tell(node, lost, back, outputs);
  // Numbers concern only who asks for them: with thousands of flows it is work to look at all.
  return better_or_worse || (measured_anew && asks_for_measurements(*node.policy));
}

void count_traffic(Node& node, const flow_separator::FlowEntry& flow, const flow_separator::FlowCounters& before,
                   const FlowActivity& activity, TimePoint now) {
  // Counters that begin anew belong to a flow that was installed anew.
  const auto since = [](std::uint64_t now_is, std::uint64_t was) { return now_is - std::min(now_is, was); };
  node.reachability.traffic(flow.interface, since(activity.packets_out, before.packets_out),
                            since(activity.packets_in, before.packets_in), now - activity.idle, now);
}

}  // namespace mipflow::mobile_node
