/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Packet Too Big at a tunnel's entrance, RFC 2473 §7 and §8. */
#ifndef MIPFLOW_DATAPATH_PACKET_TOO_BIG_H
#define MIPFLOW_DATAPATH_PACKET_TOO_BIG_H

#include "packet.h"
#include "tunnel.h"

#define QUOTED_OCTETS (MINIMUM_MTU - IPV6_HEADER - ICMPV6_ERROR_HEADER) /* RFC 4443 §2.4 (c) */
#define CHECKSUM_STEP 32
#define RENEWED_OCTETS 64 /* more than link-layer and IPv6 header */

/* One's complement sum of `octets` from `start` on; anything behind MINIMUM_MTU is left out. */
__noinline __s64 sum_of(struct __sk_buff *skb, __u32 start, __u32 octets, __u32 seed)
{
  __u32 chunk[CHECKSUM_STEP / 4];
  __s64 sum = seed;

  for (__u32 done = 0; done < MINIMUM_MTU; done += CHECKSUM_STEP) {
    __u32 left = octets - done;

    if (done >= octets)
      break;
    if (left >= CHECKSUM_STEP) {
      if (bpf_skb_load_bytes(skb, start + done, chunk, CHECKSUM_STEP))
        return -1;
    } else {
      __builtin_memset(chunk, 0, sizeof(chunk));
      /* 1 to CHECKSUM_STEP, said in a way that the verifier of Linux 6.1 understands. */
      left -= 1;
      barrier_var(left);
      left &= CHECKSUM_STEP - 1;
      if (bpf_skb_load_bytes(skb, start + done, chunk, left + 1))
        return -1;
    }
    sum = bpf_csum_diff(NULL, 0, chunk, CHECKSUM_STEP, sum);
    if (sum < 0)
      return -1;
  }
  return sum;
}

/* The 16 bits that a checksum is made of. */
static __always_inline __u16 folded(__u64 sum)
{
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

/* Turns the packet at the front of the skb (behind an Ethernet header) into the answer to it: an ICMPv6 Packet Too Big
 * with `mtu` that quotes it, from `source`, and sends it into mip0's ingress, from where the kernel delivers or forwards
 * it. */
static __noinline int answer_packet_too_big(struct __sk_buff *skb, const struct packet *packet,
                                            const struct mipflow_address *source, __u32 mtu)
{
  struct {
    struct ipv6_header ipv6;
    __u8 type;
    __u8 code;
    __be16 checksum;
    __be32 mtu;
  } header = {};
  __u8 renewed[RENEWED_OCTETS];
  __u32 quoted = skb->len - ETHERNET_HEADER;
  __s64 sum;

  if (quoted > QUOTED_OCTETS)
    quoted = QUOTED_OCTETS;
  if (bpf_skb_change_tail(skb, ETHERNET_HEADER + quoted, 0) ||
      bpf_skb_load_bytes(skb, ETHERNET_HEADER, renewed, sizeof(renewed)))
    return TC_ACT_SHOT;
  header.ipv6.version_class_label = bpf_htonl(0x60000000);
  header.ipv6.payload_octets = bpf_htons(quoted + ICMPV6_ERROR_HEADER);
  header.ipv6.next_header = IPPROTO_ICMPV6;
  header.ipv6.hop_limit = OUTER_HOP_LIMIT;
  header.ipv6.source = *source;
  header.ipv6.destination = packet->source;
  header.type = ICMPV6_PACKET_TOO_BIG;
  header.mtu = bpf_htonl(mtu);

  /* Pseudo header: addresses, length, next header. The length field of the message is that of the IPv6 header. */
  sum = bpf_csum_diff(NULL, 0, header.ipv6.source.word, 2 * sizeof(*source),
                      bpf_htons(IPPROTO_ICMPV6) + (__u32)header.ipv6.payload_octets);
  sum = bpf_csum_diff(NULL, 0, (__be32 *)&header.type, ICMPV6_ERROR_HEADER, sum);
  sum = sum_of(skb, ETHERNET_HEADER, quoted, sum);
  if (sum < 0)
    return TC_ACT_SHOT;
  header.checksum = (__be16)~folded(sum);

  /* A packet whose checksum was left to the network card would have it filled in on its way back, in the middle of what
   * is quoted. The kernel forgets that plan when the place is cut off, so the front is cut off and put on again. */
  if (bpf_skb_adjust_room(skb, -(__s32)sizeof(renewed), BPF_ADJ_ROOM_MAC, 0) ||
      bpf_skb_adjust_room(skb, sizeof(header) + sizeof(renewed), BPF_ADJ_ROOM_MAC, 0) ||
      bpf_skb_store_bytes(skb, ETHERNET_HEADER, &header, sizeof(header), 0) ||
      bpf_skb_store_bytes(skb, ETHERNET_HEADER + sizeof(header), renewed, sizeof(renewed), 0))
    return TC_ACT_SHOT;
  return redirect_to_mip0(skb, ETHERNET_HEADER);
}

/* RFC 4443 §2.4 (e): no error about an error, nor about what was not sent to a single node. */
static __always_inline bool may_be_answered(const struct packet *packet)
{
  return !is_icmpv6_error(packet) && may_be_tunnelled(&packet->source);
}

/* Longest outer packet of a path whose first link carries `link_mtu`. */
static __always_inline __u32 path_mtu(__u32 link_mtu, const struct mipflow_path_mtu *said)
{
  if (said->octets == 0 || said->octets >= link_mtu || bpf_ktime_get_ns() >= said->until_ns)
    return link_mtu;
  return said->octets;
}

/* Remembers what a router said about a path. RFC 8201 §4: nothing below 1280 is believed, and nothing that is no less. */
static __always_inline void lower_path_mtu(struct mipflow_path_mtu *known, __u32 said)
{
  if (said < MINIMUM_MTU || said >= path_mtu(~0u, known))
    return;
  known->octets = said;
  known->until_ns = bpf_ktime_get_ns() + settings.path_mtu_lifetime_ns;
}

/* What is left for a packet that gets so many octets of headers. */
static __always_inline __u32 inner_mtu(__u32 outer_mtu, __u32 header)
{
  return outer_mtu < MINIMUM_MTU + header ? MINIMUM_MTU : outer_mtu - header;
}

#endif
