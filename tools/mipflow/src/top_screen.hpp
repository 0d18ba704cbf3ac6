// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "top_state.hpp"

namespace mipflow::tools {

struct ScreenSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// The screen of `mipflow top`: at most `rows` lines of at most `columns` characters, escape sequences for bold and reverse
// not counted. Of many flows those around the selected one are shown.
std::vector<std::string> draw_top(const TopState& state, ScreenSize size);

// How many flows draw_top() has room for.
std::size_t flows_on_screen(const TopState& state, ScreenSize size);

}  // namespace mipflow::tools
