// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace mipflow::platform {

// Tell systemd how the daemon is doing (sd_notify); without systemd nothing happens.
void tell_service_ready(const std::string& status);
void tell_service_stopping();

}  // namespace mipflow::platform
