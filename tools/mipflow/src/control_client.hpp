// SPDX-License-Identifier: GPL-3.0-or-later
// One question to a daemon over its control socket: docs/control-protocol.md.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "mipflow/base/expected.hpp"

namespace mipflow::tools {

struct ControlError {
  enum class Kind : unsigned char {
    NotReachable,  // nobody listens, or we may not ask
    BadAnswer,     // what came back is no answer of this protocol
    Refused,       // the daemon understood and said no
  };
  Kind kind;
  std::string message;  // a whole sentence
  std::string name{};   // with Refused: the daemon's word for it, "unknown-flow" and so on
};

// `request` names the request and its parameters; the protocol version is added here. Gives the `result` of the answer.
// Waits at most a few seconds.
Expected<nlohmann::json, ControlError> ask(const std::string& socket_path, nlohmann::json request);

}  // namespace mipflow::tools
