/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Replacing an address of a packet, with every checksum that covers it. */
#ifndef MIPFLOW_DATAPATH_REWRITING_H
#define MIPFLOW_DATAPATH_REWRITING_H

#include "packet.h"

/* Where a protocol keeps the checksum that covers the pseudo header of RFC 8200 §8.1; -1 when it has none.
 * The loader refuses flows of other protocols that would have to be rewritten (loader: can_be_rewritten()). */
static __always_inline int checksum_offset(__u8 protocol)
{
  switch (protocol) {
  case IPPROTO_TCP:
    return 16;
  case IPPROTO_UDP:
  case IPPROTO_UDPLITE:
  case IPPROTO_DCCP:
    return 6;
  case IPPROTO_ICMPV6:
    return 2;
  default:
    return -1; /* SCTP: its CRC does not cover addresses */
  }
}

/* Whether a checksum of zero is none (UDP over IPv6 in a tunnel, RFC 6935; UDP-Lite has no use for it, RFC 3828 §3.1): one that
 * is computed as zero is sent as ones. */
static __always_inline bool zero_is_no_checksum(__u8 protocol)
{
  return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

enum address_place { SOURCE_ADDRESS = 8, DESTINATION_ADDRESS = 24 };

static __always_inline struct mipflow_address *address_at(struct packet *packet, enum address_place place)
{
  return place == SOURCE_ADDRESS ? &packet->source : &packet->destination;
}

/* Replaces source or destination of the IPv6 packet at packet->start by `to`. 0 or a negative error.
 *
 * About skbs with a checksum over the whole packet (CHECKSUM_COMPLETE): with BPF_F_PSEUDO_HDR the first helper takes
 * the difference out of that sum, as IPv4 needs it, whose header sums up to zero; with BPF_F_RECOMPUTE_CSUM the second
 * one puts it in again. */
static __always_inline long rewrite_address(struct __sk_buff *skb, struct packet *packet, enum address_place place,
                                            const struct mipflow_address *to)
{
  struct mipflow_address *from = address_at(packet, place);
  int checksum = packet->is_later_fragment ? -1 : checksum_offset(packet->protocol);

  if (checksum >= 0) {
    __s64 difference = bpf_csum_diff(from->word, sizeof(*from), (__u32 *)to->word, sizeof(*to), 0);
    __u64 flags = BPF_F_PSEUDO_HDR;
    long error;

    if (zero_is_no_checksum(packet->protocol))
      flags |= BPF_F_MARK_MANGLED_0; /* what has none stays without */
    error = bpf_l4_csum_replace(skb, packet->upper + checksum, 0, difference, flags);
    if (error)
      return error;
  }
  *from = *to;
  return bpf_skb_store_bytes(skb, packet->start + place, to, sizeof(*to), BPF_F_RECOMPUTE_CSUM);
}

/* The same for an ICMPv6 error: replaces the address of the error itself at `place`, and in the packet that it quotes
 * (`quoted`) the one on the other side, as the node that receives the error sent it or saw it.
 * The quoted packet may be cut; its checksum is put right when it is there. */
static __always_inline long rewrite_error(struct __sk_buff *skb, struct packet *error, struct packet *quoted,
                                          enum address_place place, const struct mipflow_address *to)
{
  enum address_place quoted_place = place == SOURCE_ADDRESS ? DESTINATION_ADDRESS : SOURCE_ADDRESS;
  struct mipflow_address *from = address_at(quoted, quoted_place);
  __u32 error_checksum = error->upper + 2;
  int quoted_checksum = quoted->is_later_fragment ? -1 : checksum_offset(quoted->protocol);
  __s64 difference = bpf_csum_diff(from->word, sizeof(*from), (__u32 *)to->word, sizeof(*to), 0);
  __be16 before, after;
  long result;

  /* The quoted packet is what the ICMPv6 checksum covers as data: data and checksum change by the same amount, so a sum
   * over the whole packet does not change. */
  if (quoted_checksum >= 0 && !bpf_skb_load_bytes(skb, quoted->upper + quoted_checksum, &before, sizeof(before)) &&
      !(before == 0 && zero_is_no_checksum(quoted->protocol))) {
    __u32 sum = (__u16)~before;

    /* One's complement: the checksum falls by what the address grows. */
    sum += (__u32)difference & 0xffff;
    sum += (__u32)difference >> 16;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    after = (__be16)~sum;
    if (after == 0 && zero_is_no_checksum(quoted->protocol))
      after = 0xffff;
    result = bpf_skb_store_bytes(skb, quoted->upper + quoted_checksum, &after, sizeof(after), 0);
    if (!result)
      result = bpf_l4_csum_replace(skb, error_checksum, before, after, sizeof(after));
    if (result)
      return result;
  }
  result = bpf_l4_csum_replace(skb, error_checksum, 0, difference, 0);
  if (!result)
    result = bpf_skb_store_bytes(skb, quoted->start + quoted_place, to, sizeof(*to), 0);
  if (result)
    return result;
  *from = *to;
  return rewrite_address(skb, error, place, to);
}

/* Reads the packet that an ICMPv6 error quotes, as far as its ports. */
static __always_inline bool read_quoted_packet(struct __sk_buff *skb, const struct packet *error, struct packet *quoted)
{
  return read_packet(skb, error->upper + ICMPV6_ERROR_HEADER, quoted);
}

#endif
