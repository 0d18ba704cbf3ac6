/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What arrives at a mobile node for its flows gets the address that the flow's socket has. */
#ifndef MIPFLOW_DATAPATH_ARRIVALS_H
#define MIPFLOW_DATAPATH_ARRIVALS_H

#include "flow_tables.h"
#include "rewriting.h"
#include "tunnel.h"

/* Of a negative value: an error of the kernel's helpers. */
enum arrival { ARRIVAL_OF_NO_FLOW, ARRIVAL_AS_IT_IS, ARRIVAL_REWRITTEN };

static __always_inline long give_address(struct __sk_buff *skb, struct packet *packet,
                                         const struct mipflow_address *socket_address)
{
  if (same_address(socket_address, &packet->destination))
    return ARRIVAL_AS_IT_IS;
  return rewrite_address(skb, packet, DESTINATION_ADDRESS, socket_address) ? -EINVAL : ARRIVAL_REWRITTEN;
}

static __always_inline long arrive_later_fragment(struct __sk_buff *skb, struct packet *packet)
{
  struct mipflow_fragment_key key = fragment_key_of(packet, MIPFLOW_ARRIVING);
  const struct mipflow_fragment *fragment = bpf_map_lookup_elem(&fragments, &key);
  struct mipflow_flow_key no_key = {};

  if (!fragment)
    return ARRIVAL_OF_NO_FLOW;
  account(skb, packet, fragment->slot, false, &no_key);
  return give_address(skb, packet, &fragment->rewritten);
}

/* Rewrites the destination of a packet, no header of ours around it any more, back to the one that the socket expects. */
static __noinline long arrive(struct __sk_buff *skb, struct packet *packet)
{
  const struct mipflow_arrival *arrival;
  struct mipflow_flow_key key;

  if (packet->is_later_fragment)
    return arrive_later_fragment(skb, packet);
  key = key_of(packet, false);
  arrival = bpf_map_lookup_elem(&arrivals, &key);
  if (!arrival)
    return ARRIVAL_OF_NO_FLOW;
  key.local = arrival->socket_address;
  account(skb, packet, arrival->slot, false, &key);
  if (packet->is_fragment) {
    struct mipflow_fragment_key fragment_key = fragment_key_of(packet, MIPFLOW_ARRIVING);
    struct mipflow_fragment fragment = {.rewritten = arrival->socket_address, .slot = arrival->slot};

    bpf_map_update_elem(&fragments, &fragment_key, &fragment, BPF_ANY);
  }
  return give_address(skb, packet, &arrival->socket_address);
}

/* An ICMPv6 error from somewhere behind the home agent, or about a packet without a header, about a packet whose source was
 * rewritten on departure. */
static __noinline long arrive_error(struct __sk_buff *skb, struct packet *error)
{
  const struct mipflow_arrival *arrival;
  struct mipflow_flow_key key;
  struct packet quoted;

  if (!read_quoted_packet(skb, error, &quoted) || quoted.is_later_fragment)
    return ARRIVAL_OF_NO_FLOW;
  key = key_of(&quoted, true); /* it left here: its source is our side */
  arrival = bpf_map_lookup_elem(&arrivals, &key);
  if (!arrival || same_address(&arrival->socket_address, &quoted.source) ||
      !same_address(&quoted.source, &error->destination))
    return ARRIVAL_OF_NO_FLOW;
  if (rewrite_error(skb, error, &quoted, DESTINATION_ADDRESS, &arrival->socket_address))
    return -EINVAL;
  count(MIPFLOW_COUNT_errors_translated);
  return ARRIVAL_REWRITTEN;
}

/* A packet that came out of a tunnel or had a routing header. False: it is lost. */
static __always_inline bool arrive_behind_header(struct __sk_buff *skb, struct packet *packet)
{
  long arrival = is_icmpv6_error(packet) ? arrive_error(skb, packet) : arrive(skb, packet);

  if (arrival == ARRIVAL_OF_NO_FLOW && packet->is_later_fragment)
    count(MIPFLOW_COUNT_fragments_unmatched);
  return arrival >= 0;
}

/* ---- bypassed flows, which have no header: somewhere among the uplink's own traffic ---- */

static __always_inline bool plain_flows_exist(void)
{
  __u32 zero = 0;
  const __u32 *bindings_without_header = bpf_map_lookup_elem(&plain_bindings, &zero);

  return bindings_without_header && *bindings_without_header;
}

/* What to do with a packet without a header that has `arrived` like this. */
static __always_inline int deliver_plain(struct __sk_buff *skb, long arrived, __u32 link_layer_header)
{
  if (arrived < 0)
    return drop(MIPFLOW_COUNT_rewriting_failed);
  if (arrived != ARRIVAL_REWRITTEN)
    return TC_ACT_OK;
  count(MIPFLOW_COUNT_plain_in);
  return continue_on_mip0(skb, link_layer_header);
}

/* `packet`: its extension headers have been looked behind. Only care-of addresses: nobody gets a home address's flow by
 * sending to that address on a link. */
static __noinline int arrive_plainly(struct __sk_buff *skb, struct packet *packet, __u32 link_layer_header)
{
  if (!bpf_map_lookup_elem(&care_of_addresses, &packet->destination) ||
      bpf_map_lookup_elem(&home_addresses, &packet->destination) || !read_upper_layer(skb, packet) ||
      is_neighbor_discovery(packet))
    return TC_ACT_OK;
  return deliver_plain(skb, arrive(skb, packet), link_layer_header);
}

#endif
