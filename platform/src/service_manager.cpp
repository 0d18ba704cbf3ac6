// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/service_manager.hpp"

#include <systemd/sd-daemon.h>

namespace mipflow::platform {

void tell_service_ready(const std::string& status) { sd_notify(0, ("READY=1\nSTATUS=" + status).c_str()); }

void tell_service_stopping() { sd_notify(0, "STOPPING=1"); }

}  // namespace mipflow::platform
