/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Links that carry 1280 octets and a few more, but not 1280 and an outer header: every packet up to 1280 octets has to get
 * through all the same, so the outer packet is fragmented at the tunnel's entrance and put together at its exit (RFC 2473
 * §7.1). Such a packet always makes exactly two fragments; the exit does not put together more. */
#ifndef MIPFLOW_DATAPATH_OUTER_FRAGMENTS_H
#define MIPFLOW_DATAPATH_OUTER_FRAGMENTS_H

#include "packet.h"
#include "packet_too_big.h"
#include "rewriting.h"
#include "tunnel.h"

#define FRAGMENT_HEADER 8
/* About what the second fragment carries. Not as little as possible: the kernel does not let a packet be cut in front of
 * where it remembers the transport header to be. */
#define REST 256
#define LONGEST_REST 512 /* a power of two */
#define LONGEST_FRAGMENT 2048 /* a power of two */

struct outer_headers {
  struct ipv6_header ipv6;
  __u8 next_header;
  __u8 reserved;
  __be16 offset; /* lowest bit: more follow */
  __be32 identification;
};

/* One fragment that waits for the other one. Bounded: the oldest makes room. */
struct held_fragment_key {
  struct mipflow_address source;
  struct mipflow_address destination;
  __u32 identification;
  __u32 is_last;
};
struct held_fragment {
  __u32 offset;
  __u32 octets;
  __u8 data[LONGEST_FRAGMENT];
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 128);
  __type(key, struct held_fragment_key);
  __type(value, struct held_fragment);
} held_fragments SEC(".maps");

/* What does not fit onto the stack; a processor works on one packet at a time. */
struct fragment_workspace {
  struct outer_headers headers;
  struct mipflow_way way;
  __u32 sending_first;
  __u32 zero;
  __u8 front[RENEWED_OCTETS];
  __u8 tail[LONGEST_REST];
  struct held_fragment in_hand;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct fragment_workspace);
} fragment_workspace SEC(".maps");

/* ---- entrance ---- */

/* Computes the transport checksum that was left to the network card, which can not do that for a fragment. A checksum
 * that holds nothing but the sum of the pseudo header was left; should a finished one look the same, the result is the
 * same too. */
static __noinline long finish_checksum(struct __sk_buff *skb, const struct packet *packet)
{
  int place = packet->is_fragment ? -1 : checksum_offset(packet->protocol);
  __u32 octets = skb->len - packet->upper;
  __be16 checksum;
  __s64 sum;

  if (place < 0)
    return 0;
  if (bpf_skb_load_bytes(skb, packet->upper + place, &checksum, sizeof(checksum)))
    return -EINVAL;
  sum = bpf_csum_diff(NULL, 0, (__be32 *)packet->source.word, sizeof(packet->source),
                      bpf_htons(packet->protocol) + (__u32)bpf_htons(octets));
  sum = bpf_csum_diff(NULL, 0, (__be32 *)packet->destination.word, sizeof(packet->destination), sum);
  if (checksum != folded(sum))
    return 0;
  sum = sum_of(skb, packet->upper, octets, 0);
  if (sum < 0)
    return -EINVAL;
  checksum = ~folded(sum);
  if (checksum == 0 && zero_is_no_checksum(packet->protocol))
    checksum = 0xffff;
  return bpf_skb_store_bytes(skb, packet->upper + place, &checksum, sizeof(checksum), 0);
}

/* Where this packet goes when it is a first fragment that make_outer_fragments() sent through mip0 once more, or NULL. */
static __always_inline struct mipflow_way *way_of_first_fragment(const struct packet *packet)
{
  struct fragment_workspace *work;
  __u32 zero = 0;

  if (!packet->is_fragment)
    return NULL;
  work = bpf_map_lookup_elem(&fragment_workspace, &zero);
  return work && work->sending_first ? &work->way : NULL;
}

/* Makes two outer fragments of the packet behind the Ethernet header: a copy is sent as the first one, the skb becomes
 * the second one, which the caller sends. The helper that sends a copy can not ask for the neighbour's link-layer
 * address; so the copy goes to mip0, whose program runs for it before the helper returns and sends it on. */
static __noinline long make_outer_fragments(struct __sk_buff *skb, const struct packet *packet,
                                            const struct mipflow_way *way)
{
  __u32 zero = 0;
  struct fragment_workspace *work = bpf_map_lookup_elem(&fragment_workspace, &zero);
  __u32 first = (skb->len - ETHERNET_HEADER - REST) & ~7u;
  __u32 rest = skb->len - ETHERNET_HEADER - first;
  struct outer_headers *headers;

  rest -= 1;
  if (!work || rest >= LONGEST_REST || finish_checksum(skb, packet))
    return -EINVAL;
  headers = &work->headers;
  headers->ipv6.version_class_label = packet->version_class_label;
  headers->ipv6.next_header = IPPROTO_FRAGMENT;
  headers->ipv6.hop_limit = OUTER_HOP_LIMIT;
  headers->ipv6.source = way->source;
  headers->ipv6.destination = way->destination;
  headers->next_header = IPPROTO_IPV6;
  headers->reserved = 0;
  headers->identification = bpf_get_prandom_u32();
  barrier_var(rest);
  rest &= LONGEST_REST - 1;
  rest += 1;
  if (bpf_skb_load_bytes(skb, ETHERNET_HEADER + first, work->tail, rest) ||
      bpf_skb_change_tail(skb, ETHERNET_HEADER + first, 0) ||
      bpf_skb_load_bytes(skb, ETHERNET_HEADER, work->front, sizeof(work->front)))
    return -EINVAL;

  headers->ipv6.payload_octets = bpf_htons(FRAGMENT_HEADER + first);
  headers->offset = bpf_htons(1);
  /* The front off and on again: see answer_packet_too_big(). */
  if (bpf_skb_adjust_room(skb, -(__s32)sizeof(work->front), BPF_ADJ_ROOM_MAC, 0) ||
      bpf_skb_adjust_room(skb, sizeof(*headers) + sizeof(work->front), BPF_ADJ_ROOM_MAC, 0) ||
      bpf_skb_store_bytes(skb, ETHERNET_HEADER, headers, sizeof(*headers), 0) ||
      bpf_skb_store_bytes(skb, ETHERNET_HEADER + sizeof(*headers), work->front, sizeof(work->front), 0))
    return -EINVAL;
  work->way = *way;
  work->sending_first = 1;
  bpf_clone_redirect(skb, settings.mip0, 0);
  work->sending_first = 0;

  headers->ipv6.payload_octets = bpf_htons(FRAGMENT_HEADER + rest);
  headers->offset = bpf_htons(first);
  if (bpf_skb_change_tail(skb, ETHERNET_HEADER + sizeof(*headers) + rest, 0) ||
      bpf_skb_store_bytes(skb, ETHERNET_HEADER, headers, sizeof(*headers), 0) ||
      bpf_skb_store_bytes(skb, ETHERNET_HEADER + sizeof(*headers), work->tail, rest, 0))
    return -EINVAL;
  return 0;
}

/* Sends the packet behind the Ethernet header through the tunnel. `too_long`: with the outer header it is longer than
 * the path carries, but not longer than every link has to carry. Large packets that the kernel cuts up later are told to be cut
 * shorter, which it only does for TCP. */
static __noinline int enter_tunnel(struct __sk_buff *skb, const struct packet *packet, const struct mipflow_way *way,
                                   bool too_long)
{
  if (too_long && !skb->gso_size) {
    if (make_outer_fragments(skb, packet, way))
      return drop(MIPFLOW_COUNT_encapsulation_failed);
    count(MIPFLOW_COUNT_fragmented_out);
  } else if (put_on_outer_header(skb, packet, &way->source, &way->destination, too_long)) {
    return drop(MIPFLOW_COUNT_encapsulation_failed);
  }
  count(MIPFLOW_COUNT_tunnelled_out);
  return redirect_to_neighbour(skb, way->uplink, &way->next_hop);
}

/* ---- exit ---- */

enum reassembly { REASSEMBLY_HELD, REASSEMBLY_DONE, REASSEMBLY_NOT_OURS };

static __always_inline long put_fragment(struct __sk_buff *skb, __u32 place, const struct held_fragment *fragment)
{
  __u32 octets = fragment->octets - 1;

  barrier_var(octets);
  octets &= LONGEST_FRAGMENT - 1;
  return bpf_skb_store_bytes(skb, place, fragment->data, octets + 1, BPF_F_RECOMPUTE_CSUM);
}

/* `outer` is a fragment of a tunnelled packet. REASSEMBLY_DONE: the inner packet stands behind the link-layer header
 * now. */
static __noinline int put_together(struct __sk_buff *skb, const struct packet *outer, __u32 link_layer_header)
{
  struct held_fragment_key key = {
      .source = outer->source,
      .destination = outer->destination,
      .identification = outer->identification,
  };
  __u32 zero = 0, octets, end = outer->start + IPV6_HEADER + outer->payload_octets;
  struct fragment_workspace *work = bpf_map_lookup_elem(&fragment_workspace, &zero);
  const struct held_fragment *other, *first, *last;
  struct held_fragment *mine;
  __be16 offset;

  if (!work || end > skb->len || end <= outer->upper ||
      bpf_skb_load_bytes(skb, outer->upper - FRAGMENT_HEADER + 2, &offset, sizeof(offset)))
    return REASSEMBLY_NOT_OURS;
  mine = &work->in_hand;
  mine->offset = bpf_ntohs(offset) & 0xfff8;
  key.is_last = !(offset & bpf_htons(1));
  if (key.is_last == (mine->offset == 0))
    return REASSEMBLY_NOT_OURS; /* the only one, or one in the middle */
  octets = end - outer->upper - 1;
  if (octets >= LONGEST_FRAGMENT)
    return REASSEMBLY_NOT_OURS;
  barrier_var(octets);
  octets &= LONGEST_FRAGMENT - 1;
  mine->octets = octets + 1;
  if (bpf_skb_load_bytes(skb, outer->upper, mine->data, octets + 1))
    return REASSEMBLY_NOT_OURS;

  key.is_last = !key.is_last;
  other = bpf_map_lookup_elem(&held_fragments, &key);
  if (!other) {
    key.is_last = !key.is_last;
    bpf_map_update_elem(&held_fragments, &key, mine, BPF_ANY);
    return REASSEMBLY_HELD;
  }
  first = key.is_last ? mine : other;
  last = key.is_last ? other : mine;
  if (first->octets != last->offset ||
      bpf_skb_change_tail(skb, link_layer_header + first->octets + last->octets, 0) ||
      put_fragment(skb, link_layer_header, first) || put_fragment(skb, link_layer_header + first->octets, last))
    return REASSEMBLY_NOT_OURS;
  bpf_map_delete_elem(&held_fragments, &key);
  return REASSEMBLY_DONE;
}

#endif
