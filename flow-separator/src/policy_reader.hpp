// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "mipflow/flow-separator/policy.hpp"
#include "policy_index.hpp"

namespace mipflow::flow_separator {

// What policy files say, before it is compiled.
struct PolicyDraft {
  std::vector<PolicyClass> classes;
  std::vector<ClassMatch> matches;  // parallel to `classes`
  std::optional<PolicyClass> default_class;
  std::size_t ranges = 0;           // in `matches`, all together
  std::vector<PolicyError> errors;
};

// Adds what the file says to the draft; its mistakes to draft.errors in the order of the text.
void read_policy_file(const PolicyFile& file, const UserResolver& users, PolicyDraft& draft);

}  // namespace mipflow::flow_separator
