// SPDX-License-Identifier: GPL-3.0-or-later
// Things a role wants the operator to know. The core never logs: it hands out notices, the platform decides.
#pragma once

#include <cstdint>
#include <string>

namespace mipflow {

enum class Severity : std::uint8_t { Debug, Info, Warning, Error };

// `event` is a stable identifier in lower case with dashes ("binding-update-sent", "authenticator-wrong"); the
// platform counts by it and limits the rate per identifier. `text` is one sentence for a human.
struct Notice {
  Severity severity;
  const char* event;
  std::string text;
};

}  // namespace mipflow
