// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_model.hpp"

#include <algorithm>
#include <cstdio>

namespace mipflow::flow_separator::testing {
namespace {

constexpr const char* kHeaders[]{"hop-by-hop", "routing", "fragment", "destination-options", "authentication"};
constexpr const char* kDays[]{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

bool fits(const ModelMatch::Ranges& ranges, std::optional<unsigned> value) {
  if (ranges.empty()) return true;
  return value && std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) { return *value >= range.first && *value <= range.second; });
}

bool fits_pattern(const std::string& pattern, const std::string& text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    for (std::size_t eaten = 0; eaten <= text.size(); ++eaten)
      if (fits_pattern(pattern.substr(1), text.substr(eaten))) return true;
    return false;
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) && fits_pattern(pattern.substr(1), text.substr(1));
}

bool fits(const std::vector<std::string>& patterns, const std::string& text) {
  if (patterns.empty()) return true;
  if (text.empty()) return false;
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) { return fits_pattern(pattern, text); });
}

bool fits_group_or_parent(const std::vector<std::string>& patterns, std::string path) {
  if (patterns.empty()) return true;
  for (; !path.empty(); path.resize(path.rfind('/')))
    if (fits(patterns, path)) return true;
  return false;
}

bool fits(const ModelMatch::Time& time, LocalTime now) {
  const auto on = [&](unsigned day) { return time.days.empty() || std::find(time.days.begin(), time.days.end(), day) != time.days.end(); };
  if (time.begin < time.end) return on(now.weekday) && now.minute >= time.begin && now.minute < time.end;
  return (on(now.weekday) && now.minute >= time.begin) || (on((now.weekday + 6) % 7) && now.minute < time.end);
}

template <class Values, class Write>
std::string line(const char* key, const Values& values, Write&& write) {
  if (values.empty()) return {};
  std::string out(key);
  out += " = [";
  for (const auto& value : values) out += '"' + write(value) + "\", ";
  return out + "]\n";
}

std::string clock_text(unsigned minute) {
  char text[8];
  std::snprintf(text, sizeof text, "%02u:%02u", minute / 60 % 100, minute % 60);
  return text;
}

}  // namespace

bool ModelMatch::accepts(const FlowAttributes& flow, std::optional<LocalTime> time) const {
  const std::uint8_t number = flow.key.protocol;
  const bool has_ports = number == kProtocolTcp || number == kProtocolUdp || number == kProtocolSctp;
  const auto port = [&](unsigned value) { return has_ports ? std::optional(value) : std::nullopt; };
  const auto in = [&](const Prefix& peer) { return peer.contains(flow.key.correspondent); };
  const auto has = [&](unsigned bit) { return (flow.extension_headers >> bit & 1) != 0; };
  const FlowOwner unknown;
  const FlowOwner& owner = flow.owner ? *flow.owner : unknown;
  return fits(protocols, number) && (peers.empty() || std::any_of(peers.begin(), peers.end(), in)) &&
         fits(ports, port(flow.key.correspondent_port)) && fits(local_ports, port(flow.key.source_port)) && fits(dscps, flow.dscp) &&
         fits(flow_labels, flow.flow_label) && fits(icmp_types, flow.icmp_type) &&
         (extension_headers.empty() || std::any_of(extension_headers.begin(), extension_headers.end(), has)) &&
         fits(users, flow.user ? flow.user : owner.user) && fits(groups, owner.group) && fits(programs, owner.program) &&
         fits_group_or_parent(cgroups, owner.cgroup) && fits(units, owner.unit) &&
         (times.empty() || (time && std::any_of(times.begin(), times.end(), [&](const Time& each) { return fits(each, *time); })));
}

std::string ModelMatch::text() const {
  const auto range = [](const auto& value) { return std::to_string(value.first) + '-' + std::to_string(value.second); };
  const auto itself = [](const std::string& value) { return value; };
  return line("protocol", protocols, range) + line("peer", peers, [](const Prefix& peer) { return to_string(peer); }) +
         line("port", ports, range) + line("local-port", local_ports, range) + line("dscp", dscps, range) +
         line("flow-label", flow_labels, range) + line("icmp-type", icmp_types, range) +
         line("extension-header", extension_headers, [](unsigned bit) { return std::string(kHeaders[bit]); }) +
         line("user", users, range) + line("group", groups, range) + line("program", programs, itself) + line("cgroup", cgroups, itself) +
         line("unit", units, itself) + line("time", times, [](const Time& time) {
           std::string days;
           for (const unsigned day : time.days) days += (days.empty() ? "" : ",") + std::string(kDays[day]);
           return days + (days.empty() ? "" : " ") + clock_text(time.begin) + '-' + clock_text(time.end);
         });
}

bool ModelClass::accepts(const FlowAttributes& flow, std::optional<LocalTime> time) const {
  if (selectable == Selectable::Only) return false;
  if (user && user != (flow.user || !flow.owner ? flow.user : flow.owner->user)) return false;
  return match.accepts(flow, time) &&
         std::none_of(exceptions.begin(), exceptions.end(), [&](const ModelMatch& each) { return each.accepts(flow, time); });
}

std::string ModelClass::text() const {
  std::string out = "[[class]]\nname = \"" + name + "\"\n";
  if (layer == PolicyLayer::Mandatory) out += "mandatory = true\n";
  if (selectable == Selectable::Only) return out + "selectable = \"only\"\n";
  out += selectable == Selectable::Yes ? "selectable = true\n" : "selectable = false\n";
  out += "[class.match]\n" + match.text();
  for (const ModelMatch& each : exceptions) out += "[[class.except]]\n" + each.text();
  return out;
}

std::string classify(const std::vector<ModelClass>& model, const FlowAttributes& flow, std::optional<LocalTime> time) {
  const ModelClass* first = nullptr;
  for (const PolicyLayer layer : {PolicyLayer::Mandatory, PolicyLayer::Network, PolicyLayer::User, PolicyLayer::Default})
    for (const ModelClass& each : model)
      if (first == nullptr && each.layer == layer && each.accepts(flow, time)) first = &each;
  if (first != nullptr && first->layer == PolicyLayer::Mandatory) return first->full_name;
  if (flow.owner && !flow.owner->wanted_class.empty()) {
    const auto user = flow.user ? flow.user : flow.owner->user;
    const ModelClass* best = nullptr;
    const auto rank = [&](const ModelClass& each) {
      if (each.layer == PolicyLayer::User) return 0;
      return each.layer == PolicyLayer::Network ? 2 : 1;
    };
    for (const ModelClass& each : model) {
      if (each.selectable == Selectable::No || each.name != flow.owner->wanted_class || (each.user && each.user != user)) continue;
      if (best == nullptr || rank(each) < rank(*best)) best = &each;
    }
    if (best != nullptr) return best->full_name;
  }
  return first != nullptr ? first->full_name : "default";
}

}  // namespace mipflow::flow_separator::testing
