// SPDX-License-Identifier: GPL-3.0-or-later
// Between libFuzzer and one target, whose function is MIPFLOW_FUZZ_TARGET.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "mipflow/base/bytes.hpp"

namespace mipflow::fuzz {
void MIPFLOW_FUZZ_TARGET(BytesView input);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    mipflow::fuzz::MIPFLOW_FUZZ_TARGET({data, size});
  } catch (const std::exception& violation) {
    std::fprintf(stderr, "violation: %s\n", violation.what());
    std::abort();
  }
  return 0;
}
