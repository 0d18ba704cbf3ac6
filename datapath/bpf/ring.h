/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Handing packets to the daemon. The ring is bounded: what does not fit is counted and lost, like on a wire. */
#ifndef MIPFLOW_DATAPATH_RING_H
#define MIPFLOW_DATAPATH_RING_H

#include "packet.h"

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);
} ring SEC(".maps");

static __always_inline __u32 octets_of(struct __sk_buff *skb, const struct packet *packet)
{
  __u32 octets = (__u32)packet->payload_octets + IPV6_HEADER;

  if (packet->start + octets > skb->len)
    octets = skb->len - packet->start; /* cut on the wire: the receiver will say so */
  return octets;
}

/* Copies 1 to MIPFLOW_CAPTURE_OCTETS octets of the packet whose IPv6 header stands at packet->start. `link_layer_header` is
 * the length of the uplink's. */
static __noinline void hand_over_octets(struct __sk_buff *skb, const struct packet *packet, __u32 octets,
                                        const struct mipflow_address *tunnel_source, __u32 link_layer_header)
{
  struct mipflow_packet_record *record;
  __u32 last;

  record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
  if (!record) {
    count(MIPFLOW_COUNT_ring_full);
    return;
  }
  __builtin_memset(record, 0, __builtin_offsetof(struct mipflow_packet_record, packet));
  record->kind = MIPFLOW_RECORD_PACKET;
  record->interface = skb->ifindex;
  if (tunnel_source)
    record->tunnel_source = *tunnel_source;
  if (link_layer_header == ETHERNET_HEADER &&
      !bpf_skb_load_bytes(skb, 6, record->link_layer_source, sizeof(record->link_layer_source)))
    record->has_link_layer_source = 1;
  record->octets = octets;
  /* 1 to MIPFLOW_CAPTURE_OCTETS, said in a way that the verifier of Linux 6.1 understands. */
  last = octets - 1;
  barrier_var(last);
  last &= MIPFLOW_CAPTURE_OCTETS - 1;
  if (bpf_skb_load_bytes(skb, packet->start, record->packet, last + 1)) {
    bpf_ringbuf_discard(record, 0);
    return;
  }
  bpf_ringbuf_submit(record, 0);
  count(MIPFLOW_COUNT_signalling);
}

/* The whole packet. */
static __always_inline void hand_over(struct __sk_buff *skb, const struct packet *packet,
                                      const struct mipflow_address *tunnel_source, __u32 link_layer_header)
{
  __u32 octets = octets_of(skb, packet);

  if (octets == 0 || octets > MIPFLOW_CAPTURE_OCTETS) {
    count(MIPFLOW_COUNT_signalling_too_long);
    return;
  }
  hand_over_octets(skb, packet, octets, tunnel_source, link_layer_header);
}

/* As much of it as a record holds: its headers say what the daemon has to know. */
static __always_inline void hand_over_beginning(struct __sk_buff *skb, const struct packet *packet,
                                                __u32 link_layer_header)
{
  __u32 octets = octets_of(skb, packet);

  if (octets > MIPFLOW_CAPTURE_OCTETS)
    octets = MIPFLOW_CAPTURE_OCTETS;
  if (octets)
    hand_over_octets(skb, packet, octets, NULL, link_layer_header);
}

#endif
