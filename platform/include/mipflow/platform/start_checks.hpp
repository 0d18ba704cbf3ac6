// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "mipflow/platform/failure.hpp"

namespace mipflow::platform {

// What a daemon lacks to do its work, before it touches anything: capabilities, IPv6. Each with what to do. The rest shows
// when it is set up (the device, the data path, the rules) and is told there.
std::vector<Failure> check_start();

}  // namespace mipflow::platform
