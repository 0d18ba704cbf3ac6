// SPDX-License-Identifier: GPL-3.0-or-later
#include "next_hop.hpp"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstring>

#include "netlink_socket.hpp"

namespace mipflow::datapath {

namespace {

struct Answer {
  const Address* destination;
  InterfaceIndex uplink;
  std::optional<Address> next_hop;
};

struct Attributes {
  InterfaceIndex interface = 0;
  Address gateway;
};

int read_attribute(const nlattr* attribute, void* context) {
  auto& out = *static_cast<Attributes*>(context);
  const auto type = mnl_attr_get_type(attribute);
  const auto length = mnl_attr_get_payload_len(attribute);
  if (type == RTA_OIF && length == sizeof out.interface) out.interface = mnl_attr_get_u32(attribute);
  if (type == RTA_GATEWAY && length == out.gateway.octets.size())
    std::memcpy(out.gateway.octets.data(), mnl_attr_get_payload(attribute), length);
  return MNL_CB_OK;
}

int read_route(const nlmsghdr* message, void* context) {
  auto& answer = *static_cast<Answer*>(context);
  const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  if (message->nlmsg_type != RTM_NEWROUTE || route->rtm_type != RTN_UNICAST) return MNL_CB_OK;
  Attributes attributes;
  mnl_attr_parse(message, sizeof(rtmsg), read_attribute, &attributes);
  if (attributes.interface != answer.uplink) return MNL_CB_OK;
  answer.next_hop = attributes.gateway.is_unspecified() ? *answer.destination : attributes.gateway;
  return MNL_CB_OK;
}

}  // namespace

std::optional<Address> next_hop(const Address& destination, InterfaceIndex uplink) {
  const NetlinkSocket socket = open_netlink_socket(NETLINK_ROUTE);
  if (!socket) return std::nullopt;

  alignas(nlmsghdr) std::array<char, 8192> buffer;
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETROUTE;
  request->nlmsg_flags = NLM_F_REQUEST;
  request->nlmsg_seq = 1;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(rtmsg)));
  route->rtm_family = AF_INET6;
  route->rtm_dst_len = 128;
  mnl_attr_put(request, RTA_DST, destination.octets.size(), destination.octets.data());
  mnl_attr_put_u32(request, RTA_OIF, uplink);
  if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return std::nullopt;

  const ssize_t received = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
  if (received <= 0) return std::nullopt;
  Answer answer{&destination, uplink, std::nullopt};
  mnl_cb_run(buffer.data(), static_cast<std::size_t>(received), 1, mnl_socket_get_portid(socket.get()), read_route, &answer);
  return answer.next_hop;
}

}  // namespace mipflow::datapath
