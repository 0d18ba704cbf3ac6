// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/neighbour_keeper.hpp"

#include <cerrno>
#include <utility>

#include "rtnetlink_codec.hpp"

namespace mipflow::platform {

void NeighbourKeeper::ask(InterfaceIndex interface, const Address& router) {
  if (managed_) {
    NetlinkMessage message = encode_keep_neighbour(interface, router, true);
    const int error = socket_.request(message);
    if (error == EINVAL || error == EOPNOTSUPP) managed_ = false;
  }
  if (!managed_) {
    NetlinkMessage message = encode_keep_neighbour(interface, router, false);
    socket_.request(message);
  }
}

void NeighbourKeeper::keep(InterfaceIndex interface, const Address& router) {
  if (router.is_unspecified()) return;  // point-to-point: nobody to resolve
  ask(interface, router);
  kept_.emplace(interface, router);
  released_.erase({interface, router});
}

void NeighbourKeeper::release(InterfaceIndex interface, const Address& router) {
  if (kept_.erase({interface, router}) == 0) return;
  released_.emplace(interface, router);
  if (!managed_) return;
  // The same request without the flag turns an entry back into an ordinary one.
  NetlinkMessage message = encode_release_neighbour(interface, router);
  socket_.request(message);
}

void NeighbourKeeper::carrier_changed(InterfaceIndex interface, bool has_one) {
  const bool is_new = has_one ? without_carrier_.erase(interface) > 0 : without_carrier_.insert(interface).second;
  if (is_new || !has_one) changed_.insert(interface);
}

void NeighbourKeeper::drop_waiting() {
  const auto changed = std::exchange(changed_, {});
  for (const auto* routers : {&kept_, &released_})
    for (const auto& [interface, router] : *routers) {
      if (!changed.contains(interface)) continue;
      NetlinkMessage message = encode_delete_neighbour(interface, router);
      socket_.request(message);  // that there is none is the usual answer
    }
  // Who is asked at once has answered by the time that a flow comes.
  for (const auto& [interface, router] : kept_)
    if (changed.contains(interface) && !without_carrier_.contains(interface)) ask(interface, router);
  std::erase_if(released_, [&](const auto& released) { return !without_carrier_.contains(released.first); });
}

void NeighbourKeeper::release_all() {
  while (!kept_.empty()) {
    const auto [interface, router] = *kept_.begin();
    release(interface, router);
  }
}

}  // namespace mipflow::platform
