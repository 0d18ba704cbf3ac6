// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "node.hpp"

namespace mipflow::mobile_node {

// Whether packets of the flow take the direct path, and why or why not, for the operator.
struct FlowPath {
  bool direct = false;
  std::string reason;
};
FlowPath path_of(const Node& node, const flow_separator::FlowEntry& flow, TimePoint now);

}  // namespace mipflow::mobile_node
