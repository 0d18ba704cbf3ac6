/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The routing tables' answer for packets that leave mip0 (home agent, correspondent node). The question is asked as if
 * the packet had come in at mip0: rules for packets of local sockets (`iif lo`), which led it here, do not apply again. */
#ifndef MIPFLOW_DATAPATH_ROUTES_H
#define MIPFLOW_DATAPATH_ROUTES_H

#include "packet.h"

/* What does not fit onto the stack; a processor works on one packet at a time. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct mipflow_way);
} way_in_hand SEC(".maps");

static __always_inline struct mipflow_way *begin_way(const struct mipflow_address *source,
                                                     const struct mipflow_address *destination)
{
  __u32 zero = 0;
  struct mipflow_way *way = bpf_map_lookup_elem(&way_in_hand, &zero);

  if (way) {
    way->source = *source;
    way->destination = *destination;
  }
  return way;
}

/* Instead of BPF_FIB_LKUP_RET_…: the way leads into mip0. */
#define WAY_LEADS_BACK (-1)

/* For a packet of so many octets (0: whatever its length) from way->source to way->destination, whose header behind IPv6's
 * is `protocol`. Sets way->uplink and way->next_hop; with BPF_FIB_LKUP_RET_FRAG_NEEDED, way->mtu. */
static __always_inline long ask_for_way(struct __sk_buff *skb, const struct packet *packet, __u8 protocol, __u32 octets,
                                        struct mipflow_way *way, __u32 flags)
{
  struct bpf_fib_lookup route = {.family = AF_INET6};
  long found;

  route.ifindex = settings.mip0;
  route.tot_len = octets;
  route.flowinfo = packet->version_class_label & bpf_htonl(0x0fffffff);
  route.l4_protocol = protocol;
  __builtin_memcpy(route.ipv6_src, &way->source, sizeof(route.ipv6_src));
  __builtin_memcpy(route.ipv6_dst, &way->destination, sizeof(route.ipv6_dst));
  found = bpf_fib_lookup(skb, &route, sizeof(route), flags);
  if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED) {
    way->mtu = route.mtu_result;
    return found;
  }
  if (found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH)
    return BPF_FIB_LKUP_RET_UNREACHABLE;
  if (route.ifindex == settings.mip0)
    return WAY_LEADS_BACK;
  way->uplink = route.ifindex;
  __builtin_memcpy(&way->next_hop, route.ipv6_dst, sizeof(way->next_hop));
  return BPF_FIB_LKUP_RET_SUCCESS;
}

/* The same, also to what is below a routed home network without being a home address that is bound: how the table main
 * leads there. */
static __noinline long find_way(struct __sk_buff *skb, const struct packet *packet, __u8 protocol, __u32 octets,
                                struct mipflow_way *way)
{
  long found = ask_for_way(skb, packet, protocol, octets, way, 0);

#ifdef MIPFLOW_DATAPATH_HOME_REGISTRATIONS_H
  if (found == WAY_LEADS_BACK && !bpf_map_lookup_elem(&tunnels, &way->destination)) /* into a tunnel: a loop */
    found = ask_for_way(skb, packet, protocol, octets, way, BPF_FIB_LOOKUP_DIRECT);
#endif
  return found;
}

#endif
