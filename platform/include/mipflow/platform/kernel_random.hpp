// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>

#include "mipflow/base/random.hpp"

namespace mipflow::platform {

// The kernel's generator, read ahead so that a number on the path of a first packet costs no system call.
class KernelRandom final : public RandomSource {
 public:
  std::uint64_t next_u64() override;

 private:
  std::array<std::uint64_t, 32> ahead_{};
  std::size_t left_ = 0;
};

}  // namespace mipflow::platform
