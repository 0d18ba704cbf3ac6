/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* IPv6-in-IPv6 (RFC 2473), in both directions. */
#ifndef MIPFLOW_DATAPATH_TUNNEL_H
#define MIPFLOW_DATAPATH_TUNNEL_H

#include "packet.h"

#define OUTER_HOP_LIMIT 64
#define ECN_MASK bpf_htonl(0x00300000)
#define ECN_CONGESTION_EXPERIENCED ECN_MASK

/* Puts an IPv6 header around the packet behind the link-layer header. Traffic class and flow label are those of the
 * inner packet: congestion marks as RFC 6040 §4.1 asks, the label so that routers spread flows over paths (RFC 6438).
 *
 * FIXED_GSO keeps the segment size of large packets: mip0's MTU leaves room for the header already. Without it
 * (`smaller_segments`) the kernel makes each segment shorter by the header. ENCAP_L3_IPV6 tells
 * the kernel where the inner headers are, for whoever cuts the packet up; it is refused for packets that are marked as
 * tunnelled already (an application's own tunnel), which can be carried without it as long as they need no cutting. */
static __always_inline long put_on_outer_header(struct __sk_buff *skb, const struct packet *inner,
                                                const struct mipflow_address *source,
                                                const struct mipflow_address *destination, bool smaller_segments)
{
  struct ipv6_header outer = {
      .version_class_label = inner->version_class_label,
      .payload_octets = bpf_htons(skb->len - ETHERNET_HEADER),
      .next_header = IPPROTO_IPV6,
      .hop_limit = OUTER_HOP_LIMIT,
      .source = *source,
      .destination = *destination,
  };
  __u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | (smaller_segments ? 0 : BPF_F_ADJ_ROOM_FIXED_GSO);
  long error = bpf_skb_adjust_room(skb, IPV6_HEADER, BPF_ADJ_ROOM_MAC, flags);

  if (error && !skb->gso_size)
    error = bpf_skb_adjust_room(skb, IPV6_HEADER, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_NO_CSUM_RESET);
  if (error)
    return error;
  return bpf_skb_store_bytes(skb, ETHERNET_HEADER, &outer, sizeof(outer), 0);
}

/* Takes away what stands between the link-layer header and the inner packet. inner->start and inner->upper move with
 * it. Kernels before 6.3 do not know the flag that tells them what was taken off. */
static __always_inline long take_off_outer_header(struct __sk_buff *skb, __u32 link_layer_header, struct packet *inner)
{
  __s32 octets = inner->start - link_layer_header;
  __u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
  long error;

  if (octets == 0)
    return 0; /* put together from fragments: nothing is around it any more */
  error = bpf_skb_adjust_room(skb, -octets, BPF_ADJ_ROOM_MAC, flags | BPF_F_ADJ_ROOM_DECAP_L3_IPV6);
  if (error == -EINVAL)
    error = bpf_skb_adjust_room(skb, -octets, BPF_ADJ_ROOM_MAC, flags);
  if (error)
    return error;
  inner->start -= octets;
  inner->upper -= octets;
  return 0;
}

/* RFC 6040 §4.2 for a congestion mark on the outer header, to be called when the inner packet stands alone. False when
 * the packet has to be dropped: the mark would be lost, because the inner packet's ends do not know about marks. */
static __always_inline bool carry_congestion_mark(struct __sk_buff *skb, const struct packet *outer,
                                                  struct packet *inner)
{
  if ((outer->version_class_label & ECN_MASK) != ECN_CONGESTION_EXPERIENCED)
    return true;
  if (!(inner->version_class_label & ECN_MASK))
    return false;
  if ((inner->version_class_label & ECN_MASK) == ECN_CONGESTION_EXPERIENCED)
    return true;
  inner->version_class_label |= ECN_CONGESTION_EXPERIENCED;
  return !bpf_skb_store_bytes(skb, inner->start, &inner->version_class_label, sizeof(inner->version_class_label),
                              BPF_F_RECOMPUTE_CSUM);
}

/* To mip0's ingress, as if the packet had arrived there: it can be seen with tcpdump, and rules about mip0 apply. */
static __always_inline int redirect_to_mip0(struct __sk_buff *skb, __u32 link_layer_header)
{
  struct ethhdr header = {.h_proto = bpf_htons(ETH_P_IPV6)};

  for (int i = 0; i < ETH_ALEN; ++i)
    header.h_dest[i] = settings.mip0_link_layer[i]; /* not memcpy(): the compiler takes the value for zero then */
  if (link_layer_header == 0 && bpf_skb_change_head(skb, ETHERNET_HEADER, 0))
    return drop(MIPFLOW_COUNT_encapsulation_failed);
  if (bpf_skb_store_bytes(skb, 0, &header, sizeof(header), 0))
    return drop(MIPFLOW_COUNT_encapsulation_failed);
  return bpf_redirect(settings.mip0, BPF_F_INGRESS);
}

#define FOR_MIP0 0x6275 /* in tc_index, which nothing uses at this place */

/* A packet that came out of the tunnel goes on in mip0's ingress. The filter behind this one takes it there within the
 * same pass of the kernel; bpf_redirect() would make it wait for another one, which costs a twentieth of the throughput.
 * Links without an Ethernet header lack what mip0 expects. */
static __always_inline int continue_on_mip0(struct __sk_buff *skb, __u32 link_layer_header)
{
  if (link_layer_header == 0)
    return redirect_to_mip0(skb, link_layer_header);
  skb->tc_index = FOR_MIP0;
  return TC_ACT_UNSPEC;
}

/* The filter behind: what it matches (any value but 0) its action leads into mip0's ingress. */
SEC("tc")
int is_for_mip0(struct __sk_buff *skb)
{
  return skb->tc_index == FOR_MIP0 ? -1 : 0;
}

/* Through the uplink to the neighbour `next_hop`, whose link-layer address the kernel finds out.
 *
 * While it does, the packet waits in the neighbour's queue, and the kernel asks the packet's own route, which leads to
 * mip0, for the neighbour again when it leaves the queue: the packet would go out with a link-layer address of mip0.
 * Tunnel metadata takes the place of that route; it answers nothing, and the neighbour that the packet waits for is
 * used. */
static __always_inline int redirect_to_neighbour(struct __sk_buff *skb, __u32 uplink,
                                                 const struct mipflow_address *next_hop)
{
  struct bpf_redir_neigh neighbour = {.nh_family = AF_INET6};
  struct bpf_tunnel_key no_route = {};

  if (is_unspecified(next_hop))
    return bpf_redirect_neigh(uplink, NULL, 0, 0);
  bpf_skb_set_tunnel_key(skb, &no_route, sizeof(no_route), 0);
  __builtin_memcpy(neighbour.ipv6_nh, next_hop, sizeof(neighbour.ipv6_nh));
  return bpf_redirect_neigh(uplink, &neighbour, sizeof(neighbour), 0);
}

#endif
