// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/kernel_random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace mipflow::platform {

std::uint64_t KernelRandom::next_u64() {
  if (left_ == 0) {
    // Up to 256 octets are never cut short once the generator is seeded, and it is long before a network is up.
    while (getrandom(ahead_.data(), sizeof ahead_, 0) != static_cast<ssize_t>(sizeof ahead_))
      if (errno != EINTR) std::abort();  // predictable nonces and keys would be worse than no daemon
    left_ = ahead_.size();
  }
  return std::exchange(ahead_[--left_], 0);
}

}  // namespace mipflow::platform
