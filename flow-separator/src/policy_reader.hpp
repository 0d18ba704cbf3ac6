// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/flow-separator/policy.hpp"
#include "policy_draft.hpp"

namespace mipflow::flow_separator {

// Adds what the file says to the draft; its mistakes to draft.errors in the order of the text.
void read_policy_file(const PolicyFile& file, const NameResolver& names, PolicyDraft& draft);

}  // namespace mipflow::flow_separator
