// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Mobile node. leave_mip0: packets of local sockets into the tunnel of their flow. enter_…_uplink: out of the tunnel to
 * the sockets; signalling to the daemon. known_flow: does netfilter have to ask the daemon about this packet? */
#include "common.h"

#include "flow_tables.h"
#include "outer_fragments.h"
#include "packet.h"
#include "packet_too_big.h"
#include "rewriting.h"
#include "ring.h"
#include "tunnel.h"

/* ---- out ---- */

struct departure_decision {
  struct mipflow_address home_address; /* `::`: leave the source alone */
  __u32 binding;
};

/* Flow table, or what was decided for the first fragment, or the source address's default. */
static __noinline int decide_departure(struct __sk_buff *skb, const struct packet *packet,
                                       struct departure_decision *decision)
{
  const struct mipflow_home_address *home_address;
  const struct mipflow_departure *departure;

  if (packet->is_later_fragment) {
    struct mipflow_fragment_key key = fragment_key_of(packet, MIPFLOW_DEPARTING);
    const struct mipflow_fragment *fragment = bpf_map_lookup_elem(&fragments, &key);

    if (fragment) {
      struct mipflow_flow_key no_key = {};

      decision->home_address = fragment->rewritten;
      decision->binding = fragment->binding;
      account(skb, packet, fragment->slot, true, &no_key);
      return 0;
    }
    count(MIPFLOW_COUNT_fragments_unmatched);
  } else {
    struct mipflow_flow_key key = key_of(packet, true);

    departure = bpf_map_lookup_elem(&departures, &key);
    if (departure) {
      decision->home_address = departure->home_address;
      decision->binding = departure->binding;
      account(skb, packet, departure->slot, true, &key);
      if (packet->is_fragment) {
        struct mipflow_fragment_key fragment_key = fragment_key_of(packet, MIPFLOW_DEPARTING);
        struct mipflow_fragment fragment = {
            .rewritten = departure->home_address,
            .binding = departure->binding,
            .slot = departure->slot,
        };

        bpf_map_update_elem(&fragments, &fragment_key, &fragment, BPF_ANY);
      }
      return 0;
    }
  }
  home_address = bpf_map_lookup_elem(&home_addresses, &packet->source);
  decision->home_address = packet->source;
  decision->binding = home_address ? home_address->default_binding : 0;
  return 0;
}

/* An ICMPv6 error that a local socket's kernel sends about a packet whose destination was rewritten on arrival: the
 * other end has to see the addresses that it used. 1: it is about a flow, `decision` is set. */
static __noinline int decide_departing_error(struct __sk_buff *skb, struct packet *error,
                                             struct departure_decision *decision)
{
  const struct mipflow_departure *departure;
  struct mipflow_flow_key key;
  struct packet quoted;

  if (!read_quoted_packet(skb, error, &quoted) || quoted.is_later_fragment)
    return 0;
  key = key_of(&quoted, false); /* it arrived here: its destination is our side */
  departure = bpf_map_lookup_elem(&departures, &key);
  if (!departure)
    return 0;
  decision->binding = departure->binding;
  decision->home_address = departure->home_address;
  if (!same_address(&departure->home_address, &quoted.destination) && same_address(&quoted.destination, &error->source)) {
    if (rewrite_error(skb, error, &quoted, SOURCE_ADDRESS, &departure->home_address))
      return -1;
    count(MIPFLOW_COUNT_errors_translated);
  }
  return 1;
}

SEC("tc")
int leave_mip0(struct __sk_buff *skb)
{
  struct departure_decision decision = {};
  const struct mipflow_binding *binding;
  const struct mipflow_way *first_fragments_way;
  struct packet packet;
  bool too_long;
  int about_flow = 0;
  __u32 segment, mtu;

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

  binding = bpf_map_lookup_elem(&bindings, &decision.binding);
  if (!binding || binding->way.header != MIPFLOW_HEADER_TUNNEL)
    return drop(MIPFLOW_COUNT_no_binding);

  segment = longest_segment(skb, &packet);
  mtu = path_mtu(binding->way.mtu, &binding->way.path_mtu);
  too_long = segment + IPV6_HEADER > mtu;
  if (too_long && segment > MINIMUM_MTU) {
    count(MIPFLOW_COUNT_too_big);
    if (!may_be_answered(&packet))
      return TC_ACT_SHOT;
    return answer_packet_too_big(skb, &packet, &binding->way.source, inner_mtu(mtu));
  }
  if (!same_address(&decision.home_address, &packet.source) &&
      rewrite_address(skb, &packet, SOURCE_ADDRESS, &decision.home_address))
    return drop(MIPFLOW_COUNT_rewriting_failed);
  return enter_tunnel(skb, &packet, &binding->way, too_long);
}

/* ---- in ---- */

/* Rewrites the destination of a packet that came out of the tunnel back to the one that the socket expects. */
static __noinline long arrive(struct __sk_buff *skb, struct packet *packet)
{
  if (packet->is_later_fragment) {
    struct mipflow_fragment_key key = fragment_key_of(packet, MIPFLOW_ARRIVING);
    const struct mipflow_fragment *fragment = bpf_map_lookup_elem(&fragments, &key);
    struct mipflow_flow_key no_key = {};

    if (!fragment) {
      count(MIPFLOW_COUNT_fragments_unmatched);
      return 0;
    }
    account(skb, packet, fragment->slot, false, &no_key);
    if (same_address(&fragment->rewritten, &packet->destination))
      return 0;
    return rewrite_address(skb, packet, DESTINATION_ADDRESS, &fragment->rewritten);
  } else {
    struct mipflow_flow_key key = key_of(packet, false);
    const struct mipflow_arrival *arrival = bpf_map_lookup_elem(&arrivals, &key);

    if (!arrival)
      return 0;
    key.local = arrival->socket_address;
    account(skb, packet, arrival->slot, false, &key);
    if (packet->is_fragment) {
      struct mipflow_fragment_key fragment_key = fragment_key_of(packet, MIPFLOW_ARRIVING);
      struct mipflow_fragment fragment = {.rewritten = arrival->socket_address, .slot = arrival->slot};

      bpf_map_update_elem(&fragments, &fragment_key, &fragment, BPF_ANY);
    }
    if (same_address(&arrival->socket_address, &packet->destination))
      return 0;
    return rewrite_address(skb, packet, DESTINATION_ADDRESS, &arrival->socket_address);
  }
}

/* An ICMPv6 error from somewhere behind the home agent about a packet whose source was rewritten on departure. */
static __noinline long arrive_error(struct __sk_buff *skb, struct packet *error)
{
  const struct mipflow_arrival *arrival;
  struct mipflow_flow_key key;
  struct packet quoted;
  long result;

  if (!read_quoted_packet(skb, error, &quoted) || quoted.is_later_fragment)
    return 0;
  key = key_of(&quoted, true); /* it left here: its source is our side */
  arrival = bpf_map_lookup_elem(&arrivals, &key);
  if (!arrival || same_address(&arrival->socket_address, &quoted.source) ||
      !same_address(&quoted.source, &error->destination))
    return 0;
  result = rewrite_error(skb, error, &quoted, DESTINATION_ADDRESS, &arrival->socket_address);
  if (!result)
    count(MIPFLOW_COUNT_errors_translated);
  return result;
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
      is_neighbor_discovery(&inner))
    return drop(MIPFLOW_COUNT_inner_refused);
  if (is_signalling(&inner)) {
    hand_over(skb, &inner, &outer->source, link_layer_header);
    return TC_ACT_SHOT;
  }
  if (take_off_outer_header(skb, link_layer_header, &inner))
    return drop(MIPFLOW_COUNT_encapsulation_failed);
  if (!carry_congestion_mark(skb, outer, &inner))
    return drop(MIPFLOW_COUNT_congestion_lost);
  if (is_icmpv6_error(&inner) ? arrive_error(skb, &inner) : arrive(skb, &inner))
    return drop(MIPFLOW_COUNT_rewriting_failed);
  count(MIPFLOW_COUNT_tunnelled_in);
  return continue_on_mip0(skb, link_layer_header);
}

/* Gives a packet that we sent, and that comes back in an error, the source that its socket used. */
static __noinline long restore_source(struct __sk_buff *skb, struct packet *packet)
{
  struct mipflow_flow_key key = key_of(packet, true);
  const struct mipflow_arrival *arrival = packet->is_later_fragment ? NULL : bpf_map_lookup_elem(&arrivals, &key);

  if (!arrival || same_address(&arrival->socket_address, &packet->source))
    return 0;
  return rewrite_address(skb, packet, SOURCE_ADDRESS, &arrival->socket_address);
}

/* The two packets inside an error about our tunnel: together with the answer to it they are too much for the stack. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, struct packet);
} quoted_packets SEC(".maps");

/* An ICMPv6 error to one of our care-of addresses. When it quotes a packet of our tunnel it goes to the daemon as it is;
 * a Packet Too Big moreover is remembered for the binding and becomes one for the socket that sent the inner packet (RFC
 * 2473 §8.1). */
static __noinline int error_about_tunnel(struct __sk_buff *skb, const struct packet *error, __u32 link_layer_header)
{
  __u32 first = 0, second = 1;
  struct packet *outer = bpf_map_lookup_elem(&quoted_packets, &first);
  struct packet *inner = bpf_map_lookup_elem(&quoted_packets, &second);
  const struct mipflow_home_address *home_address;
  struct mipflow_binding *binding;
  __be32 mtu;

  if (!outer || !inner || !read_ipv6_header(skb, error->upper + ICMPV6_ERROR_HEADER, outer) ||
      !skip_extension_headers(skb, outer) || outer->protocol != IPPROTO_IPV6 ||
      !same_address(&outer->source, &error->destination) || !bpf_map_lookup_elem(&home_agents, &outer->destination))
    return TC_ACT_OK;
  hand_over(skb, error, NULL, link_layer_header);
  if (error->icmpv6_type != ICMPV6_PACKET_TOO_BIG || outer->is_fragment ||
      bpf_skb_load_bytes(skb, error->upper + 4, &mtu, sizeof(mtu)) || !read_packet(skb, outer->upper, inner))
    return TC_ACT_OK;
  home_address = bpf_map_lookup_elem(&home_addresses, &inner->source);
  if (!home_address)
    return TC_ACT_OK;
  binding = bpf_map_lookup_elem(&bindings, &home_address->default_binding);
  if (binding && same_address(&binding->way.source, &outer->source))
    lower_path_mtu(&binding->way.path_mtu, bpf_ntohl(mtu));
  if (inner->payload_octets + IPV6_HEADER <= MINIMUM_MTU || !may_be_answered(inner))
    return TC_ACT_OK;

  if (take_off_outer_header(skb, link_layer_header, inner) || restore_source(skb, inner))
    return drop(MIPFLOW_COUNT_rewriting_failed);
  if (link_layer_header == 0 && bpf_skb_change_head(skb, ETHERNET_HEADER, 0))
    return drop(MIPFLOW_COUNT_encapsulation_failed);
  count(MIPFLOW_COUNT_packet_too_big_relayed);
  return answer_packet_too_big(skb, inner, &outer->source, inner_mtu(bpf_ntohl(mtu)));
}

static __always_inline int enter_uplink(struct __sk_buff *skb, const __u32 link_layer_header)
{
  struct packet packet;

  if (skb->protocol != bpf_htons(ETH_P_IPV6) || skb->vlan_present ||
      !read_ipv6_header(skb, link_layer_header, &packet))
    return TC_ACT_OK;
  if (packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_UDP)
    return TC_ACT_OK; /* the laptop's other traffic, at the smallest price */
  if (!skip_extension_headers(skb, &packet))
    return TC_ACT_OK;

  if (packet.protocol == IPPROTO_IPV6) {
    if (!bpf_map_lookup_elem(&care_of_addresses, &packet.destination))
      return TC_ACT_OK;
    return leave_tunnel(skb, &packet, link_layer_header);
  }
  if (packet.protocol != MOBILITY_HEADER && packet.protocol != IPPROTO_ICMPV6)
    return TC_ACT_OK;
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
  if (is_icmpv6_error(&packet) && !packet.is_fragment &&
      bpf_map_lookup_elem(&care_of_addresses, &packet.destination))
    return error_about_tunnel(skb, &packet, link_layer_header);
  return TC_ACT_OK;
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
