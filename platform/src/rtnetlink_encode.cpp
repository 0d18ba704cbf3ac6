// SPDX-License-Identifier: GPL-3.0-or-later
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "rtnetlink_codec.hpp"

namespace mipflow::platform {

namespace {

std::uint16_t flags_for(Change change) {
  return change == Change::Add ? static_cast<std::uint16_t>(NLM_F_CREATE | NLM_F_REPLACE) : std::uint16_t{0};
}

void put_address(NetlinkMessage& message, std::uint16_t type, const Address& address) {
  message.put(type, address.octets.data(), address.octets.size());
}

}  // namespace

NetlinkMessage encode(Change change, const InterfaceAddress& value) {
  NetlinkMessage message(change == Change::Add ? RTM_NEWADDR : RTM_DELADDR, flags_for(change));
  auto& header = message.header<ifaddrmsg>();
  header.ifa_family = AF_INET6;
  header.ifa_prefixlen = static_cast<std::uint8_t>(value.prefix_length);
  header.ifa_index = value.interface;
  header.ifa_scope = value.scope;
  put_address(message, IFA_ADDRESS, value.address);
  put_address(message, IFA_LOCAL, value.address);
  if (change == Change::Add) {
    message.put_u32(IFA_FLAGS, value.flags);
    const ifa_cacheinfo lifetimes{value.preferred, value.valid, 0, 0};
    message.put(IFA_CACHEINFO, &lifetimes, sizeof lifetimes);
  }
  return message;
}

NetlinkMessage encode(Change change, const Route& value) {
  NetlinkMessage message(change == Change::Add ? RTM_NEWROUTE : RTM_DELROUTE, flags_for(change));
  auto& header = message.header<rtmsg>();
  header.rtm_family = AF_INET6;
  header.rtm_dst_len = static_cast<std::uint8_t>(value.destination.length());
  if (value.table < 256) header.rtm_table = static_cast<std::uint8_t>(value.table);
  header.rtm_protocol = value.protocol;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  message.put_u32(RTA_TABLE, value.table);
  if (value.destination.length() > 0) put_address(message, RTA_DST, value.destination.address());
  if (value.gateway) put_address(message, RTA_GATEWAY, *value.gateway);
  if (value.interface != 0) message.put_u32(RTA_OIF, value.interface);
  message.put_u32(RTA_PRIORITY, value.metric);
  if (change == Change::Add) {
    if (value.preferred_source) put_address(message, RTA_PREFSRC, *value.preferred_source);
    if (value.mtu != 0) {
      const auto metrics = message.begin(RTA_METRICS);
      message.put_u32(RTAX_MTU, value.mtu);
      message.end(metrics);
    }
  }
  return message;
}

NetlinkMessage encode(Change change, const Rule& value) {
  // A rule is not replaced but refused when it exists (NLM_F_EXCL): the kernel would keep two equal ones.
  NetlinkMessage message(change == Change::Add ? RTM_NEWRULE : RTM_DELRULE,
                         change == Change::Add ? NLM_F_CREATE | NLM_F_EXCL : 0);
  auto& header = message.header<fib_rule_hdr>();
  header.family = AF_INET6;
  header.action = FR_ACT_TO_TBL;
  if (value.table < 256) header.table = static_cast<std::uint8_t>(value.table);
  if (value.inverted) header.flags |= FIB_RULE_INVERT;
  if (value.from) header.src_len = static_cast<std::uint8_t>(value.from->length());
  if (value.to) header.dst_len = static_cast<std::uint8_t>(value.to->length());
  message.put_u32(FRA_TABLE, value.table);
  message.put_u32(FRA_PRIORITY, value.preference);
  message.put_u8(FRA_PROTOCOL, value.protocol);
  if (value.from) put_address(message, FRA_SRC, value.from->address());
  if (value.to) put_address(message, FRA_DST, value.to->address());
  if (!value.input_interface.empty()) message.put_string(FRA_IIFNAME, value.input_interface);
  if (value.mark_mask != 0) {
    message.put_u32(FRA_FWMARK, value.mark);
    message.put_u32(FRA_FWMASK, value.mark_mask);
  }
  if (value.suppress_prefix_length) message.put_u32(FRA_SUPPRESS_PREFIXLEN, *value.suppress_prefix_length);
  return message;
}

NetlinkMessage encode(Change change, const Neighbour& value) {
  NetlinkMessage message(change == Change::Add ? RTM_NEWNEIGH : RTM_DELNEIGH, flags_for(change));
  auto& header = message.header<ndmsg>();
  header.ndm_family = AF_INET6;
  header.ndm_ifindex = static_cast<int>(value.interface);
  header.ndm_state = value.state;
  header.ndm_flags = value.proxy ? NTF_PROXY : 0;
  put_address(message, NDA_DST, value.address);
  if (value.protocol != 0 && change == Change::Add) message.put_u8(NDA_PROTOCOL, value.protocol);
  if (value.link_layer_address) message.put(NDA_LLADDR, value.link_layer_address->data(), value.link_layer_address->size());
  return message;
}

NetlinkMessage encode_new_link(const std::string& name, const std::string& kind, std::uint32_t mtu) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header<ifinfomsg>().ifi_family = AF_UNSPEC;
  message.put_string(IFLA_IFNAME, name);
  message.put_u32(IFLA_MTU, mtu);
  const auto info = message.begin(IFLA_LINKINFO);
  message.put_string(IFLA_INFO_KIND, kind);
  message.end(info);
  return message;
}

NetlinkMessage encode_delete_link(InterfaceIndex index) {
  NetlinkMessage message(RTM_DELLINK, 0);
  message.header<ifinfomsg>().ifi_index = static_cast<int>(index);
  return message;
}

NetlinkMessage encode_configure_link(InterfaceIndex index, const std::string& alias, std::uint32_t mtu) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.header<ifinfomsg>().ifi_index = static_cast<int>(index);
  message.put_string(IFLA_IFALIAS, alias);
  message.put_u32(IFLA_MTU, mtu);
  const auto families = message.begin(IFLA_AF_SPEC);
  const auto ipv6 = message.begin(AF_INET6);
  message.put_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  message.end(ipv6);
  message.end(families);
  return message;
}

NetlinkMessage encode_set_link_up(InterfaceIndex index) {
  NetlinkMessage message(RTM_NEWLINK, 0);
  auto& header = message.header<ifinfomsg>();
  header.ifi_index = static_cast<int>(index);
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  return message;
}

NetlinkMessage encode_keep_neighbour(InterfaceIndex interface, const Address& neighbour, bool managed) {
  NetlinkMessage message(RTM_NEWNEIGH, NLM_F_CREATE);
  auto& header = message.header<ndmsg>();
  header.ndm_family = AF_INET6;
  header.ndm_ifindex = static_cast<int>(interface);
  header.ndm_flags = NTF_USE;
  put_address(message, NDA_DST, neighbour);
  if (managed) {
    message.raw().nlmsg_flags |= NLM_F_REPLACE;
    message.put_u32(NDA_FLAGS_EXT, NTF_EXT_MANAGED);
  }
  return message;
}

NetlinkMessage encode_release_neighbour(InterfaceIndex interface, const Address& neighbour) {
  NetlinkMessage message(RTM_NEWNEIGH, NLM_F_REPLACE);
  auto& header = message.header<ndmsg>();
  header.ndm_family = AF_INET6;
  header.ndm_ifindex = static_cast<int>(interface);
  header.ndm_flags = NTF_USE;
  put_address(message, NDA_DST, neighbour);
  return message;
}

NetlinkMessage encode_delete_neighbour(InterfaceIndex interface, const Address& neighbour) {
  NetlinkMessage message(RTM_DELNEIGH, 0);
  auto& header = message.header<ndmsg>();
  header.ndm_family = AF_INET6;
  header.ndm_ifindex = static_cast<int>(interface);
  put_address(message, NDA_DST, neighbour);
  return message;
}

NetlinkMessage dump_links() {
  NetlinkMessage message(RTM_GETLINK, 0);
  message.header<ifinfomsg>().ifi_family = AF_UNSPEC;
  return message;
}

NetlinkMessage dump_addresses(InterfaceIndex interface) {
  NetlinkMessage message(RTM_GETADDR, 0);
  auto& header = message.header<ifaddrmsg>();
  header.ifa_family = AF_INET6;
  header.ifa_index = interface;
  return message;
}

NetlinkMessage dump_routes(std::uint32_t table) {
  NetlinkMessage message(RTM_GETROUTE, 0);
  message.header<rtmsg>().rtm_family = AF_INET6;
  message.put_u32(RTA_TABLE, table);
  return message;
}

NetlinkMessage dump_rules() {
  NetlinkMessage message(RTM_GETRULE, 0);
  message.header<fib_rule_hdr>().family = AF_INET6;
  return message;
}

NetlinkMessage dump_neighbours(InterfaceIndex interface, bool proxies) {
  NetlinkMessage message(RTM_GETNEIGH, 0);
  auto& header = message.header<ndmsg>();
  header.ndm_family = AF_INET6;
  header.ndm_flags = proxies ? NTF_PROXY : 0;
  if (interface != 0) message.put_u32(NDA_IFINDEX, interface);
  return message;
}

}  // namespace mipflow::platform
