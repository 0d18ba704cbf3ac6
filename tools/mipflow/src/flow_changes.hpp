// SPDX-License-Identifier: GPL-3.0-or-later
// What happened between two looks at the list of flows.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

namespace mipflow::tools {

// Events as docs/schema/flow-event.json has them, without their time, by the flows' numbers: `before` and `now` are answers
// to the request `flows`.
std::vector<nlohmann::json> flow_changes(const nlohmann::json& before, const nlohmann::json& now);

}  // namespace mipflow::tools
