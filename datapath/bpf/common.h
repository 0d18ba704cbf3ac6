/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What every program includes first: kernel types, helpers, settings, counters. */
#ifndef MIPFLOW_DATAPATH_COMMON_H
#define MIPFLOW_DATAPATH_COMMON_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "addresses.h"
#include "layout.h"

/* Since Linux 6.3; older kernels answer -EINVAL, see take_off_outer_header(). */
#ifndef BPF_F_ADJ_ROOM_DECAP_L3_IPV6
#define BPF_F_ADJ_ROOM_DECAP_L3_IPV6 (1ULL << 8)
#endif

#define AF_INET6 10
#define EINVAL 22
#define EALREADY 114
#define ETHERNET_HEADER 14
#define IPV6_HEADER 40
#define ICMPV6_ERROR_HEADER 8
#define MINIMUM_MTU 1280 /* RFC 8200 §5 */

const volatile struct mipflow_settings settings SEC(".rodata.settings");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, MIPFLOW_COUNTER_TOTAL);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(enum mipflow_counter counter)
{
  __u32 index = counter;
  __u64 *value = bpf_map_lookup_elem(&counters, &index);

  if (value)
    ++*value; /* own to this processor, and programs on tc do not interrupt each other there */
}

static __always_inline int drop(enum mipflow_counter reason)
{
  count(reason);
  return TC_ACT_SHOT;
}

/* Nothing came in anywhere: a local socket, or the kernel itself, has sent the packet. */
static __always_inline bool is_from_this_node(const struct __sk_buff *skb)
{
  return skb->ingress_ifindex == 0;
}

#endif
