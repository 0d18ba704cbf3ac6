// SPDX-License-Identifier: GPL-3.0-or-later
// Seeds of random tests: another one in every run, printed, and set by MIPFLOW_TEST_SEED to repeat a run.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace mipflow::test {

inline std::uint64_t seed(const char* test) {
  const char* given = std::getenv("MIPFLOW_TEST_SEED");
  const std::uint64_t value = given != nullptr ? std::stoull(given) : std::random_device{}();
  std::cout << test << ": MIPFLOW_TEST_SEED=" << value << '\n';
  return value;
}

}  // namespace mipflow::test
