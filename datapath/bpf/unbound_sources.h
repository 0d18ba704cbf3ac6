/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which packets of an unknown binding the daemon is told of: perhaps it has lost one, and can say so to the mobile node.
 * Anybody can send such packets, so that neither many of one source nor many sources may keep it busy. */
#ifndef MIPFLOW_DATAPATH_UNBOUND_SOURCES_H
#define MIPFLOW_DATAPATH_UNBOUND_SOURCES_H

#include "common.h"

#define UNBOUND_SOURCE_NS 250000000ULL /* between two records about one source */
#define UNBOUND_SOURCES_NS 5000000ULL  /* between two records */

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1024);
  __type(key, struct mipflow_tunnel_source);
  __type(value, __u64); /* CLOCK_MONOTONIC of the last record */
} unbound_sources SEC(".maps");

static __u64 next_unbound_source_ns; /* processors may race for it: some records more */

static __noinline bool may_tell_unbound_source(const struct mipflow_tunnel_source *source)
{
  __u64 now = bpf_ktime_get_ns();
  const __u64 *told;

  if (now < next_unbound_source_ns || !may_be_tunnelled(&source->home_address) ||
      !may_be_tunnelled(&source->care_of_address))
    return false;
  told = bpf_map_lookup_elem(&unbound_sources, source);
  if (told && now - *told < UNBOUND_SOURCE_NS)
    return false;
  next_unbound_source_ns = now + UNBOUND_SOURCES_NS;
  bpf_map_update_elem(&unbound_sources, source, &now, BPF_ANY);
  count(MIPFLOW_COUNT_unbound_sources_told);
  return true;
}

#endif
