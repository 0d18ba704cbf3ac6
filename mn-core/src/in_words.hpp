// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <string>

#include "mipflow/base/time.hpp"

namespace mipflow::mobile_node {

// How long something takes, for the operator: "90 s", "5 min".
inline std::string in_words(Duration wait) {
  const auto seconds = std::max(std::chrono::ceil<std::chrono::seconds>(wait), std::chrono::seconds{0});
  if (seconds < std::chrono::minutes{2}) return std::to_string(seconds.count()) + " s";
  return std::to_string(std::chrono::ceil<std::chrono::minutes>(wait).count()) + " min";
}

}  // namespace mipflow::mobile_node
