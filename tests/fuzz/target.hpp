// SPDX-License-Identifier: GPL-3.0-or-later
// A fuzz target takes any octets whatsoever. What it must not do: crash, run into a sanitizer, run for ever, or throw, which a
// target does by must() when something does not hold that has to hold for every input.
//
// The same function is run by libFuzzer (tools/fuzz) and by the replay of the kept inputs in every check (replay.cpp).
#pragma once

#include <stdexcept>
#include <string>

#include "mipflow/base/bytes.hpp"

namespace mipflow::fuzz {

class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline void must(bool holds, const char* what) {
  if (!holds) throw Violation(what);
}
inline void must(bool holds, const std::string& what) {
  if (!holds) throw Violation(what);
}

struct Target {
  const char* name;
  void (*run)(BytesView input);
};

}  // namespace mipflow::fuzz
