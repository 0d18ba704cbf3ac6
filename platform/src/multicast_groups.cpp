// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/multicast_groups.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace mipflow::platform {

namespace {

// Well below what the default optmem_max of any kernel holds, so that a refused join is rare.
constexpr std::size_t kMembershipsPerSocket = 100;

int change_membership(int descriptor, int option, InterfaceIndex interface, const Address& group) {
  ipv6_mreq request{};
  std::copy(group.octets.begin(), group.octets.end(), request.ipv6mr_multiaddr.s6_addr);
  request.ipv6mr_interface = interface;
  return ::setsockopt(descriptor, IPPROTO_IPV6, option, &request, sizeof request) == 0 ? 0 : errno;
}

}  // namespace

Result<void> MulticastGroups::watch(InterfaceIndex interface, const Address& address) {
  const auto key = std::pair{interface, solicited_node_multicast(address)};
  if (const auto found = memberships_.find(key); found != memberships_.end()) {
    ++found->second.watchers;
    return {};
  }
  const auto socket = join(interface, key.second);
  if (!socket) return Unexpected{socket.error()};
  memberships_.emplace(key, Membership{*socket, 1});
  return {};
}

void MulticastGroups::unwatch(InterfaceIndex interface, const Address& address) {
  const auto found = memberships_.find({interface, solicited_node_multicast(address)});
  if (found == memberships_.end() || --found->second.watchers > 0) return;
  Socket& socket = sockets_[found->second.socket];
  change_membership(socket.descriptor.get(), IPV6_LEAVE_GROUP, interface, found->first.second);
  --socket.memberships;
  memberships_.erase(found);
}

Result<std::size_t> MulticastGroups::join(InterfaceIndex interface, const Address& group) {
  int error = 0;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i].memberships >= kMembershipsPerSocket) continue;
    error = change_membership(sockets_[i].descriptor.get(), IPV6_JOIN_GROUP, interface, group);
    if (error == 0) {
      ++sockets_[i].memberships;
      return i;
    }
    if (error != ENOBUFS && error != ENOMEM) return fail("cannot join " + to_string(group), error);
  }
  FileDescriptor descriptor(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!descriptor) return fail("cannot open a socket to join " + to_string(group), errno);
  error = change_membership(descriptor.get(), IPV6_JOIN_GROUP, interface, group);
  if (error != 0) return fail("cannot join " + to_string(group) + " on interface number " + std::to_string(interface), error);
  sockets_.push_back({std::move(descriptor), 1});
  return sockets_.size() - 1;
}

}  // namespace mipflow::platform
