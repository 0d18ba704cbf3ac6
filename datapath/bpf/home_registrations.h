/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Where a home agent's mobile nodes are (RFC 6275 §10.4.2), and what it accepts from them (§10.4.5). The loader sets the sizes
 * of the maps. Memory is taken as entries come: a home agent may serve a million home addresses, and most serve few. */
#ifndef MIPFLOW_DATAPATH_HOME_REGISTRATIONS_H
#define MIPFLOW_DATAPATH_HOME_REGISTRATIONS_H

#include "layout.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct mipflow_address);
  __type(value, struct mipflow_tunnel);
} tunnels SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct mipflow_tunnel_source);
  __type(value, __u32);
} tunnel_sources SEC(".maps");

/* Whether the home address is registered here at the care-of address, or was a moment ago (docs/decisions/0003). */
static __always_inline bool is_home_registration(const struct mipflow_address *home_address,
                                                 const struct mipflow_address *care_of_address)
{
  struct mipflow_tunnel_source source = {.home_address = *home_address, .care_of_address = *care_of_address};

  return bpf_map_lookup_elem(&tunnel_sources, &source) != NULL;
}

#endif
