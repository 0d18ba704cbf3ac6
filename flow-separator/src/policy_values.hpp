// SPDX-License-Identifier: GPL-3.0-or-later
// The values that a policy may hold, from their text. A failure is half a sentence: what is wrong and what was expected.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mipflow/base/address.hpp"
#include "mipflow/base/expected.hpp"
#include "policy_index.hpp"

namespace mipflow::flow_separator {

template <class Value>
using Parsed = Expected<Value, std::string>;

// A decimal number without sign or blanks, at most `largest`.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t largest);

Parsed<Range<std::uint16_t>> parse_port_range(std::string_view text);  // "5060" or "16384-32767"
Parsed<Range<Address>> parse_peer(std::string_view text);              // prefix or address
Parsed<std::uint8_t> parse_protocol(std::string_view name);            // "tcp", also "6"
Parsed<std::uint8_t> parse_dscp(std::string_view name);                // "ef", also "46"
Parsed<std::string> parse_interface_pattern(std::string_view text);

// The one of `known` that was probably meant, or nullopt when none is near.
std::optional<std::string_view> nearest(std::string_view text, std::span<const std::string_view> known);

// Text in quotation marks, cut when it is long, control characters replaced: for messages.
std::string quoted(std::string_view text);

}  // namespace mipflow::flow_separator
