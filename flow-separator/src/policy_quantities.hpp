// SPDX-License-Identifier: GPL-3.0-or-later
// Quantities that a policy may hold, from their text: times of the week, durations, shares. A failure is half a sentence, as in
// policy_values.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flow_match.hpp"
#include "mipflow/base/time.hpp"
#include "policy_values.hpp"

namespace mipflow::flow_separator {

// "mon-fri 08:00-18:00", "sat,sun", "22:00-06:00": minutes since the week began. The end does not belong to it; a time that
// ends before it begins goes over midnight and belongs to the day on which it begins.
Parsed<std::vector<Range<std::uint16_t>>> parse_times(std::string_view text);

// "100 ms", "30 s", "5 min", "1 h".
Parsed<Duration> parse_duration(std::string_view text);

// "2 %", "0.5 %", above 0 and at most 100: per mille.
Parsed<unsigned> parse_share(std::string_view text);

}  // namespace mipflow::flow_separator
