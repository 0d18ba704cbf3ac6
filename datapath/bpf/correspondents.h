/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The correspondent node's side of route optimisation (RFC 6275 §9.3), which the home agent has too. */
#ifndef MIPFLOW_DATAPATH_CORRESPONDENTS_H
#define MIPFLOW_DATAPATH_CORRESPONDENTS_H

#include "home_address_option.h"
#include "optimized_errors.h"
#include "packet_too_big.h"
#include "ring.h"
#include "route_optimization.h"
#include "routes.h"
#include "unbound_sources.h"

/* The loader sets the sizes. Memory is taken as entries come. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct mipflow_pair);
  __type(value, struct mipflow_correspondent_binding);
} correspondent_bindings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct mipflow_address);
  __type(value, __u32);
} signalling_addresses SEC(".maps");

/* No verdict: no business of these functions. */
#define NOT_ROUTE_OPTIMIZED (-2)

#define COARSE_NS 1000000000ULL

static __always_inline void note_use(struct mipflow_correspondent_binding *binding)
{
  __u64 now = bpf_ktime_get_boot_ns();

  if (now - binding->last_used_ns >= COARSE_NS)
    binding->last_used_ns = now;
}

/* ---- to the mobile nodes ---- */

/* A function of its own: the key would stand on the stack below everything that leave_directly() calls, and Linux 6.1 has 512 octets. */
static __noinline struct mipflow_correspondent_binding *binding_of_destination(const struct packet *packet)
{
  struct mipflow_pair pair = {.home_address = packet->destination, .correspondent = packet->source};

  return bpf_map_lookup_elem(&correspondent_bindings, &pair);
}

/* A packet of a local socket to a home address: with a type 2 routing header to the care-of address of the binding (§9.3.2).
 * Signalling has its own rules, and the daemon makes the Binding Acknowledgement's header itself: everything else of it goes
 * to the home address. So does what has headers that routers on the way look at, and a packet that every link has to carry
 * when there is no room for another header. */
static __noinline int leave_directly(struct __sk_buff *skb, const struct packet *packet)
{
  struct mipflow_correspondent_binding *binding = binding_of_destination(packet);
  struct mipflow_way *way;
  __u32 octets;
  long found;

  if (!binding || packet->protocol == MOBILITY_HEADER)
    return NOT_ROUTE_OPTIMIZED;
  if (packet->has_routers_headers) {
    count(MIPFLOW_COUNT_not_optimized);
    return NOT_ROUTE_OPTIMIZED;
  }
  way = begin_way(&packet->source, &binding->care_of_address);
  if (!way)
    return TC_ACT_SHOT;
  octets = longest_segment(skb, packet) + HOME_ADDRESS_HEADER;
  found = find_way(skb, packet, IPPROTO_ROUTING, octets, way);
  way->mtu = path_mtu(found == BPF_FIB_LKUP_RET_FRAG_NEEDED ? way->mtu : ~0u, &binding->path_mtu);
  if (found == BPF_FIB_LKUP_RET_SUCCESS && octets > way->mtu)
    found = BPF_FIB_LKUP_RET_FRAG_NEEDED;
  if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED) {
    if (octets <= MINIMUM_MTU + HOME_ADDRESS_HEADER) {
      count(MIPFLOW_COUNT_not_optimized);
      return NOT_ROUTE_OPTIMIZED;
    }
    count(MIPFLOW_COUNT_too_big);
    if (!may_be_answered(packet))
      return TC_ACT_SHOT;
    return answer_packet_too_big(skb, packet, &way->source, inner_mtu(way->mtu, HOME_ADDRESS_HEADER));
  }
  if (found != BPF_FIB_LKUP_RET_SUCCESS)
    return drop(MIPFLOW_COUNT_no_route);
  note_use(binding);
  if (put_on_home_address_header(skb, DESTINATION_ADDRESS, &way->destination, way->uplink))
    return drop(MIPFLOW_COUNT_encapsulation_failed);
  count(MIPFLOW_COUNT_route_optimized_out);
  return redirect_to_neighbour(skb, way->uplink, &way->next_hop);
}

/* A packet of a local socket goes to the home address as if mip0 were not there. NOT_ROUTE_OPTIMIZED: mip0 is where all routes
 * lead to. */
static __noinline int leave_plainly(struct __sk_buff *skb, const struct packet *packet)
{
  struct mipflow_way *way = begin_way(&packet->source, &packet->destination);
  long found;

  if (!way)
    return TC_ACT_SHOT;
  found = ask_for_way(skb, packet, packet->protocol, longest_segment(skb, packet), way, 0);
  if (found == WAY_LEADS_BACK)
    return NOT_ROUTE_OPTIMIZED;
  if (found == BPF_FIB_LKUP_RET_FRAG_NEEDED) {
    count(MIPFLOW_COUNT_too_big);
    if (!may_be_answered(packet))
      return TC_ACT_SHOT;
    return answer_packet_too_big(skb, packet, &way->source, inner_mtu(way->mtu, 0));
  }
  if (found != BPF_FIB_LKUP_RET_SUCCESS)
    return drop(MIPFLOW_COUNT_no_route);
  return redirect_to_neighbour(skb, way->uplink, &way->next_hop);
}

/* ---- from the mobile nodes ---- */

/* Whether the packet with this option may come from its home address: there is a binding whose care-of address is the
 * source on the wire, or was it a moment ago (§9.3.1; docs/decisions/0003). */
static __always_inline bool is_bound(const struct packet *packet, const struct home_address_option *option)
{
  struct mipflow_pair pair = {.home_address = option->home_address, .correspondent = packet->destination};
  struct mipflow_correspondent_binding *binding;

#ifdef MIPFLOW_DATAPATH_HOME_REGISTRATIONS_H /* a home agent's own mobile nodes are bound as well */
  if (is_home_registration(&option->home_address, &packet->source))
    return true;
#endif
  binding = bpf_map_lookup_elem(&correspondent_bindings, &pair);
  if (!binding || !may_be_tunnelled(&packet->source) ||
      (!same_address(&binding->care_of_address, &packet->source) &&
       !same_address(&binding->previous_care_of_address, &packet->source)))
    return false;
  note_use(binding);
  return true;
}

/* A packet to one of our addresses with extension headers of a mobile node's. TC_ACT_OK: the kernel may have it now. */
static __noinline int arrive_from_care_of_address(struct __sk_buff *skb, struct packet *packet, __u32 link_layer_header)
{
  struct home_address_option option;
  struct mipflow_tunnel_source unbound;

  if (packet->routing_header)
    return drop(MIPFLOW_COUNT_routing_header_refused); /* we have no home address (§9.3.2) */
  if (!read_upper_layer(skb, packet))
    return TC_ACT_OK;
  if (is_signalling(packet)) {
    hand_over(skb, packet, NULL, link_layer_header);
    return TC_ACT_SHOT;
  }
  find_home_address_option(skb, packet, &option);
  if (!option.place)
    return NOT_ROUTE_OPTIMIZED;
  /* These authenticate the packet themselves, with or without a binding. */
  if (!option.is_malformed && (option.next_header == IPPROTO_ESP || option.next_header == IPPROTO_AH))
    return TC_ACT_OK;
  if (option.is_malformed || !may_be_tunnelled(&option.home_address) || is_neighbor_discovery(packet))
    return drop(MIPFLOW_COUNT_home_address_option_refused);
  if (!is_bound(packet, &option)) {
    unbound.home_address = option.home_address;
    unbound.care_of_address = packet->source;
    if (may_tell_unbound_source(&unbound))
      hand_over_beginning(skb, packet, link_layer_header);
    return drop(MIPFLOW_COUNT_home_address_option_refused);
  }
  if (accept_home_address_option(skb, packet, &option))
    return drop(MIPFLOW_COUNT_rewriting_failed);
  count(MIPFLOW_COUNT_route_optimized_in);
  return TC_ACT_OK;
}

/* An ICMPv6 error to one of our addresses about a packet with a type 2 routing header. It goes to the daemon as it is, and to
 * the socket without the routing header when the packet had gone to the present care-of address. */
static __noinline int error_about_routing_header(struct __sk_buff *skb, struct packet *error, __u32 link_layer_header)
{
  struct error_workspace *work = read_optimized_error(skb, error, DESTINATION_ADDRESS);
  struct mipflow_correspondent_binding *binding;
  struct mipflow_pair pair;
  __be32 parameter;

  if (!work)
    return NOT_ROUTE_OPTIMIZED;
  pair.home_address = work->before.home.home_address;
  pair.correspondent = error->destination;
  binding = bpf_map_lookup_elem(&correspondent_bindings, &pair);
  if (!binding && work->before.home.next_header != MOBILITY_HEADER)
    return TC_ACT_SHOT; /* nobody has sent that: no reason to wake the daemon */
  hand_over(skb, error, NULL, link_layer_header);
  count(MIPFLOW_COUNT_optimized_errors);
  if (!binding || work->before.home.next_header == MOBILITY_HEADER ||
      !same_address(&binding->care_of_address, &work->before.error.quoted.destination))
    return TC_ACT_SHOT;
  if (error->icmpv6_type == ICMPV6_PACKET_TOO_BIG)
    lower_path_mtu(&binding->path_mtu, bpf_ntohl(work->before.error.parameter));
  if (!is_for_socket(&work->before.error, &parameter))
    return TC_ACT_SHOT;
  if (take_header_out_of_error(skb, error, work, DESTINATION_ADDRESS, &pair.correspondent))
    return drop(MIPFLOW_COUNT_rewriting_failed);
  count(MIPFLOW_COUNT_errors_translated);
  return TC_ACT_OK;
}

static __always_inline bool may_come_from_care_of_address(const struct packet *packet)
{
  return (packet->routing_header || packet->has_destination_options) &&
         bpf_map_lookup_elem(&signalling_addresses, &packet->destination);
}

#endif
