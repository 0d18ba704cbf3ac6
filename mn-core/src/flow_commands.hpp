// SPDX-License-Identifier: GPL-3.0-or-later
// The commands about live flows, see MobileNode. A refused one changes nothing.
#pragma once

#include <optional>
#include <string_view>

#include "mipflow/base/expected.hpp"
#include "mipflow/mn-core/snapshot.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

Expected<void, CommandError> move_flow(Node& node, FlowId id, std::string_view interface_name, Now now, Outputs& outputs);
Expected<void, CommandError> try_flow(Node& node, FlowId id, std::string_view interface_name, Duration duration, bool keep_if_better,
                                      Now now, Outputs& outputs);
Expected<void, CommandError> keep_flow(Node& node, FlowId id, Now now);
Expected<FlowId, CommandError> undo_move(Node& node, std::optional<FlowId> id, Now now, Outputs& outputs);
Expected<void, CommandError> release_flow(Node& node, FlowId id, Now now, Outputs& outputs);

// Trials whose time is over are kept or rolled back. After the goodbye nothing moves any more: their flows stay where they are.
void end_trials(Node& node, Now now, Outputs& outputs);
TimePoint trials_deadline(const Node& node);

}  // namespace mipflow::mobile_node
