/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The mobile node's tables, and what is written down about each flow. */
#ifndef MIPFLOW_DATAPATH_FLOW_TABLES_H
#define MIPFLOW_DATAPATH_FLOW_TABLES_H

#include "packet.h"
#include "ring.h"

/* The loader sets the sizes. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct mipflow_flow_key);
  __type(value, struct mipflow_departure);
} departures SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct mipflow_flow_key);
  __type(value, struct mipflow_arrival);
} arrivals SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_MMAPABLE);
  __type(key, __u32);
  __type(value, struct mipflow_activity);
} activity SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct mipflow_binding);
} bindings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} plain_bindings SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct mipflow_address);
  __type(value, struct mipflow_home_address);
} home_addresses SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct mipflow_address);
  __type(value, struct mipflow_care_of_address);
} care_of_addresses SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct mipflow_address);
  __type(value, __u32);
} home_agents SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct mipflow_pair);
  __type(value, __u32);
} routing_header_sources SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, struct mipflow_fragment_key);
  __type(value, struct mipflow_fragment);
} fragments SEC(".maps");

static __always_inline struct mipflow_flow_key key_of(const struct packet *packet, bool departing)
{
  struct mipflow_flow_key key = {.protocol = packet->protocol};

  key.local = departing ? packet->source : packet->destination;
  key.correspondent = departing ? packet->destination : packet->source;
  key.local_port = departing ? packet->source_port : packet->destination_port;
  key.correspondent_port = departing ? packet->destination_port : packet->source_port;
  return key;
}

static __always_inline struct mipflow_fragment_key fragment_key_of(const struct packet *packet,
                                                                   enum mipflow_direction direction)
{
  struct mipflow_fragment_key key = {
      .source = packet->source,
      .destination = packet->destination,
      .identification = packet->identification,
      .direction = direction,
  };

  return key;
}

/* Counts segments that carry nothing that was not seen on this way before: what was lost behind here (out) or before here
 * (in), or was overtaken, or is thought to be lost by its sender.
 *
 * Not counted: segments without octets, and those of the one octet before the next one, which are keep-alives (RFC 9293
 * §3.8.4) or probes of a closed window. So a lost octet that was sent alone is not seen. A large packet that the kernel cuts up or has put
 * together is one range: it counts with all its segments, or when it has a new octet with none. */
static __always_inline void note_sequence(struct mipflow_direction_activity *way, struct mipflow_direction_activity *back,
                                          const struct packet *packet, __u32 octets, __u32 segments)
{
  bool opens = packet->tcp_flags & TCP_SYN;
  bool closes = packet->tcp_flags & TCP_FIN;
  __u32 range = octets + opens + closes;
  __u32 next = packet->sequence + range;
  __u32 ahead = next - way->next_sequence; /* modulo 2^32, as sequence numbers are */

  if (range == 0 || (packet->tcp_flags & TCP_RST))
    return;
  if (!way->sequence_known || (opens && ahead)) {
    if (opens && !(packet->tcp_flags & TCP_ACK))
      back->sequence_known = 0; /* the ports are used again */
    way->next_sequence = next;
    way->sequence_known = 1;
  } else if ((__s32)ahead > 0) {
    way->next_sequence = next;
  } else if (ahead || range > 1 || opens || closes) {
    __sync_fetch_and_add(&way->retransmissions, segments);
  }
}

/* Counters and the end of a flow. `key` is the one of map departures. */
__noinline int account(struct __sk_buff *skb, const struct packet *packet, __u32 slot, bool departing,
                       const struct mipflow_flow_key *key)
{
  struct mipflow_activity *flow = bpf_map_lookup_elem(&activity, &slot);
  struct mipflow_direction_activity *way, *back;
  struct mipflow_flow_closed_record *record;
  __u64 octets, packets, now, gap;
  __u32 state, payload;

  if (!flow || !packet || !key)
    return 0;
  way = departing ? &flow->out : &flow->in;
  back = departing ? &flow->in : &flow->out;
  payload = size_on_the_wire(skb, packet, &packets, &octets);
  __sync_fetch_and_add(&way->packets, packets);
  __sync_fetch_and_add(&way->octets, octets);
  now = bpf_ktime_get_boot_ns();
  gap = way->last_seen_ns ? now - way->last_seen_ns : 0;
  way->last_seen_ns = now;
  if ((__s64)gap > (__s64)way->longest_gap_ns) /* another processor may have been later */
    way->longest_gap_ns = gap;

  if (packet->protocol != IPPROTO_TCP || packet->is_later_fragment)
    return 0;
  if (!packet->is_fragment)
    note_sequence(way, back, packet, payload, packets);
  state = flow->tcp_state;
  if (!state && !(packet->tcp_flags & (TCP_FIN | TCP_RST)))
    return 0;
  if ((packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
    state = 0; /* the ports are used again */
  if (departing && !(packet->tcp_flags & TCP_RST))
    state &= ~MIPFLOW_TCP_RESET_IN;
  if (packet->tcp_flags & TCP_RST)
    state |= departing ? MIPFLOW_TCP_RESET_OUT : MIPFLOW_TCP_RESET_IN;
  if (packet->tcp_flags & TCP_FIN)
    state |= departing ? MIPFLOW_TCP_FIN_OUT : MIPFLOW_TCP_FIN_IN;
  if (!(state & MIPFLOW_TCP_REPORTED) &&
      ((state & MIPFLOW_TCP_RESET_OUT) || ((state & MIPFLOW_TCP_FIN_OUT) && (state & MIPFLOW_TCP_FIN_IN)))) {
    record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
    if (record) {
      record->kind = MIPFLOW_RECORD_FLOW_CLOSED;
      record->zero = 0;
      record->flow_id = flow->flow_id;
      record->key = *key;
      bpf_ringbuf_submit(record, 0);
      state |= MIPFLOW_TCP_REPORTED;
      count(MIPFLOW_COUNT_flows_closed);
    } else {
      count(MIPFLOW_COUNT_ring_full);
    }
  }
  flow->tcp_state = state; /* two processors may race for it; the next packet or the idle timeout makes up for it */
  return 0;
}

#endif
