// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Home agent. leave_mip0: packets that routes to home addresses sent here, into the tunnel to the care-of address.
 * enter_…_uplink: reverse-tunnelled packets to mip0, from where the kernel forwards them; signalling and watched
 * neighbour discovery to the daemon. It is a correspondent node too: correspondents.h. */
#include "common.h"

#include "home_registrations.h" /* before correspondents.h and routes.h, which ask it */

#include "correspondents.h"
#include "outer_fragments.h"
#include "packet.h"
#include "packet_too_big.h"
#include "ring.h"
#include "routes.h"
#include "tunnel.h"
#include "unbound_sources.h"

/* The loader sets the sizes of these maps. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct mipflow_tunnel_activity);
} tunnel_activity SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} tunnel_activity_wanted SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct mipflow_watched);
  __type(value, __u32);
} watched_addresses SEC(".maps");

/* ---- to the mobile nodes ---- */

static __always_inline void note_activity(__u32 slot, __u64 packets, __u64 octets)
{
  struct mipflow_tunnel_activity *activity;
  __u32 zero = 0;
  const __u32 *wanted = bpf_map_lookup_elem(&tunnel_activity_wanted, &zero);

  if (!wanted || !*wanted)
    return;
  activity = bpf_map_lookup_elem(&tunnel_activity, &slot);
  if (!activity)
    return;
  __sync_fetch_and_add(&activity->packets, packets);
  __sync_fetch_and_add(&activity->octets, octets);
}

static __noinline int leave_through_tunnel(struct __sk_buff *skb, const struct packet *packet,
                                           const struct mipflow_tunnel *tunnel)
{
  struct mipflow_way *way = begin_way(&tunnel->home_agent, &tunnel->care_of_address);
  __u32 segment = longest_segment(skb, packet);
  __u64 packets, octets;
  bool too_long;
  int verdict;
  long found;

  if (!way)
    return TC_ACT_SHOT;
  found = find_way(skb, packet, IPPROTO_IPV6, segment + IPV6_HEADER, way);
  too_long = found == BPF_FIB_LKUP_RET_FRAG_NEEDED;
  way->mtu = path_mtu(too_long ? way->mtu : ~0u, &tunnel->path_mtu);
  too_long = too_long || segment + IPV6_HEADER > way->mtu;
  if (too_long && segment > MINIMUM_MTU) {
    count(MIPFLOW_COUNT_too_big);
    if (!may_be_answered(packet))
      return TC_ACT_SHOT;
    return answer_packet_too_big(skb, packet, &tunnel->home_agent, inner_mtu(way->mtu, IPV6_HEADER));
  }
  if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED)
    found = find_way(skb, packet, IPPROTO_IPV6, 0, way);
  if (found != BPF_FIB_LKUP_RET_SUCCESS)
    return drop(MIPFLOW_COUNT_no_route);
  size_on_the_wire(skb, packet, &packets, &octets); /* before the outer header */
  verdict = enter_tunnel(skb, packet, way, too_long);
  if (verdict != TC_ACT_SHOT)
    note_activity(tunnel->slot, packets, octets);
  return verdict;
}

/* A packet to an address that nobody has bound, below a routed home network, whose one route leads here for all. Routing sees
 * it once more, without that route: what the operator has for the prefix or a part of it decides, and the kernel answers with
 * errors as a router does, and as often (RFC 4443 §2.4). */
static __noinline int leave_to_routing(struct __sk_buff *skb, const struct packet *packet)
{
  __u8 hop_limit;

  if (skb->mark & MIPFLOW_UNBOUND_MARK)
    return drop(MIPFLOW_COUNT_no_binding); /* a route of somebody else's leads here */
  if (!is_from_this_node(skb)) {
    /* It passes one router and not two. */
    if (bpf_skb_load_bytes(skb, packet->start + HOP_LIMIT, &hop_limit, sizeof(hop_limit)))
      return drop(MIPFLOW_COUNT_not_forwardable);
    ++hop_limit;
    if (bpf_skb_store_bytes(skb, packet->start + HOP_LIMIT, &hop_limit, sizeof(hop_limit), 0))
      return drop(MIPFLOW_COUNT_not_forwardable);
  }
  skb->mark |= MIPFLOW_UNBOUND_MARK;
  count(MIPFLOW_COUNT_unbound_destinations);
  return redirect_to_mip0(skb, ETHERNET_HEADER);
}

SEC("tc")
int leave_mip0(struct __sk_buff *skb)
{
  const struct mipflow_way *first_fragments_way;
  const struct mipflow_tunnel *tunnel;
  struct packet packet;

  if (skb->protocol != bpf_htons(ETH_P_IPV6) || !read_packet(skb, ETHERNET_HEADER, &packet))
    return drop(MIPFLOW_COUNT_not_forwardable);
  first_fragments_way = way_of_first_fragment(&packet);
  if (first_fragments_way)
    return redirect_to_neighbour(skb, first_fragments_way->uplink, &first_fragments_way->next_hop);
  if (!may_be_tunnelled(&packet.source) || !may_be_tunnelled(&packet.destination))
    return drop(MIPFLOW_COUNT_not_forwardable);
  if (is_from_this_node(skb)) {
    int verdict = leave_directly(skb, &packet);

    if (verdict != NOT_ROUTE_OPTIMIZED)
      return verdict;
  }
  tunnel = bpf_map_lookup_elem(&tunnels, &packet.destination);
  if (tunnel)
    return leave_through_tunnel(skb, &packet, tunnel);
  if (is_from_this_node(skb)) {
    int verdict = leave_plainly(skb, &packet);

    if (verdict != NOT_ROUTE_OPTIMIZED)
      return verdict;
  }
  return leave_to_routing(skb, &packet);
}

/* ---- from the mobile nodes ---- */

static __noinline void tell_unbound_source(const struct mipflow_tunnel_source *source)
{
  struct mipflow_unbound_source_record *record;

  if (!may_tell_unbound_source(source))
    return;
  record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
  if (!record) {
    count(MIPFLOW_COUNT_ring_full);
    return;
  }
  record->kind = MIPFLOW_RECORD_UNBOUND_SOURCE;
  record->zero = 0;
  record->source = *source;
  bpf_ringbuf_submit(record, 0);
}

/* A packet of protocol 41 for one of our addresses. RFC 6275 §10.4.5: accepted from the registered care-of address only;
 * and nothing link-local comes out of a tunnel, which an authenticated mobile node could otherwise use to speak on our
 * links. */
static __noinline int leave_tunnel(struct __sk_buff *skb, const struct packet *outer, __u32 link_layer_header)
{
  struct mipflow_tunnel_source source;
  __u32 inner_start = outer->upper;
  struct packet inner;

  if (outer->is_fragment) {
    int result = put_together(skb, outer, link_layer_header);

    if (result != REASSEMBLY_DONE)
      return result == REASSEMBLY_HELD ? TC_ACT_SHOT : drop(MIPFLOW_COUNT_inner_refused);
    count(MIPFLOW_COUNT_reassembled_in);
    inner_start = link_layer_header;
  }
  if (!read_ipv6_header(skb, inner_start, &inner))
    return drop(MIPFLOW_COUNT_inner_refused);
  source.home_address = inner.source;
  source.care_of_address = outer->source;
  if (!bpf_map_lookup_elem(&tunnel_sources, &source)) {
    tell_unbound_source(&source);
    return drop(MIPFLOW_COUNT_wrong_tunnel_source);
  }
  if (!skip_extension_headers(skb, &inner) || !read_upper_layer(skb, &inner) || !may_be_tunnelled(&inner.source) ||
      !may_be_tunnelled(&inner.destination) || is_neighbor_discovery(&inner))
    return drop(MIPFLOW_COUNT_inner_refused);
  if (is_signalling(&inner) && bpf_map_lookup_elem(&signalling_addresses, &inner.destination)) {
    hand_over(skb, &inner, &outer->source, link_layer_header);
    return TC_ACT_SHOT;
  }
  if (take_off_outer_header(skb, link_layer_header, &inner))
    return drop(MIPFLOW_COUNT_encapsulation_failed);
  if (!carry_congestion_mark(skb, outer, &inner))
    return drop(MIPFLOW_COUNT_congestion_lost);
  count(MIPFLOW_COUNT_tunnelled_in);
  /* Not simply on from here: the kernel would see the packet come and go on the same link when there is only one, and
   * tell the mobile node about a better router (Redirect). */
  return continue_on_mip0(skb, link_layer_header);
}

/* The packets inside an error about our tunnel: see mobile_node.bpf.c. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, struct packet);
} quoted_packets SEC(".maps");

/* An ICMPv6 error to one of our addresses. When it quotes a packet of a tunnel it goes to the daemon as it is; a Packet
 * Too Big moreover is remembered for the tunnel and becomes one for the correspondent node (RFC 2473 §8.1). */
static __noinline int error_about_tunnel(struct __sk_buff *skb, const struct packet *error, __u32 link_layer_header)
{
  __u32 first = 0, second = 1;
  struct packet *outer = bpf_map_lookup_elem(&quoted_packets, &first);
  struct packet *inner = bpf_map_lookup_elem(&quoted_packets, &second);
  struct mipflow_tunnel *tunnel;
  __be32 mtu;

  if (!outer || !inner || !read_ipv6_header(skb, error->upper + ICMPV6_ERROR_HEADER, outer) ||
      !skip_extension_headers(skb, outer) || outer->protocol != IPPROTO_IPV6 ||
      !same_address(&outer->source, &error->destination) || !read_packet(skb, outer->upper, inner))
    return TC_ACT_OK;
  tunnel = bpf_map_lookup_elem(&tunnels, &inner->destination);
  if (!tunnel || !same_address(&tunnel->care_of_address, &outer->destination))
    return TC_ACT_OK;
  hand_over(skb, error, NULL, link_layer_header);
  if (error->icmpv6_type != ICMPV6_PACKET_TOO_BIG || outer->is_fragment ||
      bpf_skb_load_bytes(skb, error->upper + 4, &mtu, sizeof(mtu)))
    return TC_ACT_OK;
  lower_path_mtu(&tunnel->path_mtu, bpf_ntohl(mtu));
  if (inner->payload_octets + IPV6_HEADER <= MINIMUM_MTU || !may_be_answered(inner))
    return TC_ACT_OK;
  if (take_off_outer_header(skb, link_layer_header, inner) ||
      (link_layer_header == 0 && bpf_skb_change_head(skb, ETHERNET_HEADER, 0)))
    return drop(MIPFLOW_COUNT_encapsulation_failed);
  count(MIPFLOW_COUNT_packet_too_big_relayed);
  return answer_packet_too_big(skb, inner, &outer->source, inner_mtu(bpf_ntohl(mtu), IPV6_HEADER));
}

/* Neighbour discovery about an address that the daemon defends or asks about: the daemon sees it, and so does the
 * kernel. */
static __noinline void copy_when_watched(struct __sk_buff *skb, const struct packet *packet, __u32 link_layer_header)
{
  struct mipflow_watched watched = {.interface = skb->ifindex};

  if (bpf_skb_load_bytes(skb, packet->upper + 8, &watched.address, sizeof(watched.address)))
    return;
  if (bpf_map_lookup_elem(&watched_addresses, &watched))
    hand_over(skb, packet, NULL, link_layer_header);
}

static __always_inline int enter_uplink(struct __sk_buff *skb, const __u32 link_layer_header)
{
  struct packet packet;

  if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->vlan_present ||
      !read_ipv6_header(skb, link_layer_header, &packet))
    return TC_ACT_OK;
  if (packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_UDP)
    return TC_ACT_OK; /* what is only forwarded, at the smallest price */
  if (!skip_extension_headers(skb, &packet))
    return TC_ACT_OK;

  if (may_come_from_care_of_address(&packet)) {
    int verdict = arrive_from_care_of_address(skb, &packet, link_layer_header);

    if (verdict != NOT_ROUTE_OPTIMIZED)
      return verdict;
  }
  if (packet.protocol == IPPROTO_IPV6) {
    if (!bpf_map_lookup_elem(&signalling_addresses, &packet.destination))
      return TC_ACT_OK;
    return leave_tunnel(skb, &packet, link_layer_header);
  }
  if ((packet.protocol != MOBILITY_HEADER && packet.protocol != IPPROTO_ICMPV6) || packet.is_fragment ||
      !read_upper_layer(skb, &packet))
    return TC_ACT_OK;
  if (packet.protocol == IPPROTO_ICMPV6 && (packet.icmpv6_type == ICMPV6_NEIGHBOR_SOLICITATION ||
                                            packet.icmpv6_type == ICMPV6_NEIGHBOR_ADVERTISEMENT)) {
    copy_when_watched(skb, &packet, link_layer_header);
    return TC_ACT_OK;
  }
  if (!is_signalling(&packet) && !is_icmpv6_error(&packet))
    return TC_ACT_OK;
  if (!bpf_map_lookup_elem(&signalling_addresses, &packet.destination))
    return TC_ACT_OK;
  if (!is_signalling(&packet)) {
    int verdict = error_about_routing_header(skb, &packet, link_layer_header);

    return verdict == NOT_ROUTE_OPTIMIZED ? error_about_tunnel(skb, &packet, link_layer_header) : verdict;
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
