// SPDX-License-Identifier: GPL-3.0-or-later
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <array>
#include <cstring>

#include "rtnetlink_codec.hpp"

namespace mipflow::platform {

namespace {

// The attributes of a message by type; each is null when absent. Checked against the message's end by libmnl, the size
// of a value by the functions below.
class Attributes {
 public:
  Attributes(const nlmsghdr& message, std::size_t header) { mnl_attr_parse(&message, static_cast<unsigned>(header), &note, this); }
  explicit Attributes(const nlattr* nest) { if (nest) mnl_attr_parse_nested(nest, &note, this); }
  Attributes(const void* payload, std::size_t size) { mnl_attr_parse_payload(payload, size, &note, this); }

  const nlattr* operator[](std::size_t type) const { return found_[type]; }

  template <class Value>
  std::optional<Value> value(std::size_t type) const {
    if (!found_[type] || mnl_attr_get_payload_len(found_[type]) < sizeof(Value)) return std::nullopt;
    Value out;
    std::memcpy(&out, mnl_attr_get_payload(found_[type]), sizeof out);
    return out;
  }
  std::optional<Address> address(std::size_t type) const {
    const auto octets = value<std::array<std::uint8_t, 16>>(type);
    return octets ? std::optional{Address{*octets}} : std::nullopt;
  }
  std::string text(std::size_t type) const {
    if (!found_[type] || mnl_attr_validate(found_[type], MNL_TYPE_NUL_STRING) < 0) return {};
    return mnl_attr_get_str(found_[type]);
  }

 private:
  static int note(const nlattr* attribute, void* self) {
    const auto type = mnl_attr_get_type(attribute);
    if (type < kCount) static_cast<Attributes*>(self)->found_[type] = attribute;
    return MNL_CB_OK;
  }
  // More than any of the attribute sets below has.
  static constexpr std::size_t kCount = 96;
  static_assert(kCount > IFLA_MAX && kCount > IFA_MAX && kCount > RTA_MAX && kCount > FRA_MAX && kCount > NDA_MAX);
  std::array<const nlattr*, kCount> found_{};
};

template <class Header>
const Header* header_of(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(Header)) return nullptr;
  return static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
}

std::optional<LinkLayerAddress> link_layer_address(const nlattr* attribute) {
  if (!attribute || mnl_attr_get_payload_len(attribute) != 6) return std::nullopt;
  LinkLayerAddress out;
  std::memcpy(out.data(), mnl_attr_get_payload(attribute), out.size());
  return out;
}

}  // namespace

std::optional<Link> decode_link(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) return std::nullopt;
  const auto* header = header_of<ifinfomsg>(message);
  // AF_BRIDGE messages of this type tell about bridge ports, not about the link.
  if (!header || header->ifi_family != AF_UNSPEC) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  const Attributes info(attributes[IFLA_LINKINFO]);
  Link link;
  link.index = static_cast<InterfaceIndex>(header->ifi_index);
  link.hardware_type = header->ifi_type;
  link.name = attributes.text(IFLA_IFNAME);
  link.alias = attributes.text(IFLA_IFALIAS);
  link.kind = info.text(IFLA_INFO_KIND);
  link.mtu = attributes.value<std::uint32_t>(IFLA_MTU).value_or(0);
  link.up = (header->ifi_flags & IFF_UP) != 0;
  link.running = (header->ifi_flags & IFF_RUNNING) != 0;
  link.port = attributes.value<std::uint32_t>(IFLA_MASTER).value_or(0) != 0;
  link.link_layer_address = link_layer_address(attributes[IFLA_ADDRESS]);
  return link;
}

std::optional<InterfaceAddress> decode_address(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWADDR && message.nlmsg_type != RTM_DELADDR) return std::nullopt;
  const auto* header = header_of<ifaddrmsg>(message);
  if (!header || header->ifa_family != AF_INET6) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  // With a peer IFA_LOCAL is ours and IFA_ADDRESS the peer's.
  auto address = attributes.address(IFA_LOCAL);
  if (!address) address = attributes.address(IFA_ADDRESS);
  if (!address) return std::nullopt;
  InterfaceAddress out;
  out.interface = header->ifa_index;
  out.address = *address;
  out.prefix_length = header->ifa_prefixlen;
  out.scope = header->ifa_scope;
  // The 8 bits of the header cut off MANAGETEMPADDR and its like.
  out.flags = attributes.value<std::uint32_t>(IFA_FLAGS).value_or(header->ifa_flags);
  if (const auto lifetimes = attributes.value<ifa_cacheinfo>(IFA_CACHEINFO)) {
    out.valid = lifetimes->ifa_valid;
    out.preferred = lifetimes->ifa_prefered;
  }
  return out;
}

std::vector<Route> decode_route(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWROUTE && message.nlmsg_type != RTM_DELROUTE) return {};
  const auto* header = header_of<rtmsg>(message);
  if (!header || header->rtm_family != AF_INET6 || header->rtm_type != RTN_UNICAST || (header->rtm_flags & RTM_F_CLONED) != 0)
    return {};
  const Attributes attributes(message, sizeof *header);
  const Attributes metrics(attributes[RTA_METRICS]);
  Route route;
  route.destination = Prefix(attributes.address(RTA_DST).value_or(Address{}), header->rtm_dst_len);
  route.gateway = attributes.address(RTA_GATEWAY);
  route.interface = attributes.value<std::uint32_t>(RTA_OIF).value_or(0);
  route.table = attributes.value<std::uint32_t>(RTA_TABLE).value_or(header->rtm_table);
  route.protocol = header->rtm_protocol;
  route.metric = attributes.value<std::uint32_t>(RTA_PRIORITY).value_or(0);
  route.preferred_source = attributes.address(RTA_PREFSRC);
  route.mtu = metrics.value<std::uint32_t>(RTAX_MTU).value_or(0);
  const nlattr* hops = attributes[RTA_MULTIPATH];
  if (!hops) return {route};

  std::vector<Route> routes;
  const auto* hop = static_cast<const rtnexthop*>(mnl_attr_get_payload(hops));
  int left = mnl_attr_get_payload_len(hops);
  while (left >= static_cast<int>(sizeof *hop) && RTNH_OK(hop, left)) {
    const Attributes of_hop(RTNH_DATA(hop), hop->rtnh_len - sizeof *hop);
    route.interface = static_cast<InterfaceIndex>(hop->rtnh_ifindex);
    route.gateway = of_hop.address(RTA_GATEWAY);
    routes.push_back(route);
    left -= static_cast<int>(RTNH_ALIGN(hop->rtnh_len));
    hop = RTNH_NEXT(hop);
  }
  return routes;
}

std::optional<Rule> decode_rule(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWRULE && message.nlmsg_type != RTM_DELRULE) return std::nullopt;
  const auto* header = header_of<fib_rule_hdr>(message);
  if (!header || header->family != AF_INET6 || header->action != FR_ACT_TO_TBL) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  Rule rule;
  rule.preference = attributes.value<std::uint32_t>(FRA_PRIORITY).value_or(0);
  rule.table = attributes.value<std::uint32_t>(FRA_TABLE).value_or(header->table);
  if (const auto from = attributes.address(FRA_SRC)) rule.from = Prefix(*from, header->src_len);
  if (const auto to = attributes.address(FRA_DST)) rule.to = Prefix(*to, header->dst_len);
  rule.input_interface = attributes.text(FRA_IIFNAME);
  rule.mark = attributes.value<std::uint32_t>(FRA_FWMARK).value_or(0);
  rule.mark_mask = attributes.value<std::uint32_t>(FRA_FWMASK).value_or(0);
  rule.inverted = (header->flags & FIB_RULE_INVERT) != 0;
  // The kernel shows "no suppression" as all ones.
  if (const auto length = attributes.value<std::uint32_t>(FRA_SUPPRESS_PREFIXLEN); length && *length != 0xffff'ffff)
    rule.suppress_prefix_length = *length;
  rule.protocol = attributes.value<std::uint8_t>(FRA_PROTOCOL).value_or(0);
  return rule;
}

std::optional<Neighbour> decode_neighbour(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWNEIGH && message.nlmsg_type != RTM_DELNEIGH) return std::nullopt;
  const auto* header = header_of<ndmsg>(message);
  if (!header || header->ndm_family != AF_INET6) return std::nullopt;
  const Attributes attributes(message, sizeof *header);
  const auto address = attributes.address(NDA_DST);
  if (!address) return std::nullopt;
  Neighbour out;
  out.interface = static_cast<InterfaceIndex>(header->ndm_ifindex);
  out.address = *address;
  out.state = header->ndm_state;
  out.proxy = (header->ndm_flags & NTF_PROXY) != 0;
  out.protocol = attributes.value<std::uint8_t>(NDA_PROTOCOL).value_or(0);
  out.link_layer_address = link_layer_address(attributes[NDA_LLADDR]);
  return out;
}

}  // namespace mipflow::platform
