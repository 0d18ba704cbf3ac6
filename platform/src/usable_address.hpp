// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <linux/if_addr.h>

#include "mipflow/platform/kernel_objects.hpp"

namespace mipflow::platform {

// Whether a socket can be bound to the address: duplicate address detection is over, or optimistic, and found nobody.
inline bool is_usable(const InterfaceAddress& address) {
  const bool is_tentative = (address.flags & IFA_F_TENTATIVE) != 0 && (address.flags & IFA_F_OPTIMISTIC) == 0;
  return !is_tentative && (address.flags & IFA_F_DADFAILED) == 0;
}

}  // namespace mipflow::platform
