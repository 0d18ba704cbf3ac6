// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/flow-redirector/choose_interface.hpp"

#include <vector>

namespace mipflow::flow_redirector {
namespace {

// For a flow that no interface can carry: what is the matter with each interface that its class allows.
std::string why_none(const InterfaceTable& table, const ChoiceRequest& request) {
  std::string reason = "no usable interface for policy class '" + std::string(request.class_name) + "'";
  const char* separator = ": ";
  for (const auto& [index, interface] : table.interfaces()) {
    if (interface.name.empty()) continue;
    for (const std::string& pattern : request.interfaces)
      if (matches_interface_pattern(pattern, interface.name)) {
        reason += separator + interface.name + ' ' + interface.why_not();
        separator = ", ";
        break;
      }
  }
  return reason;
}

}  // namespace

InterfaceChoice choose_interface(const InterfaceTable& table, const ChoiceRequest& request) {
  if (request.commanded) {
    const Interface* interface = table.find(*request.commanded);
    if (interface != nullptr && interface->usable())
      return {.interface = interface->index, .by_command = true, .reason = "moved by command"};
  }

  const std::vector<const Interface*> usable = table.usable();
  for (const std::string& pattern : request.interfaces) {
    const Interface* best = nullptr;  // usable() is in order of kind and name already
    for (const Interface* interface : usable) {
      if (!matches_interface_pattern(pattern, interface->name)) continue;
      if (best == nullptr || (interface->kind == best->kind && interface->index == request.current)) best = interface;
    }
    if (best == nullptr) continue;
    return {.interface = best->index,
            .by_command = false,
            .reason = usable.size() == 1 ? "only usable interface" : "policy class '" + std::string(request.class_name) + "'"};
  }
  return {.interface = 0, .by_command = false, .reason = why_none(table, request)};
}

bool matches_interface_pattern(std::string_view pattern, std::string_view name) {
  // Goes back only to the last `*`, so the time is at most the product of the lengths.
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t behind_star = 0;  // first character of the name that is not eaten by the last `*`
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      behind_star = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++behind_star;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace mipflow::flow_redirector
