/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Finding the Home Address option of a packet, RFC 6275 §6.3. */
#ifndef MIPFLOW_DATAPATH_HOME_ADDRESS_OPTION_H
#define MIPFLOW_DATAPATH_HOME_ADDRESS_OPTION_H

#include "packet.h"
#include "route_optimization.h"

/* Options in a header that are looked at; Linux refuses more than eight that are no padding. */
#define MAXIMUM_OPTIONS 12

enum {
  PAD_1 = 0,
  PAD_N = 1,
};

struct home_address_option {
  struct mipflow_address home_address;
  __u32 place;  /* offset in the skb of the option; 0: the packet has none */
  __u32 header; /* offset of the Destination Options header that it stands in */
  __u32 header_octets;
  __u8 next_header;  /* behind that header */
  bool is_alone;     /* nothing but padding beside it */
  bool is_malformed; /* wrong length, a second one, behind the Fragment header, or cut */
};

/* The options of one header. */
static __always_inline void search_options(struct __sk_buff *skb, __u32 header, __u32 header_octets, __u8 next_header,
                                           bool misplaced, struct home_address_option *found)
{
  __u32 place = header + 2, end = header + header_octets;
  bool is_alone = true;

  for (int i = 0; i < MAXIMUM_OPTIONS && place < end; ++i) {
    struct {
      __u8 type;
      __u8 octets;
    } option = {};

    if (bpf_skb_load_bytes(skb, place, &option.type, sizeof(option.type))) {
      found->is_malformed = true;
      return;
    }
    if (option.type == PAD_1) {
      ++place;
      continue;
    }
    if (bpf_skb_load_bytes(skb, place, &option, sizeof(option))) {
      found->is_malformed = true;
      return;
    }
    if (option.type == HOME_ADDRESS_OPTION) {
      if (option.octets != HOME_ADDRESS_OPTION_OCTETS || place + 2 + HOME_ADDRESS_OPTION_OCTETS > end || found->place ||
          misplaced || bpf_skb_load_bytes(skb, place + 2, &found->home_address, sizeof(found->home_address))) {
        found->place = place;
        found->is_malformed = true;
        return;
      }
      found->place = place;
      found->header = header;
      found->header_octets = header_octets;
      found->next_header = next_header;
    } else if (option.type != PAD_N) {
      is_alone = false;
    }
    place += 2 + (__u32)option.octets;
  }
  if (found->header == header)
    found->is_alone = is_alone && place >= end;
}

/* Looks through every Destination Options header that can be found. Not static: see skip_extension_headers(). */
__noinline int find_home_address_option(struct __sk_buff *skb, const struct packet *packet,
                                        struct home_address_option *found)
{
  __u32 place;
  __u8 protocol;
  bool is_fragment = false;

  if (!packet || !found)
    return 0;
  __builtin_memset(found, 0, sizeof(*found));
  place = packet->start + IPV6_HEADER;
  if (bpf_skb_load_bytes(skb, packet->start + 6, &protocol, sizeof(protocol)))
    return 0;
  for (int i = 0; i < MAXIMUM_EXTENSION_HEADERS; ++i) {
    struct {
      __u8 next_header;
      __u8 length;
    } header;
    __u32 octets;

    if (protocol != IPPROTO_HOPOPTS && protocol != IPPROTO_DSTOPTS && protocol != IPPROTO_ROUTING &&
        protocol != IPPROTO_FRAGMENT)
      return 0;
    if (place >= packet->upper || bpf_skb_load_bytes(skb, place, &header, sizeof(header)))
      return 0;
    octets = protocol == IPPROTO_FRAGMENT ? 8 : ((__u32)header.length + 1) * 8;
    if (protocol == IPPROTO_FRAGMENT)
      is_fragment = true;
    if (protocol == IPPROTO_DSTOPTS)
      search_options(skb, place, octets, header.next_header, is_fragment, found);
    protocol = header.next_header;
    place += octets;
  }
  return 0;
}

/* The packet comes from the home address that its option names. */
static __always_inline long accept_home_address_option(struct __sk_buff *skb, struct packet *packet,
                                                       const struct home_address_option *option)
{
  const __u8 type = SKIPPED_OPTION;
  long error;

  if (option->is_alone && option->header == packet->start + IPV6_HEADER)
    return take_off_home_address_header(skb, packet, option->header_octets, option->next_header, SOURCE_ADDRESS,
                                        &option->home_address);
  packet->source = option->home_address;
  error = bpf_skb_store_bytes(skb, option->place, &type, sizeof(type), BPF_F_RECOMPUTE_CSUM);
  if (error)
    return error;
  return bpf_skb_store_bytes(skb, packet->start + SOURCE_ADDRESS, &option->home_address, sizeof(option->home_address),
                             BPF_F_RECOMPUTE_CSUM);
}

#endif
