/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Reading a packet's headers. Every read is a bounded copy (bpf_skb_load_bytes), so nothing has to be linear and no
 * pointer goes stale when a helper changes the packet. */
#ifndef MIPFLOW_DATAPATH_PACKET_H
#define MIPFLOW_DATAPATH_PACKET_H

#include "common.h"

/* RFC 8200 §3 */
struct ipv6_header {
  __be32 version_class_label;
  __be16 payload_octets;
  __u8 next_header;
  __u8 hop_limit;
  struct mipflow_address source;
  struct mipflow_address destination;
};

#define HOP_LIMIT 7 /* octets to it */

enum {
  MOBILITY_HEADER = 135,
  TCP_FIN = 0x01,
  TCP_SYN = 0x02,
  TCP_RST = 0x04,
  TCP_ACK = 0x10,
  ICMPV6_PACKET_TOO_BIG = 2,
  ICMPV6_LAST_ERROR = 127,
  ICMPV6_ECHO_REQUEST = 128,
  ICMPV6_ECHO_REPLY = 129,
  ICMPV6_ROUTER_SOLICITATION = 133,
  ICMPV6_NEIGHBOR_SOLICITATION = 135,
  ICMPV6_NEIGHBOR_ADVERTISEMENT = 136,
  ICMPV6_REDIRECT = 137,
  ICMPV6_HOME_AGENT_REQUEST = 144, /* to 147: RFC 6275 §6.5 to §6.8 */
  ICMPV6_PREFIX_ADVERTISEMENT = 147,
};

struct packet {
  struct mipflow_address source;
  struct mipflow_address destination;
  __be32 version_class_label;
  __u32 start;         /* offset of the IPv6 header in the skb */
  __u32 upper;         /* offset of the upper layer, or of what stands behind a later fragment's header */
  __be32 identification;
  __u32 sequence;      /* TCP */
  __be16 source_port;  /* as in struct mipflow_flow_key */
  __be16 destination_port;
  __u16 payload_octets;
  /* Octets from `start` to a type 2 routing header, and to the octet that announces it. 0: there is none. */
  __u16 routing_header;
  __u16 routing_header_announced;
  __u8 upper_octets;   /* length of a TCP or UDP header, 0 for others */
  __u8 protocol;       /* of the upper layer */
  __u8 tcp_flags;
  __u8 icmpv6_type;
  bool is_fragment;
  bool is_later_fragment;
  bool has_destination_options;
  bool has_routers_headers; /* hop-by-hop options or a routing header: nothing may be put in front of them */
};

#define TYPE_2_ROUTING_HEADER 2
/* In packet.routing_header: there are several, or it stands behind the Fragment header (RFC 6275 §6.4.1). */
#define MISPLACED_ROUTING_HEADER 0xffff

/* Extension headers in front of the upper layer that are looked behind; a packet with more is one of an unknown
 * protocol, which is harmless: it is no signalling and belongs to the flow "other" of its addresses. */
#define MAXIMUM_EXTENSION_HEADERS 6

/* The IPv6 header at `start`. False when there is none. */
static __always_inline bool read_ipv6_header(struct __sk_buff *skb, __u32 start, struct packet *packet)
{
  struct ipv6_header header;

  if (bpf_skb_load_bytes(skb, start, &header, sizeof(header)))
    return false;
  if ((header.version_class_label & bpf_htonl(0xf0000000)) != bpf_htonl(0x60000000))
    return false;
  packet->source = header.source;
  packet->destination = header.destination;
  packet->version_class_label = header.version_class_label;
  packet->payload_octets = bpf_ntohs(header.payload_octets);
  packet->start = start;
  packet->upper = start + IPV6_HEADER;
  packet->protocol = header.next_header;
  packet->upper_octets = 0;
  packet->identification = 0;
  packet->sequence = 0;
  packet->source_port = 0;
  packet->destination_port = 0;
  packet->tcp_flags = 0;
  packet->icmpv6_type = 0;
  packet->is_fragment = false;
  packet->is_later_fragment = false;
  packet->has_destination_options = false;
  packet->has_routers_headers = false;
  packet->routing_header = 0;
  packet->routing_header_announced = 0;
  return true;
}

/* Moves packet->protocol and packet->upper behind the extension headers. False when they are cut.
 * Not static, like some functions below: the kernel's verifier then looks through it once and not once per call, and
 * wants to see that a pointer is not NULL. */
__noinline bool skip_extension_headers(struct __sk_buff *skb, struct packet *packet)
{
  __u16 announced = 6; /* the octet that says what stands at packet->upper */

  if (!packet)
    return false;
  for (int i = 0; i < MAXIMUM_EXTENSION_HEADERS; ++i) {
    struct {
      __u8 next_header;
      __u8 length;
      union {
        __be16 fragment_offset;
        __u8 routing_type;
      };
      __be32 identification;
    } header;

    switch (packet->protocol) {
    case IPPROTO_HOPOPTS:
    case IPPROTO_DSTOPTS:
    case IPPROTO_ROUTING:
    case IPPROTO_FRAGMENT:
      break;
    default:
      return true;
    }
    if (bpf_skb_load_bytes(skb, packet->upper, &header, sizeof(header)))
      return false;
    if (packet->protocol == IPPROTO_FRAGMENT) {
      packet->is_fragment = true;
      packet->identification = header.identification;
      packet->upper += sizeof(header);
      packet->protocol = header.next_header;
      if (header.fragment_offset & bpf_htons(0xfff8)) {
        packet->is_later_fragment = true;
        return true;
      }
      continue;
    }
    if (packet->protocol == IPPROTO_DSTOPTS)
      packet->has_destination_options = true;
    else
      packet->has_routers_headers = true;
    if (packet->protocol == IPPROTO_ROUTING && header.routing_type == TYPE_2_ROUTING_HEADER) {
      bool misplaced = packet->is_fragment || packet->routing_header;

      packet->routing_header = misplaced ? MISPLACED_ROUTING_HEADER : packet->upper - packet->start;
      packet->routing_header_announced = announced;
    }
    announced = packet->upper - packet->start;
    packet->protocol = header.next_header;
    packet->upper += ((__u32)header.length + 1) * 8;
  }
  return true;
}

/* Ports, TCP flags, ICMPv6 type. False when the upper layer is cut in front of them. */
static __always_inline bool read_upper_layer(struct __sk_buff *skb, struct packet *packet)
{
  struct {
    __be16 ports[2];
    __be32 sequence;
    __be32 acknowledgment;
    __u8 data_offset;
    __u8 flags;
  } upper;

  if (packet->is_later_fragment)
    return true;
  switch (packet->protocol) {
  case IPPROTO_TCP:
    if (bpf_skb_load_bytes(skb, packet->upper, &upper, 14))
      return false;
    packet->tcp_flags = upper.flags;
    packet->sequence = bpf_ntohl(upper.sequence);
    packet->upper_octets = (upper.data_offset >> 4) * 4;
    break;
  case IPPROTO_UDP:
    if (bpf_skb_load_bytes(skb, packet->upper, &upper, 4))
      return false;
    packet->upper_octets = 8;
    break;
  case IPPROTO_SCTP:
    if (bpf_skb_load_bytes(skb, packet->upper, &upper, 4))
      return false;
    break;
  case IPPROTO_ICMPV6: {
    struct {
      __u8 type;
      __u8 code;
      __be16 checksum;
      __be16 identifier;
      __be16 sequence;
    } icmpv6;

    if (bpf_skb_load_bytes(skb, packet->upper, &icmpv6, sizeof(icmpv6)))
      return false;
    packet->icmpv6_type = icmpv6.type;
    if (icmpv6.type != ICMPV6_ECHO_REQUEST && icmpv6.type != ICMPV6_ECHO_REPLY)
      return true;
    upper.ports[0] = upper.ports[1] = icmpv6.identifier;
    break;
  }
  default:
    return true;
  }
  packet->source_port = upper.ports[0];
  packet->destination_port = upper.ports[1];
  return true;
}

static __always_inline bool read_packet(struct __sk_buff *skb, __u32 start, struct packet *packet)
{
  return read_ipv6_header(skb, start, packet) && skip_extension_headers(skb, packet) && read_upper_layer(skb, packet);
}

static __always_inline bool is_icmpv6_error(const struct packet *packet)
{
  return packet->protocol == IPPROTO_ICMPV6 && !packet->is_later_fragment && packet->icmpv6_type <= ICMPV6_LAST_ERROR;
}

static __always_inline bool is_neighbor_discovery(const struct packet *packet)
{
  return packet->protocol == IPPROTO_ICMPV6 && !packet->is_later_fragment &&
         packet->icmpv6_type >= ICMPV6_ROUTER_SOLICITATION && packet->icmpv6_type <= ICMPV6_REDIRECT;
}

/* Mobility Header, or one of the four ICMPv6 messages of Mobile IPv6. Fragments are no signalling: who hands signalling
 * on would have to reassemble it, and none of it is long enough to be fragmented. */
static __always_inline bool is_signalling(const struct packet *packet)
{
  if (packet->is_fragment)
    return false;
  if (packet->protocol == MOBILITY_HEADER)
    return true;
  return packet->protocol == IPPROTO_ICMPV6 && packet->icmpv6_type >= ICMPV6_HOME_AGENT_REQUEST &&
         packet->icmpv6_type <= ICMPV6_PREFIX_ADVERTISEMENT;
}

/* Longest inner packet that leaves the interface: of a segment when the network card or the kernel cuts the packet up. */
static __always_inline __u32 longest_segment(struct __sk_buff *skb, const struct packet *packet)
{
  if (skb->gso_size)
    return packet->upper + packet->upper_octets - packet->start + skb->gso_size;
  return skb->len - packet->start;
}

/* How many packets it is on the wire, and of how many octets together: a large one that the network card or the kernel cuts
 * up is many, each with its own headers. Returns the octets behind the upper layer's header. */
static __always_inline __u32 size_on_the_wire(struct __sk_buff *skb, const struct packet *packet, __u64 *packets,
                                              __u64 *octets)
{
  __u32 headers = packet->upper + packet->upper_octets - packet->start;
  __u32 payload;

  *packets = 1;
  *octets = skb->len - packet->start;
  if (*octets <= headers)
    return 0;
  payload = *octets - headers;
  if (skb->gso_size) {
    *packets = (payload + skb->gso_size - 1) / skb->gso_size;
    *octets += (*packets - 1) * headers;
  }
  return payload;
}

#endif
