// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Home agent. leave_mip0: packets that host routes to home addresses sent here, into the tunnel to the care-of address.
 * enter_…_uplink: reverse-tunnelled packets to mip0, from where the kernel forwards them; signalling and watched
 * neighbour discovery to the daemon. */
#include "common.h"

#include "outer_fragments.h"
#include "packet.h"
#include "packet_too_big.h"
#include "ring.h"
#include "tunnel.h"

/* The loader sets the sizes of these maps. Memory is taken as entries come: a home agent may serve a million home
 * addresses, and most serve few. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct mipflow_address);
  __type(value, struct mipflow_tunnel);
} tunnels SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct mipflow_tunnel_source);
  __type(value, __u32);
} tunnel_sources SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct mipflow_watched);
  __type(value, __u32);
} watched_addresses SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct mipflow_address);
  __type(value, __u32);
} signalling_addresses SEC(".maps");

/* ---- to the mobile nodes ---- */

/* The routing tables' answer for a packet of so many octets, 0: whatever its length. */
static __noinline long find_way(struct __sk_buff *skb, const struct mipflow_tunnel *tunnel, const struct packet *packet,
                                __u32 octets, struct mipflow_way *way)
{
  struct bpf_fib_lookup route = {.family = AF_INET6};
  long found;

  route.ifindex = settings.mip0;
  route.tot_len = octets;
  route.flowinfo = packet->version_class_label & bpf_htonl(0x0fffffff);
  route.l4_protocol = IPPROTO_IPV6;
  __builtin_memcpy(route.ipv6_src, &tunnel->home_agent, sizeof(route.ipv6_src));
  __builtin_memcpy(route.ipv6_dst, &tunnel->care_of_address, sizeof(route.ipv6_dst));
  found = bpf_fib_lookup(skb, &route, sizeof(route), 0);
  if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED) {
    way->mtu = route.mtu_result;
    return found;
  }
  /* A care-of address that is itself reached through mip0 would make a loop. */
  if ((found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH) || route.ifindex == settings.mip0)
    return BPF_FIB_LKUP_RET_UNREACHABLE;
  way->source = tunnel->home_agent;
  way->destination = tunnel->care_of_address;
  way->uplink = route.ifindex;
  __builtin_memcpy(&way->next_hop, route.ipv6_dst, sizeof(way->next_hop));
  return BPF_FIB_LKUP_RET_SUCCESS;
}

SEC("tc")
int leave_mip0(struct __sk_buff *skb)
{
  const struct mipflow_tunnel *tunnel;
  struct mipflow_way way = {};
  const struct mipflow_way *first_fragments_way;
  struct packet packet;
  __u32 segment;
  bool too_long;
  long found;

  if (skb->protocol != bpf_htons(ETH_P_IPV6) || !read_packet(skb, ETHERNET_HEADER, &packet))
    return drop(MIPFLOW_COUNT_not_forwardable);
  first_fragments_way = way_of_first_fragment(&packet);
  if (first_fragments_way)
    return redirect_to_neighbour(skb, first_fragments_way->uplink, &first_fragments_way->next_hop);
  if (!may_be_tunnelled(&packet.source) || !may_be_tunnelled(&packet.destination))
    return drop(MIPFLOW_COUNT_not_forwardable);
  tunnel = bpf_map_lookup_elem(&tunnels, &packet.destination);
  if (!tunnel)
    return drop(MIPFLOW_COUNT_no_binding);

  segment = longest_segment(skb, &packet);
  found = find_way(skb, tunnel, &packet, segment + IPV6_HEADER, &way);
  too_long = found == BPF_FIB_LKUP_RET_FRAG_NEEDED;
  if (!too_long) {
    way.mtu = path_mtu(~0u, &tunnel->path_mtu);
    too_long = segment + IPV6_HEADER > way.mtu;
  }
  if (too_long && segment > MINIMUM_MTU) {
    count(MIPFLOW_COUNT_too_big);
    if (!may_be_answered(&packet))
      return TC_ACT_SHOT;
    return answer_packet_too_big(skb, &packet, &tunnel->home_agent, inner_mtu(way.mtu));
  }
  if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED)
    found = find_way(skb, tunnel, &packet, 0, &way);
  if (found != BPF_FIB_LKUP_RET_SUCCESS)
    return drop(MIPFLOW_COUNT_no_route);
  return enter_tunnel(skb, &packet, &way, too_long);
}

/* ---- from the mobile nodes ---- */

/* The daemon is told of sources that it knows no binding for: perhaps it has lost one, and can say so to the mobile node.
 * Anybody can send such packets, so that neither many of one source nor many sources may keep it busy. */
#define UNBOUND_SOURCE_NS 250000000ULL /* between two records about one source */
#define UNBOUND_SOURCES_NS 5000000ULL  /* between two records */

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1024);
  __type(key, struct mipflow_tunnel_source);
  __type(value, __u64); /* CLOCK_MONOTONIC of the last record */
} unbound_sources SEC(".maps");

static __u64 next_unbound_source_ns; /* processors may race for it: some records more */

static __noinline void tell_unbound_source(const struct mipflow_tunnel_source *source)
{
  struct mipflow_unbound_source_record *record;
  __u64 now = bpf_ktime_get_ns();
  const __u64 *told;

  if (now < next_unbound_source_ns || !may_be_tunnelled(&source->home_address) ||
      !may_be_tunnelled(&source->care_of_address))
    return;
  told = bpf_map_lookup_elem(&unbound_sources, source);
  if (told && now - *told < UNBOUND_SOURCE_NS)
    return;
  next_unbound_source_ns = now + UNBOUND_SOURCES_NS;
  bpf_map_update_elem(&unbound_sources, source, &now, BPF_ANY);
  record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
  if (!record) {
    count(MIPFLOW_COUNT_ring_full);
    return;
  }
  record->kind = MIPFLOW_RECORD_UNBOUND_SOURCE;
  record->zero = 0;
  record->source = *source;
  bpf_ringbuf_submit(record, 0);
  count(MIPFLOW_COUNT_unbound_sources_told);
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
  return answer_packet_too_big(skb, inner, &outer->source, inner_mtu(bpf_ntohl(mtu)));
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
  if (!is_signalling(&packet))
    return error_about_tunnel(skb, &packet, link_layer_header);
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
