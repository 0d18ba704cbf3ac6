// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <utility>

#include "mipflow/base/expected.hpp"
#include "mipflow/mn-core/snapshot.hpp"

namespace mipflow::mobile_node {

// What a refused command returns.
inline Unexpected<CommandError> refuse(CommandError::Kind kind, std::string message) {
  return Unexpected{CommandError{kind, std::move(message)}};
}

}  // namespace mipflow::mobile_node
