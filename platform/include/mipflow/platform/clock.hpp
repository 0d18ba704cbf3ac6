// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/base/time.hpp"

namespace mipflow::platform {

// CLOCK_BOOTTIME, which goes on during suspend: bindings expire at the home agent whether or not the laptop sleeps.
// The wall time is CLOCK_REALTIME.
Now read_clock();

}  // namespace mipflow::platform
