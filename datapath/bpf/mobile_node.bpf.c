// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Mobile node. leave_mip0: packets of local sockets into the tunnel of their flow, or with a Home Address option straight
 * to the correspondent node, or without a header when their flow is bypassed. enter_…_uplink: out of the tunnel, with a type
 * 2 routing header, or without one, to the sockets; signalling to the daemon. known_flow: does netfilter have to ask the daemon about this packet? */
#include "common.h"

#include "arrivals.h"
#include "departures.h"
#include "flow_tables.h"
#include "mobile_errors.h"
#include "outer_fragments.h"
#include "packet.h"
#include "packet_too_big.h"
#include "rewriting.h"
#include "ring.h"
#include "route_optimization.h"
#include "tunnel.h"

/* ---- out ---- */

SEC("tc")
int leave_mip0(struct __sk_buff *skb)
{
  struct departure_decision decision = {};
  const struct mipflow_binding *binding;
  const struct mipflow_way *first_fragments_way;
  struct packet packet;
  bool too_long, directly = false, plainly;
  int about_flow = 0;
  __u32 segment, mtu, header;

  if (skb->protocol != bpf_htons(ETH_P_IPV6) || !read_packet(skb, ETHERNET_HEADER, &packet))
    return drop(MIPFLOW_COUNT_not_forwardable);
  first_fragments_way = way_of_first_fragment(&packet);
  if (first_fragments_way)
    return redirect_to_neighbour(skb, first_fragments_way->uplink, &first_fragments_way->next_hop);
  if (!may_be_tunnelled(&packet.source) || !may_be_tunnelled(&packet.destination))
    return drop(MIPFLOW_COUNT_not_forwardable);

  if (is_icmpv6_error(&packet)) {
    about_flow = decide_departing_error(skb, &packet, &decision);
    if (about_flow < 0)
      return drop(MIPFLOW_COUNT_rewriting_failed);
  }
  if (!about_flow)
    decide_departure(skb, &packet, &decision);

  segment = longest_segment(skb, &packet);
  binding = bpf_map_lookup_elem(&bindings, &decision.binding);
  if (binding && binding->way.header == MIPFLOW_HEADER_HOME_ADDRESS_OPTION) {
    directly = goes_directly(&packet, &decision, binding, segment);
    if (!directly) {
      count(MIPFLOW_COUNT_not_optimized);
      binding = default_binding_of(&decision.home_address);
    }
  }
  plainly = binding && goes_plainly(&decision, binding);
  if (!binding || (!directly && !plainly && binding->way.header != MIPFLOW_HEADER_TUNNEL))
    return drop(MIPFLOW_COUNT_no_binding);

  header = directly ? HOME_ADDRESS_HEADER : plainly ? 0 : IPV6_HEADER;
  mtu = path_mtu(binding->way.mtu, &binding->way.path_mtu);
  too_long = segment + header > mtu;
  if (too_long && segment > MINIMUM_MTU) {
    count(MIPFLOW_COUNT_too_big);
    if (!may_be_answered(&packet))
      return TC_ACT_SHOT;
    return answer_packet_too_big(skb, &packet, &binding->way.source, inner_mtu(mtu, header));
  }
  if (!same_address(&decision.home_address, &packet.source) &&
      rewrite_address(skb, &packet, SOURCE_ADDRESS, &decision.home_address))
    return drop(MIPFLOW_COUNT_rewriting_failed);
  if (plainly) {
    const struct mipflow_address *router = &binding->way.next_hop;

    count(MIPFLOW_COUNT_plain_out);
    return redirect_to_neighbour(skb, binding->way.uplink, is_unspecified(router) ? &packet.destination : router);
  }
  if (!directly)
    return enter_tunnel(skb, &packet, &binding->way, too_long);
  if (put_on_home_address_header(skb, SOURCE_ADDRESS, &binding->way.source, binding->way.uplink))
    return drop(MIPFLOW_COUNT_encapsulation_failed);
  count(MIPFLOW_COUNT_route_optimized_out);
  return redirect_to_neighbour(skb, binding->way.uplink, &binding->way.next_hop);
}

/* ---- in ---- */

/* What we send to ourselves never leaves this node: from a tunnel it is forged, for programs that trust their own host. */
static __always_inline bool is_own_address(const struct mipflow_address *address)
{
  return bpf_map_lookup_elem(&home_addresses, address) || bpf_map_lookup_elem(&care_of_addresses, address);
}

/* A packet of protocol 41 for one of our care-of addresses. */
static __noinline int leave_tunnel(struct __sk_buff *skb, const struct packet *outer, __u32 link_layer_header)
{
  bool from_home_agent = bpf_map_lookup_elem(&home_agents, &outer->source) != NULL;
  __u32 inner_start = outer->upper;
  struct packet inner;

  if (outer->is_fragment) {
    int result = from_home_agent ? put_together(skb, outer, link_layer_header) : REASSEMBLY_NOT_OURS;

    if (result != REASSEMBLY_DONE)
      return result == REASSEMBLY_HELD ? TC_ACT_SHOT : TC_ACT_OK;
    count(MIPFLOW_COUNT_reassembled_in);
    inner_start = link_layer_header;
  }
  if (!read_ipv6_header(skb, inner_start, &inner) || !bpf_map_lookup_elem(&home_addresses, &inner.destination))
    return outer->is_fragment ? drop(MIPFLOW_COUNT_inner_refused) : TC_ACT_OK; /* some other tunnel's */
  if (!from_home_agent)
    return drop(MIPFLOW_COUNT_wrong_tunnel_source);
  if (!skip_extension_headers(skb, &inner) || !read_upper_layer(skb, &inner) || !may_be_tunnelled(&inner.source) ||
      is_own_address(&inner.source) || is_neighbor_discovery(&inner))
    return drop(MIPFLOW_COUNT_inner_refused);
  if (is_signalling(&inner) || (is_icmpv6_error(&inner) && quotes_signalling(skb, &inner, &inner.destination))) {
    hand_over(skb, &inner, &outer->source, link_layer_header);
    return TC_ACT_SHOT;
  }
  if (take_off_outer_header(skb, link_layer_header, &inner))
    return drop(MIPFLOW_COUNT_encapsulation_failed);
  if (!carry_congestion_mark(skb, outer, &inner))
    return drop(MIPFLOW_COUNT_congestion_lost);
  if (!arrive_behind_header(skb, &inner))
    return drop(MIPFLOW_COUNT_rewriting_failed);
  count(MIPFLOW_COUNT_tunnelled_in);
  return continue_on_mip0(skb, link_layer_header);
}

/* Whether the packet has come to its end here: no route leads it to another node. */
static __always_inline bool is_for_this_node(struct __sk_buff *skb, const struct packet *packet)
{
  struct bpf_fib_lookup route = {.family = AF_INET6, .ifindex = skb->ifindex};
  long found;

  __builtin_memcpy(route.ipv6_src, &packet->source, sizeof(route.ipv6_src));
  __builtin_memcpy(route.ipv6_dst, &packet->destination, sizeof(route.ipv6_dst));
  found = bpf_fib_lookup(skb, &route, sizeof(route), 0);
  return found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH;
}

/* From a correspondent node that has a binding for the home address, or from the home agent, whose home registration is one
 * (RFC 6275 §9.3.2, §10.4.2): it could send the same through the tunnel. */
static __always_inline bool may_send_routing_header(const struct packet *packet, const struct mipflow_address *home_address)
{
  struct mipflow_pair pair = {.home_address = *home_address, .correspondent = packet->source};

  return bpf_map_lookup_elem(&routing_header_sources, &pair) || bpf_map_lookup_elem(&home_agents, &packet->source);
}

/* A packet with a type 2 routing header. RFC 6275 §6.4 and §11.3.3: accepted on a care-of address, for one of our home
 * addresses, from somebody with a binding for it; everything else is dropped without a word. */
static __noinline int arrive_directly(struct __sk_buff *skb, struct packet *packet, __u32 link_layer_header)
{
  struct home_address_header header;

  if (!bpf_map_lookup_elem(&care_of_addresses, &packet->destination) &&
      !bpf_map_lookup_elem(&home_addresses, &packet->destination) && !is_for_this_node(skb, packet))
    return TC_ACT_OK;
  if (packet->routing_header == MISPLACED_ROUTING_HEADER ||
      bpf_skb_load_bytes(skb, packet->start + packet->routing_header, &header, sizeof(header)) ||
      !is_type_2_routing_header(&header) || header.segments_left != 1 ||
      !bpf_map_lookup_elem(&care_of_addresses, &packet->destination) ||
      !bpf_map_lookup_elem(&home_addresses, &header.home_address) ||
      !may_send_routing_header(packet, &header.home_address))
    return drop(MIPFLOW_COUNT_routing_header_refused);
  if (is_neighbor_discovery(packet))
    return drop(MIPFLOW_COUNT_inner_refused);
  if (is_icmpv6_error(packet) && quotes_signalling(skb, packet, &header.home_address)) {
    hand_over(skb, packet, NULL, link_layer_header);
    return TC_ACT_SHOT;
  }
  if (accept_routing_header(skb, packet, &header) || !arrive_behind_header(skb, packet))
    return drop(MIPFLOW_COUNT_rewriting_failed);
  count(MIPFLOW_COUNT_route_optimized_in);
  return continue_on_mip0(skb, link_layer_header);
}

static __always_inline int enter_uplink(struct __sk_buff *skb, const __u32 link_layer_header)
{
  struct packet packet;

  if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->vlan_present ||
      !read_ipv6_header(skb, link_layer_header, &packet))
    return TC_ACT_OK;
  if (packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_UDP) /* the laptop's other traffic, at the smallest price */
    return plain_flows_exist() ? arrive_plainly(skb, &packet, link_layer_header) : TC_ACT_OK;
  if (!skip_extension_headers(skb, &packet))
    return TC_ACT_OK;

  if (packet.protocol == IPPROTO_IPV6 && !packet.routing_header) {
    if (!bpf_map_lookup_elem(&care_of_addresses, &packet.destination))
      return TC_ACT_OK;
    return leave_tunnel(skb, &packet, link_layer_header);
  }
  if (packet.protocol != MOBILITY_HEADER && packet.protocol != IPPROTO_ICMPV6 && !packet.routing_header)
    return plain_flows_exist() ? arrive_plainly(skb, &packet, link_layer_header) : TC_ACT_OK;
  if (!read_upper_layer(skb, &packet))
    return TC_ACT_OK;
  if (is_signalling(&packet)) {
    /* At home signalling comes to the home address itself. */
    if (!bpf_map_lookup_elem(&care_of_addresses, &packet.destination) &&
        !bpf_map_lookup_elem(&home_addresses, &packet.destination))
      return TC_ACT_OK;
    hand_over(skb, &packet, NULL, link_layer_header);
    return TC_ACT_SHOT;
  }
  if (packet.routing_header)
    return arrive_directly(skb, &packet, link_layer_header);
  if (is_icmpv6_error(&packet) && !packet.is_fragment &&
      bpf_map_lookup_elem(&care_of_addresses, &packet.destination))
    return arrive_error_about_path(skb, &packet, link_layer_header);
  return plain_flows_exist() ? arrive_plainly(skb, &packet, link_layer_header) : TC_ACT_OK;
}

SEC("tc")
int enter_ethernet_uplink(struct __sk_buff *skb)
{
  return enter_uplink(skb, ETHERNET_HEADER);
}

/* Cellular modems and point-to-point links. */
SEC("tc")
int enter_raw_ip_uplink(struct __sk_buff *skb)
{
  return enter_uplink(skb, 0);
}

/* ---- first packets ---- */

/* Non-zero: netfilter need not ask the daemon. The skb starts at the IPv6 header here. */
SEC("socket")
int known_flow(struct __sk_buff *skb)
{
  struct mipflow_flow_key key;
  struct packet packet;

  if (!read_packet(skb, 0, &packet) || packet.is_later_fragment || packet.protocol == MOBILITY_HEADER ||
      !may_be_tunnelled(&packet.source) || !may_be_tunnelled(&packet.destination))
    return 1;
  if (packet.protocol == IPPROTO_ICMPV6 && packet.icmpv6_type != ICMPV6_ECHO_REQUEST &&
      packet.icmpv6_type != ICMPV6_ECHO_REPLY)
    return 1;
  key = key_of(&packet, true);
  if (bpf_map_lookup_elem(&departures, &key))
    return 1;
  key = key_of(&packet, false);
  return bpf_map_lookup_elem(&departures, &key) != NULL;
}

char _license[] SEC("license") = "Dual BSD/GPL";
