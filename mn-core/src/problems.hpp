// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "node.hpp"

namespace mipflow::mobile_node {

// What the operator of this host can do something about: one sentence each, with what is wrong, where, and what to do. Empty when
// nothing is.
std::vector<std::string> problems_of(const Node& node, TimePoint now);

}  // namespace mipflow::mobile_node
