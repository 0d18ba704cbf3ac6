// SPDX-License-Identifier: GPL-3.0-or-later
// What the operator has to know when something outside the process said no.
#pragma once

#include <string>
#include <utility>

#include "mipflow/base/expected.hpp"

namespace mipflow::platform {

// `message` is a whole sentence: what was tried, on what, what came back, what to do about it where that is known.
// `error` is the errno behind it, 0 when there was none.
struct Failure {
  std::string message;
  int error = 0;
};

template <class T>
using Result = Expected<T, Failure>;

std::string error_text(int error);

// "<message>: <text of the errno>"; without the second part when `error` is 0.
inline Unexpected<Failure> fail(std::string message, int error = 0) {
  if (error != 0) message += ": " + error_text(error);
  return Unexpected<Failure>{Failure{std::move(message), error}};
}

}  // namespace mipflow::platform
