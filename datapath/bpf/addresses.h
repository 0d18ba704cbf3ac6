/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Questions about addresses. */
#ifndef MIPFLOW_DATAPATH_ADDRESSES_H
#define MIPFLOW_DATAPATH_ADDRESSES_H

#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "layout.h"

static __always_inline bool same_address(const struct mipflow_address *a, const struct mipflow_address *b)
{
  return !((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) | (a->word[2] ^ b->word[2]) |
           (a->word[3] ^ b->word[3]));
}

static __always_inline bool is_unspecified(const struct mipflow_address *a)
{
  return !(a->word[0] | a->word[1] | a->word[2] | a->word[3]);
}

static __always_inline bool is_multicast(const struct mipflow_address *a)
{
  return (a->word[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
}

static __always_inline bool is_link_local(const struct mipflow_address *a)
{
  return (a->word[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/* Neither multicast nor link-local nor `::` nor `::1`: may stand in a packet inside a tunnel. */
static __always_inline bool may_be_tunnelled(const struct mipflow_address *a)
{
  bool unspecified_or_loopback = !(a->word[0] | a->word[1] | a->word[2] | (a->word[3] & bpf_htonl(0xfffffffe)));

  return !is_multicast(a) && !is_link_local(a) && !unspecified_or_loopback;
}

static __always_inline bool is_ipv4_mapped(const struct mipflow_address *a)
{
  return !(a->word[0] | a->word[1]) && a->word[2] == bpf_htonl(0xffff);
}

#endif
