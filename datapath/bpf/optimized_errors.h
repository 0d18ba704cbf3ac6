/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMPv6 errors about packets that left with a Home Address option or a type 2 routing header. The socket knows nothing of
 * that header: it is taken out of the quoted packet, and the home address put back, before the kernel sees the error. */
#ifndef MIPFLOW_DATAPATH_OPTIMIZED_ERRORS_H
#define MIPFLOW_DATAPATH_OPTIMIZED_ERRORS_H

#include "packet_too_big.h"
#include "rewriting.h"
#include "route_optimization.h"
#include "tunnel.h"

enum {
  ICMPV6_DESTINATION_UNREACHABLE = 1,
  ICMPV6_TIME_EXCEEDED = 3,
  ICMPV6_PARAMETER_PROBLEM = 4,
};

/* An error as it begins on the wire, and without the quoted packet's additional header. */
struct short_error_front {
  struct ipv6_header ipv6;
  __u8 type;
  __u8 code;
  __be16 checksum;
  __be32 parameter;
  struct ipv6_header quoted;
};
struct error_front {
  struct short_error_front error;
  struct home_address_header home;
};

/* Together they are too much for the stack; a processor works on one packet at a time. */
struct error_workspace {
  struct error_front before;
  struct short_error_front after;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct error_workspace);
} error_workspace SEC(".maps");

/* The error's beginning, when it quotes a packet from its destination with the header that stands for `place`; else NULL.
 * What we send has the form that put_on_home_address_header() gives it, so that no other is looked for. */
static __noinline struct error_workspace *read_optimized_error(struct __sk_buff *skb, const struct packet *error,
                                                               enum address_place place)
{
  __u32 zero = 0;
  struct error_workspace *work = bpf_map_lookup_elem(&error_workspace, &zero);
  bool is_ours;

  if (!work || error->upper != error->start + IPV6_HEADER ||
      bpf_skb_load_bytes(skb, error->start, &work->before, sizeof(work->before)))
    return NULL;
  if (place == SOURCE_ADDRESS)
    is_ours = work->before.error.quoted.next_header == IPPROTO_DSTOPTS && is_home_address_option(&work->before.home);
  else
    is_ours = work->before.error.quoted.next_header == IPPROTO_ROUTING && is_type_2_routing_header(&work->before.home);
  return is_ours && same_address(&work->before.error.quoted.source, &error->destination) ? work : NULL;
}

/* Whether the socket is told, with which MTU or pointer. Not of what it has nothing to do with: an MTU that has room for
 * its packet, a problem with the header that it did not put in. */
static __always_inline bool is_for_socket(const struct short_error_front *front, __be32 *parameter)
{
  __u32 said = bpf_ntohl(front->parameter);
  __u32 sent = bpf_ntohs(front->quoted.payload_octets) + IPV6_HEADER - HOME_ADDRESS_HEADER;

  *parameter = front->parameter;
  switch (front->type) {
  case ICMPV6_DESTINATION_UNREACHABLE:
  case ICMPV6_TIME_EXCEEDED:
    return true;
  case ICMPV6_PACKET_TOO_BIG:
    *parameter = bpf_htonl(inner_mtu(said, HOME_ADDRESS_HEADER));
    return said >= MINIMUM_MTU && sent > MINIMUM_MTU;
  case ICMPV6_PARAMETER_PROBLEM:
    *parameter = bpf_htonl(said - HOME_ADDRESS_HEADER);
    return said >= IPV6_HEADER + HOME_ADDRESS_HEADER;
  default:
    return false;
  }
}

/* The error becomes one about the packet as its socket made it, and goes to `destination`. It keeps its sender, and a wrong
 * checksum stays wrong. */
static __noinline long take_header_out_of_error(struct __sk_buff *skb, struct packet *error, struct error_workspace *work,
                                                enum address_place place, const struct mipflow_address *destination)
{
  struct short_error_front *after = &work->after;
  __be32 parameter;
  __s64 sum;
  long result;

  is_for_socket(&work->before.error, &parameter);
  *after = work->before.error;
  after->parameter = parameter;
  after->ipv6.destination = *destination;
  after->ipv6.payload_octets = bpf_htons(bpf_ntohs(after->ipv6.payload_octets) - HOME_ADDRESS_HEADER);
  after->quoted.payload_octets = bpf_htons(bpf_ntohs(after->quoted.payload_octets) - HOME_ADDRESS_HEADER);
  after->quoted.next_header = work->before.home.next_header;
  *(place == SOURCE_ADDRESS ? &after->quoted.source : &after->quoted.destination) = work->before.home.home_address;
  /* Everything that changes in the IPv6 header stands in the pseudo header too. The checksum itself is the same on both
   * sides here and cancels out. */
  sum = bpf_csum_diff((__be32 *)&work->before, sizeof(work->before), (__be32 *)after, sizeof(*after),
                      (__u16)~work->before.error.checksum);
  if (sum < 0)
    return -EINVAL;
  after->checksum = (__be16)~folded(sum);

  result = bpf_skb_adjust_room(skb, -HOME_ADDRESS_HEADER, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_NO_CSUM_RESET);
  if (result)
    return result;
  error->destination = *destination;
  error->payload_octets -= HOME_ADDRESS_HEADER;
  return bpf_skb_store_bytes(skb, error->start, after, sizeof(*after), BPF_F_RECOMPUTE_CSUM);
}

#endif
