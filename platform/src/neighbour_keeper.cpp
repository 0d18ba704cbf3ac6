// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/neighbour_keeper.hpp"

#include <cerrno>

#include "rtnetlink_codec.hpp"

namespace mipflow::platform {

void NeighbourKeeper::keep(InterfaceIndex interface, const Address& router) {
  if (router.is_unspecified()) return;  // point-to-point: nobody to resolve
  if (managed_) {
    NetlinkMessage message = encode_keep_neighbour(interface, router, true);
    const int error = socket_.request(message);
    if (error == EINVAL || error == EOPNOTSUPP) managed_ = false;
  }
  if (!managed_) {
    NetlinkMessage message = encode_keep_neighbour(interface, router, false);
    socket_.request(message);
  }
  kept_.emplace(interface, router);
}

void NeighbourKeeper::release(InterfaceIndex interface, const Address& router) {
  if (kept_.erase({interface, router}) == 0 || !managed_) return;
  // The same request without the flag turns an entry back into an ordinary one.
  NetlinkMessage message = encode_release_neighbour(interface, router);
  socket_.request(message);
}

void NeighbourKeeper::drop_waiting(InterfaceIndex interface) {
  for (const auto& [kept_interface, router] : kept_) {
    if (kept_interface != interface) continue;
    NetlinkMessage message = encode_delete_neighbour(interface, router);
    socket_.request(message);  // that there is none is the usual answer
  }
}

void NeighbourKeeper::release_all() {
  while (!kept_.empty()) {
    const auto [interface, router] = *kept_.begin();
    release(interface, router);
  }
}

}  // namespace mipflow::platform
