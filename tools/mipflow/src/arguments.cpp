// SPDX-License-Identifier: GPL-3.0-or-later
// Arguments that several commands take.
#include <fmt/format.h>

#include <charconv>

#include "commands.hpp"
#include "mipflow/base/address.hpp"

namespace mipflow::tools {

std::optional<FlowId> take_flow_id(const Invocation& invocation, std::size_t position) {
  const auto& text = invocation.arguments[position];
  FlowId id = 0;
  // The whole text has to be a number from 1 up.
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error == std::errc{} && end == text.data() + text.size() && id != 0) return id;
  complain(invocation.console, kExitUsage, fmt::format("'{}' is no flow: the number in the first column of 'mipflow flow list' is", text));
  return std::nullopt;
}

bool is_address(const Invocation& invocation, std::size_t position) {
  const auto& text = invocation.arguments[position];
  if (Address::parse(text)) return true;
  complain(invocation.console, kExitUsage,
           fmt::format("'{}' is no IPv6 address; the first column of 'mipflow hoa list' has the home addresses", text));
  return false;
}

}  // namespace mipflow::tools
