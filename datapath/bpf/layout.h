/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the eBPF programs and the loader share: keys and values of every map, and the settings that are fixed when the
 * programs are loaded. Addresses and ports are in network byte order, everything else in the host's.
 *
 * Whoever changes a key or a value counts MIPFLOW_LAYOUT_VERSION up: the next daemon then replaces pinned maps of
 * another version instead of misreading them. */
#ifndef MIPFLOW_DATAPATH_LAYOUT_H
#define MIPFLOW_DATAPATH_LAYOUT_H

#include <linux/types.h>

#define MIPFLOW_LAYOUT_VERSION 7

/* On a packet to a routed home network that no binding is known for: it is routed without us from then on. */
#define MIPFLOW_UNBOUND_MARK 0x20000000

struct mipflow_address {
  __u32 word[4];
};

/* Fixed at load time (section .rodata.settings). */
struct mipflow_settings {
  __u32 mip0;                 /* interface index */
  __u8 mip0_link_layer[6];    /* its own address: packets redirected to its ingress must be addressed to it */
  __u16 zero;
  __u32 zeros;
  __u64 path_mtu_lifetime_ns; /* what a router said is believed for so long */
};

/* Map uplinks, by interface index. */
struct mipflow_uplink {
  __u32 offloads_tunnels; /* the device can cut up packets of tunnels (tx-ipxip6-segmentation) */
};

/* A home address together with a correspondent node's address. Key of map routing_header_sources (mobile node) and of map
 * correspondent_bindings. */
struct mipflow_pair {
  struct mipflow_address home_address;
  struct mipflow_address correspondent;
};

/* ---- mobile node ---- */

/* Map departures: how the socket built a packet (local = source). Map arrivals: how a packet of the flow comes out of
 * the tunnel (local = destination = the flow's home address).
 * Ports: TCP, UDP, SCTP. ICMPv6 echo: the identifier in both. Anything else: 0. */
struct mipflow_flow_key {
  struct mipflow_address local;
  struct mipflow_address correspondent;
  __u16 local_port;
  __u16 correspondent_port;
  __u8 protocol;
  __u8 zero[3];
};

struct mipflow_departure {
  struct mipflow_address home_address; /* source on the wire */
  __u64 flow_id;
  __u32 binding; /* key of map bindings */
  __u32 slot;    /* index into map activity */
};

struct mipflow_arrival {
  struct mipflow_address socket_address; /* destination that the socket expects */
  __u32 slot;
};

enum mipflow_tcp_state {
  MIPFLOW_TCP_FIN_OUT = 1,
  MIPFLOW_TCP_FIN_IN = 2,
  MIPFLOW_TCP_RESET_OUT = 4,
  /* Taken back when the local socket goes on sending: anybody can forge a reset, only the socket can judge it. */
  MIPFLOW_TCP_RESET_IN = 8,
  MIPFLOW_TCP_REPORTED = 16, /* the end of the flow went into the ring */
};

/* What went one way. Written by whichever processor has a packet in hand: packets and octets are never lost, of the rest the
 * last writer stays, which may cost a gap or a retransmission when two processors carry one flow the same way. */
struct mipflow_direction_activity {
  __u64 packets;
  __u64 octets;
  __u64 last_seen_ns;   /* CLOCK_BOOTTIME; 0 before the first packet */
  __u64 longest_gap_ns; /* between two packets in a row; the loader takes it out when it reads it */
  __u32 retransmissions;
  __u32 next_sequence;  /* TCP: the number behind the highest octet seen */
  __u32 sequence_known; /* next_sequence means something */
  __u32 zero;
};

/* Map activity: an array that the loader maps into its memory, so that reading it costs the kernel nothing. One cache
 * line per flow and direction: answers are often worked on by another processor. */
struct mipflow_activity {
  struct mipflow_direction_activity out;
  __u64 flow_id;   /* written by the loader */
  __u32 tcp_state; /* enum mipflow_tcp_state */
  __u32 zero;
  struct mipflow_direction_activity in;
  __u64 begun_ns; /* CLOCK_BOOTTIME; written by the loader */
  __u64 zeros;
};

/* Longest outer packet of a path as a router said (Packet Too Big); 0 octets = nobody said anything. */
struct mipflow_path_mtu {
  __u32 octets;
  __u32 zero;
  __u64 until_ns; /* CLOCK_MONOTONIC; not believed from then on */
};

/* How an outer packet leaves. */
struct mipflow_way {
  struct mipflow_address source;      /* of the outer header */
  struct mipflow_address destination; /* not used without a header */
  struct mipflow_address next_hop;    /* on the uplink; `::` = ask the routing tables, without a header: the destination */
  __u32 uplink;
  __u32 header; /* enum mipflow_header */
  __u32 mtu;    /* of the uplink: longest outer packet */
  __u32 zero;
  struct mipflow_path_mtu path_mtu; /* written by the programs */
};

/* Map bindings, by binding id. A hash map and not an array: the kernel replaces a value of a hash map as a whole, a
 * packet never sees half of a move. */
struct mipflow_binding {
  struct mipflow_address home_address;
  struct mipflow_way way; /* from the care-of address to the home agent or to the correspondent node */
};

enum mipflow_header {
  MIPFLOW_HEADER_TUNNEL = 1,              /* IPv6-in-IPv6 */
  MIPFLOW_HEADER_HOME_ADDRESS_OPTION = 2, /* straight to the correspondent node */
  MIPFLOW_HEADER_NONE = 3,                /* as the uplink's own traffic; the flow's home address is way.source */
};

/* Map plain_bindings, an array of one: how many bindings have no header. While it is 0 the programs do not look for such flows
 * among the uplinks' own traffic. */

/* Map home_addresses. */
struct mipflow_home_address {
  __u32 default_binding; /* for packets of no known flow; 0 = there is none */
};

/* Map care_of_addresses. */
struct mipflow_care_of_address {
  __u32 interface;
};

/* Map fragments: what was decided for the first fragment of a packet, for those behind it, which have no ports. */
enum mipflow_direction { MIPFLOW_DEPARTING = 1, MIPFLOW_ARRIVING = 2 };
struct mipflow_fragment_key {
  struct mipflow_address source; /* as they come, before rewriting */
  struct mipflow_address destination;
  __u32 identification;
  __u32 direction;
};
struct mipflow_fragment {
  struct mipflow_address rewritten; /* departing: new source; arriving: new destination */
  __u32 binding;                    /* departing only */
  __u32 slot;
};

/* ---- correspondent node, and home agent as one ---- */

/* Map correspondent_bindings, by struct mipflow_pair. */
struct mipflow_correspondent_binding {
  struct mipflow_address care_of_address;
  struct mipflow_address previous_care_of_address; /* `::` = none */
  /* CLOCK_BOOTTIME, up to a second old; written by the loader first, then by the programs, like what follows. */
  __u64 last_used_ns;
  struct mipflow_path_mtu path_mtu;
  /* The daemon's own, which has it back after a restart: when the lifetime ends (CLOCK_BOOTTIME; 0 = not told), and the sequence
   * number of the last Binding Update. */
  __u64 ends_ns;
  __u32 sequence;
  __u32 zero;
};

/* ---- home agent ---- */

/* Map tunnels, by home address. */
struct mipflow_tunnel {
  struct mipflow_address care_of_address; /* outer destination */
  struct mipflow_address home_agent;      /* outer source */
  struct mipflow_path_mtu path_mtu;       /* written by the programs */
  __u32 slot;                             /* index into map tunnel_activity */
  __u32 zero;
};

/* Map tunnel_activity: an array that the loader maps into its memory. What went into a tunnel since the loader last took it
 * out, apart from the tunnels themselves: those are replaced when a mobile node moves, and reading a million of them each
 * second would cost more than these 16 octets each. */
struct mipflow_tunnel_activity {
  __u64 packets;
  __u64 octets; /* of inner packets */
};

/* Map tunnel_activity_wanted, an array of one: not 0 since the loader takes something out of tunnel_activity. Until then the
 * programs leave it alone: with very many tunnels it is one more place in memory that no cache has. */

/* Key of map tunnel_sources: what reverse-tunnelled packets are accepted from. Key of map unbound_sources: home address and
 * care-of address of a packet that no binding permits. */
struct mipflow_tunnel_source {
  struct mipflow_address home_address;    /* inner source */
  struct mipflow_address care_of_address; /* outer source */
};

/* Key of map watched_addresses. */
struct mipflow_watched {
  struct mipflow_address address;
  __u32 interface;
};

/* ---- from the kernel to the daemon ---- */

#define MIPFLOW_CAPTURE_OCTETS 2048

enum mipflow_record_kind {
  MIPFLOW_RECORD_PACKET = 1,
  MIPFLOW_RECORD_FLOW_CLOSED = 2,
  MIPFLOW_RECORD_UNBOUND_SOURCE = 3,
};

/* Record of the ring: a packet as it was on the wire, from its IPv6 header on. */
struct mipflow_packet_record {
  __u32 kind; /* MIPFLOW_RECORD_PACKET */
  __u32 interface;
  struct mipflow_address tunnel_source; /* outer source when the packet came out of a tunnel, else `::` */
  __u8 link_layer_source[6];
  __u8 has_link_layer_source;
  __u8 zero;
  __u32 octets; /* of `packet` */
  __u8 packet[MIPFLOW_CAPTURE_OCTETS];
};

struct mipflow_flow_closed_record {
  __u32 kind; /* MIPFLOW_RECORD_FLOW_CLOSED */
  __u32 zero;
  __u64 flow_id;
  struct mipflow_flow_key key; /* of map departures */
};

/* Home agent: a reverse-tunnelled packet was dropped because its source is not in map tunnel_sources. */
struct mipflow_unbound_source_record {
  __u32 kind; /* MIPFLOW_RECORD_UNBOUND_SOURCE */
  __u32 zero;
  struct mipflow_tunnel_source source;
};

/* Map counters, one value per processor. MIPFLOW_COUNTERS(X) is the only list: name, meaning. */
#define MIPFLOW_COUNTERS(X)                                                                                    \
  X(tunnelled_out, "packets sent through a tunnel")                                                            \
  X(tunnelled_in, "packets accepted from a tunnel")                                                            \
  X(no_binding, "dropped: no binding for the source address")                                                  \
  X(no_route, "dropped: no route to the other end of the tunnel")                                              \
  X(not_forwardable, "dropped: link-local, multicast or malformed packet on the way into a tunnel")            \
  X(too_big, "dropped: longer than the uplink can carry, answered with Packet Too Big")                        \
  X(wrong_tunnel_source, "dropped: tunnelled packet for us from somebody who is not the other end")            \
  X(inner_refused, "dropped: tunnelled packet whose inner packet must not come out of a tunnel")               \
  X(congestion_lost, "dropped: congestion mark on the outer header only (RFC 6040)")                           \
  X(rewriting_failed, "dropped: address could not be rewritten")                                               \
  X(encapsulation_failed, "dropped: no room for the outer header")                                             \
  X(fragmented_out, "packets that needed two outer fragments")                                                 \
  X(reassembled_in, "packets put together from two outer fragments")                                           \
  X(errors_translated, "ICMPv6 errors whose quoted packet was rewritten for the receiver")                     \
  X(packet_too_big_relayed, "Packet Too Big from inside a tunnel handed on to the sender")                     \
  X(fragments_unmatched, "later fragments without a first one: sent by their source address")                  \
  X(signalling, "Mobile IPv6 signalling handed to the daemon")                                                 \
  X(ring_full, "signalling dropped because the daemon does not read it")                                       \
  X(signalling_too_long, "signalling dropped because it is longer than a record")                              \
  X(flows_closed, "TCP flows seen to end")                                                                     \
  X(unbound_sources_told, "dropped packets of an unknown binding that the daemon was told of")                 \
  X(route_optimized_out, "packets sent with a Home Address option or a type 2 routing header")                 \
  X(route_optimized_in, "packets accepted with a Home Address option or a type 2 routing header")              \
  X(plain_out, "packets of bypassed flows sent without a header, from the uplink's own address")              \
  X(plain_in, "packets of bypassed flows accepted on the uplink's own address")                               \
  X(not_optimized, "packets of a direct path sent by way of the home agent: headers or length")               \
  X(routing_header_refused, "dropped: type 2 routing header that does not match")                              \
  X(home_address_option_refused, "dropped: Home Address option that no binding permits")                       \
  X(optimized_errors, "ICMPv6 errors about route-optimised packets handed to the daemon")                       \
  X(unbound_destinations, "packets to home addresses that nobody has bound, left to the routing tables")

enum mipflow_counter {
#define MIPFLOW_COUNTER_NUMBER(name, meaning) MIPFLOW_COUNT_##name,
  MIPFLOW_COUNTERS(MIPFLOW_COUNTER_NUMBER)
#undef MIPFLOW_COUNTER_NUMBER
      MIPFLOW_COUNTER_TOTAL
};

#endif
