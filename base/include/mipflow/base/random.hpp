// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <random>

namespace mipflow {

// Where the core gets unpredictable numbers from. Handed in from outside: the platform's is the kernel's generator,
// the tests' is seeded so that a failing run can be repeated.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual std::uint64_t next_u64() = 0;

  std::uint16_t next_u16() { return static_cast<std::uint16_t>(next_u64()); }
  std::uint32_t next_u32() { return static_cast<std::uint32_t>(next_u64()); }
};

// Repeatable numbers for tests and the simulator; not for production, its output can be predicted.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t next_u64() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace mipflow
