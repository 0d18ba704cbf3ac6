/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What becomes of a packet that leaves a mobile node: its source on the wire, and its way. */
#ifndef MIPFLOW_DATAPATH_DEPARTURES_H
#define MIPFLOW_DATAPATH_DEPARTURES_H

#include "flow_tables.h"
#include "packet_too_big.h"
#include "rewriting.h"
#include "route_optimization.h"

struct departure_decision {
  struct mipflow_address home_address; /* `::`: leave the source alone */
  __u32 binding;
};

static __always_inline const struct mipflow_binding *default_binding_of(const struct mipflow_address *address)
{
  const struct mipflow_home_address *home_address = bpf_map_lookup_elem(&home_addresses, address);

  return home_address ? bpf_map_lookup_elem(&bindings, &home_address->default_binding) : NULL;
}

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

/* Whether the packet can carry the Home Address option of its route-optimised binding. What can not goes through the tunnel
 * of its home address: headers that routers on the way look at have to stand in front; and a packet that every link has to
 * carry, on a path that has no room for the option, has to be fragmented on the way, which the tunnel can do. */
static __always_inline bool goes_directly(const struct packet *packet, const struct departure_decision *decision,
                                          const struct mipflow_binding *binding, __u32 segment)
{
  return !packet->has_routers_headers && same_address(&packet->destination, &binding->way.destination) &&
         same_address(&decision->home_address, &binding->home_address) &&
         (segment > MINIMUM_MTU || segment + HOME_ADDRESS_HEADER <= path_mtu(binding->way.mtu, &binding->way.path_mtu));
}

/* Whether the packet leaves without a header. Only when its source is the uplink's own: a home address is never sent onto a
 * link without one. */
static __always_inline bool goes_plainly(const struct departure_decision *decision, const struct mipflow_binding *binding)
{
  return binding->way.header == MIPFLOW_HEADER_NONE && same_address(&decision->home_address, &binding->way.source);
}

#endif
