/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the eBPF programs and the loader share: keys and values of every map, and the settings that are fixed when the
 * programs are loaded. Addresses and ports are in network byte order, everything else in the host's.
 *
 * Whoever changes a key or a value counts MIPFLOW_LAYOUT_VERSION up: the next daemon then replaces pinned maps of
 * another version instead of misreading them. */
#ifndef MIPFLOW_DATAPATH_LAYOUT_H
#define MIPFLOW_DATAPATH_LAYOUT_H

#include <linux/types.h>

#define MIPFLOW_LAYOUT_VERSION 2

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

/* Map activity: an array that the loader maps into its memory, so that reading it costs the kernel nothing. One cache
 * line per flow. */
struct mipflow_activity {
  __u64 packets_out;
  __u64 octets_out;
  __u64 packets_in;
  __u64 octets_in;
  __u64 last_seen_ns; /* CLOCK_BOOTTIME */
  __u64 flow_id;      /* written by the loader */
  __u32 tcp_state;    /* enum mipflow_tcp_state */
  __u32 zero[3];
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
  struct mipflow_address destination;
  struct mipflow_address next_hop;    /* on the uplink; `::` = ask the routing tables */
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
  struct mipflow_way way; /* from the care-of address to the home agent */
};

enum mipflow_header {
  MIPFLOW_HEADER_TUNNEL = 1, /* IPv6-in-IPv6 */
};

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

/* ---- home agent ---- */

/* Map tunnels, by home address. */
struct mipflow_tunnel {
  struct mipflow_address care_of_address; /* outer destination */
  struct mipflow_address home_agent;      /* outer source */
  struct mipflow_path_mtu path_mtu;       /* written by the programs */
};

/* Key of map tunnel_sources: what reverse-tunnelled packets are accepted from. */
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
  X(unbound_sources_told, "dropped tunnelled packets whose source the daemon was told of")

enum mipflow_counter {
#define MIPFLOW_COUNTER_NUMBER(name, meaning) MIPFLOW_COUNT_##name,
  MIPFLOW_COUNTERS(MIPFLOW_COUNTER_NUMBER)
#undef MIPFLOW_COUNTER_NUMBER
      MIPFLOW_COUNTER_TOTAL
};

#endif
