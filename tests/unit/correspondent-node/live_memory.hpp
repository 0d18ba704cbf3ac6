// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>

namespace mipflow::correspondent_node::test {

// Allocations of this program that were not given back yet. Counted, so that a test can say that nothing stays behind.
std::size_t live_allocations();

}  // namespace mipflow::correspondent_node::test
