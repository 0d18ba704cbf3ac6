// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mipflow {

// `*` stands for any characters, also none and also `/`; `?` for one; everything else for itself, as in a shell without
// its brackets. Takes at most the product of the two lengths in time, whatever the pattern.
bool matches_shell_pattern(std::string_view pattern, std::string_view text);

// The same for a pattern of somebody who is not trusted with our time: takes one of `steps` for every octet of the text that is
// looked at, again and again where it has to be. nullopt when they are used up.
std::optional<bool> matches_shell_pattern(std::string_view pattern, std::string_view text, std::size_t& steps);

}  // namespace mipflow
