// SPDX-License-Identifier: GPL-3.0-or-later
// The values that a policy may hold, from their text. A failure is half a sentence: what is wrong and what was expected.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "flow_match.hpp"
#include "mipflow/base/address.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/interface_preference.hpp"
#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::flow_separator {

template <class Value>
using Parsed = Expected<Value, std::string>;

// A decimal number without sign or blanks, at most `largest`.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t largest);

// "8-15", also "0x100-0x1ff": nullopt when the text is not of this form, an error when it is an impossible range.
std::optional<Parsed<Range<std::uint32_t>>> parse_number_range(std::string_view text, std::uint32_t largest);

Parsed<Range<std::uint16_t>> parse_port_range(std::string_view text);  // "5060" or "16384-32767"
Parsed<Range<Address>> parse_peer(std::string_view text);              // prefix or address
Parsed<std::uint8_t> parse_protocol(std::string_view name);            // "tcp", also "6"
Parsed<std::uint8_t> parse_dscp(std::string_view name);                // "ef", also "46"
Parsed<std::uint8_t> parse_icmp_type(std::string_view name);           // "echo-request", also "128"
Parsed<ExtensionHeader> parse_extension_header(std::string_view name); // "routing"

// Texts or shell patterns.
Parsed<std::string> parse_program(std::string_view text);  // "/usr/bin/ssh", "*/firefox"
Parsed<std::string> parse_cgroup(std::string_view text);   // "/user.slice"; a "/" at the end is taken off
Parsed<std::string> parse_unit(std::string_view text);     // "ssh.service", "app-*.scope"

Parsed<InterfaceKind> parse_interface_kind(std::string_view text);
Parsed<std::string> parse_interface_pattern(std::string_view text);
// A kind, "name:" and a pattern, or a pattern.
Parsed<InterfacePreference> parse_interface(std::string_view text);

struct HomeAddressChoice {
  HomeAddressRule rule = HomeAddressRule::Figure6;
  std::optional<Address> fixed = std::nullopt;  // with HomeAddressRule::Fixed
};
Parsed<HomeAddressChoice> parse_home_address(std::string_view text);  // "own", "2001:db8:100::5060"
Parsed<RouteOptimization> parse_route_optimization(std::string_view text);

// The one of `known` that was probably meant, or nullopt when none is near.
std::optional<std::string_view> nearest(std::string_view text, std::span<const std::string_view> known);

std::string lower_case(std::string_view text);

// Text in quotation marks, cut when it is long, control characters replaced: for messages.
std::string quoted(std::string_view text);

}  // namespace mipflow::flow_separator
