// SPDX-License-Identifier: GPL-3.0-or-later
// Between the kernel's objects as values and their rtnetlink messages. The decoders answer nullopt (or nothing) for
// messages about something else: another address family, another kind of route.
#pragma once

#include <optional>
#include <vector>

#include "mipflow/platform/kernel_objects.hpp"
#include "mipflow/platform/netlink_socket.hpp"

namespace mipflow::platform {

enum class Change : std::uint8_t { Add, Remove };  // Add replaces what is there under the same key

NetlinkMessage encode(Change change, const InterfaceAddress& address);
NetlinkMessage encode(Change change, const Route& route);
NetlinkMessage encode(Change change, const Rule& rule);
NetlinkMessage encode(Change change, const Neighbour& neighbour);

NetlinkMessage encode_new_link(const std::string& name, const std::string& kind, std::uint32_t mtu);
NetlinkMessage encode_delete_link(InterfaceIndex index);
// Sets alias and MTU, and turns off the interface's own IPv6 address generation; to be sent before it goes up.
NetlinkMessage encode_configure_link(InterfaceIndex index, const std::string& alias, std::uint32_t mtu);
NetlinkMessage encode_set_link_up(InterfaceIndex index);
// Asks the kernel to resolve the neighbour now and, when `managed`, to keep it resolved (Linux 5.16).
NetlinkMessage encode_keep_neighbour(InterfaceIndex interface, const Address& neighbour, bool managed);
// Makes a managed entry an ordinary one again; does not make one that is not there.
NetlinkMessage encode_release_neighbour(InterfaceIndex interface, const Address& neighbour);
NetlinkMessage encode_delete_neighbour(InterfaceIndex interface, const Address& neighbour);

NetlinkMessage dump_links();
NetlinkMessage dump_addresses(InterfaceIndex interface);  // 0 = of all interfaces
NetlinkMessage dump_routes(std::uint32_t table);
NetlinkMessage dump_rules();
NetlinkMessage dump_neighbours(InterfaceIndex interface, bool proxies);

std::optional<Link> decode_link(const nlmsghdr& message);
std::optional<InterfaceAddress> decode_address(const nlmsghdr& message);
std::vector<Route> decode_route(const nlmsghdr& message);
std::optional<Rule> decode_rule(const nlmsghdr& message);
std::optional<Neighbour> decode_neighbour(const nlmsghdr& message);

}  // namespace mipflow::platform
