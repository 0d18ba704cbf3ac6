// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "mipflow/base/address.hpp"
#include "policy_draft.hpp"

namespace mipflow::flow_separator {

// See Policy::bypassed_prefixes(). The classes stand in the order of decision.
std::vector<Prefix> find_bypassed_prefixes(const PolicyDraft& draft);

}  // namespace mipflow::flow_separator
