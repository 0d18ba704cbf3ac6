/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The two headers that carry a home address over a direct path (RFC 6275 §6.3, §6.4), on and off. Upper-layer checksums
 * are computed over the home address and stay as they are. */
#ifndef MIPFLOW_DATAPATH_ROUTE_OPTIMIZATION_H
#define MIPFLOW_DATAPATH_ROUTE_OPTIMIZATION_H

#include "packet.h"
#include "rewriting.h"
#include "tunnel.h"

enum {
  HOME_ADDRESS_OPTION = 0xc9,
  HOME_ADDRESS_OPTION_OCTETS = 16,
  /* An option that every node skips (RFC 4727 §3.3). Linux takes more than seven octets of padding for an attack. */
  SKIPPED_OPTION = 0x1e,
};

/* Both headers as we send them:
 *   Destination Options   next header, 2, PadN of 4 octets (1, 2, 0, 0), 0xc9, 16, home address
 *   type 2 routing header next header, 2, 2, segments left 1, reserved (4 octets), home address */
struct home_address_header {
  __u8 next_header;
  __u8 length; /* in units of 8 octets behind the first 8 */
  union {
    struct {
      __u8 padding[4];
      __u8 option;
      __u8 option_octets;
    };
    struct {
      __u8 routing_type;
      __u8 segments_left;
      __u8 reserved[4];
    };
  };
  struct mipflow_address home_address;
};
#define HOME_ADDRESS_HEADER 24

static __always_inline bool is_home_address_option(const struct home_address_header *header)
{
  return header->length == 2 && header->option == HOME_ADDRESS_OPTION &&
         header->option_octets == HOME_ADDRESS_OPTION_OCTETS;
}

static __always_inline bool is_type_2_routing_header(const struct home_address_header *header)
{
  return header->length == 2 && header->routing_type == TYPE_2_ROUTING_HEADER;
}

/* The least recently used one makes room: interfaces come and go, and without an entry everything works too. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1024);
  __type(key, __u32);
  __type(value, struct mipflow_uplink);
} uplinks SEC(".maps");

/* Network cards that know nothing but TCP and UDP right behind the IPv6 header compute checksums over the addresses that
 * they find there, or their drivers do so for packets that the card cuts up: over the care-of address, so that nobody
 * could receive them. (Newer kernels ask fewer of them: docs/decisions/0015.) For what is marked as tunnelled the kernel
 * asks only devices that say what they can do with tunnels, and does the work itself else. Devices that can take it where
 * the kernel says that the checksum begins, and would look for an inner header that is not there. */
static __always_inline __u64 marks_for(__u32 uplink)
{
  const struct mipflow_uplink *device = bpf_map_lookup_elem(&uplinks, &uplink);

  return device && device->offloads_tunnels ? 0 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
}

/* The mobile node's packets get a Home Address option and the care-of address as source (SOURCE_ADDRESS), those to a mobile
 * node a type 2 routing header and the care-of address as destination (DESTINATION_ADDRESS). The header is put right behind
 * the IPv6 header: packets with headers for routers on their way are not sent like this (has_routers_headers).
 *
 * FIXED_GSO: see put_on_outer_header(). */
static __noinline long put_on_home_address_header(struct __sk_buff *skb, enum address_place place,
                                                  const struct mipflow_address *care_of_address, __u32 uplink)
{
  const __u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
  struct {
    struct ipv6_header ipv6;
    struct home_address_header home;
  } front = {};
  struct mipflow_address *on_the_wire = place == SOURCE_ADDRESS ? &front.ipv6.source : &front.ipv6.destination;
  long error;

  error = bpf_skb_load_bytes(skb, ETHERNET_HEADER, &front.ipv6, sizeof(front.ipv6));
  if (error)
    return error;
  error = bpf_skb_adjust_room(skb, HOME_ADDRESS_HEADER, BPF_ADJ_ROOM_NET, flags | marks_for(uplink));
  if (error == -EALREADY) /* an application's own tunnel has the mark */
    error = bpf_skb_adjust_room(skb, HOME_ADDRESS_HEADER, BPF_ADJ_ROOM_NET, flags);
  if (error)
    return error;
  front.home.next_header = front.ipv6.next_header;
  front.home.length = 2;
  front.home.home_address = *on_the_wire;
  *on_the_wire = *care_of_address;
  if (place == SOURCE_ADDRESS) {
    front.ipv6.next_header = IPPROTO_DSTOPTS;
    front.home.padding[0] = 1; /* PadN */
    front.home.padding[1] = 2;
    front.home.option = HOME_ADDRESS_OPTION;
    front.home.option_octets = HOME_ADDRESS_OPTION_OCTETS;
  } else {
    front.ipv6.next_header = IPPROTO_ROUTING;
    front.home.routing_type = TYPE_2_ROUTING_HEADER;
    front.home.segments_left = 1;
  }
  front.ipv6.payload_octets = bpf_htons(skb->len - ETHERNET_HEADER - IPV6_HEADER);
  return bpf_skb_store_bytes(skb, ETHERNET_HEADER, &front, sizeof(front), 0);
}

/* Takes off the header of so many octets behind the IPv6 header and puts the home address where the care-of address
 * stands. `next_header` is what stands behind. */
static __always_inline long take_off_home_address_header(struct __sk_buff *skb, struct packet *packet, __u32 octets,
                                                         __u8 next_header, enum address_place place,
                                                         const struct mipflow_address *home_address)
{
  struct ipv6_header header;
  long error = bpf_skb_load_bytes(skb, packet->start, &header, sizeof(header));

  if (!error)
    error = bpf_skb_adjust_room(skb, -(__s32)octets, BPF_ADJ_ROOM_NET,
                                BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET);
  if (error)
    return error;
  header.next_header = next_header;
  header.payload_octets = bpf_htons(bpf_ntohs(header.payload_octets) - octets);
  *(place == SOURCE_ADDRESS ? &header.source : &header.destination) = *home_address;
  *address_at(packet, place) = *home_address;
  packet->payload_octets -= octets;
  packet->upper -= octets;
  return bpf_skb_store_bytes(skb, packet->start, &header, sizeof(header), BPF_F_RECOMPUTE_CSUM);
}

/* The packet goes on to the home address that its type 2 routing header names. Behind other extension headers the routing
 * header becomes a Destination Options header with one option that nobody looks at. */
static __always_inline long accept_routing_header(struct __sk_buff *skb, struct packet *packet,
                                                  const struct home_address_header *header)
{
  const __u8 next_header = IPPROTO_DSTOPTS;
  const __u8 option[2] = {SKIPPED_OPTION, sizeof(header->reserved) + sizeof(header->home_address)};

  if (packet->routing_header == IPV6_HEADER)
    return take_off_home_address_header(skb, packet, HOME_ADDRESS_HEADER, header->next_header, DESTINATION_ADDRESS,
                                        &header->home_address);
  packet->destination = header->home_address;
  if (bpf_skb_store_bytes(skb, packet->start + packet->routing_header_announced, &next_header, sizeof(next_header),
                          BPF_F_RECOMPUTE_CSUM) ||
      bpf_skb_store_bytes(skb, packet->start + packet->routing_header + 2, option, sizeof(option), BPF_F_RECOMPUTE_CSUM))
    return -EINVAL;
  return bpf_skb_store_bytes(skb, packet->start + DESTINATION_ADDRESS, &header->home_address, sizeof(header->home_address),
                             BPF_F_RECOMPUTE_CSUM);
}

#endif
