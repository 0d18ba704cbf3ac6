// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

#include "mipflow/platform/flow_wish.hpp"
#include "mipflow/platform/socket_holders.hpp"

namespace mipflow::platform {

// What is left of root's rights beside a daemon that has given them up. Both are there or none is: only a mobile node asks who
// sockets belong to and runs programs in groups of their own.
struct Helpers {
  std::shared_ptr<SocketHolders> socket_holders;
  std::shared_ptr<ProgramGroupKeeper> program_groups;
};

}  // namespace mipflow::platform
