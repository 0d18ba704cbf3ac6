// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Correspondent node. leave_mip0: packets of local sockets that a host route to a home address led here, with a type 2
 * routing header to the care-of address. enter_…_uplink: packets with a Home Address option to the sockets; signalling to
 * the daemon. */
#include "common.h"

#include "correspondents.h"
#include "packet.h"
#include "ring.h"
#include "tunnel.h"

SEC("tc")
int leave_mip0(struct __sk_buff *skb)
{
  struct packet packet;
  int verdict;

  if (skb->protocol != bpf_htons(ETH_P_IPV6) || !read_packet(skb, ETHERNET_HEADER, &packet) ||
      !may_be_tunnelled(&packet.source) || !may_be_tunnelled(&packet.destination))
    return drop(MIPFLOW_COUNT_not_forwardable);
  verdict = leave_directly(skb, &packet);
  if (verdict == NOT_ROUTE_OPTIMIZED)
    verdict = leave_plainly(skb, &packet);
  return verdict == NOT_ROUTE_OPTIMIZED ? drop(MIPFLOW_COUNT_no_route) : verdict;
}

static __always_inline int enter_uplink(struct __sk_buff *skb, const __u32 link_layer_header)
{
  struct packet packet;

  if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->vlan_present ||
      !read_ipv6_header(skb, link_layer_header, &packet))
    return TC_ACT_OK;
  if (packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_UDP)
    return TC_ACT_OK; /* what has nothing to do with mobile nodes, at the smallest price */
  if (!skip_extension_headers(skb, &packet))
    return TC_ACT_OK;
  if (may_come_from_care_of_address(&packet)) {
    int verdict = arrive_from_care_of_address(skb, &packet, link_layer_header);

    return verdict == NOT_ROUTE_OPTIMIZED ? TC_ACT_OK : verdict;
  }
  if ((packet.protocol != MOBILITY_HEADER && packet.protocol != IPPROTO_ICMPV6) || packet.is_fragment ||
      !read_upper_layer(skb, &packet) || (!is_signalling(&packet) && !is_icmpv6_error(&packet)) ||
      !bpf_map_lookup_elem(&signalling_addresses, &packet.destination))
    return TC_ACT_OK;
  if (!is_signalling(&packet)) {
    int verdict = error_about_routing_header(skb, &packet, link_layer_header);

    return verdict == NOT_ROUTE_OPTIMIZED ? TC_ACT_OK : verdict;
  }
  hand_over(skb, &packet, NULL, link_layer_header);
  return TC_ACT_SHOT;
}

SEC("tc")
int enter_ethernet_uplink(struct __sk_buff *skb)
{
  return enter_uplink(skb, ETHERNET_HEADER);
}

/* Point-to-point links. */
SEC("tc")
int enter_raw_ip_uplink(struct __sk_buff *skb)
{
  return enter_uplink(skb, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
