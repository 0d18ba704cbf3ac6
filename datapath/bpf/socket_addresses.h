/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs on sockets and their loader share. Nothing of it outlives the daemon, so it has no version.
 * Addresses and ports are in network byte order, everything else in the host's. */
#ifndef MIPFLOW_DATAPATH_SOCKET_ADDRESSES_H
#define MIPFLOW_DATAPATH_SOCKET_ADDRESSES_H

#include <linux/types.h>

#include "layout.h"

/* Fixed at load time (section .rodata.socket_settings). */
struct mipflow_socket_settings {
  __u64 network_namespace; /* cookie; the cgroup tree is everybody's, sockets of other network namespaces are not ours */
};

#define MIPFLOW_SOCKET_STEPS 64 /* forwarding::SocketAddresses::kMostSteps */

enum mipflow_socket_step_flag {
  MIPFLOW_STEP_SHARED_BY_ANY = 1,
  MIPFLOW_STEP_HELD_BY_HOME_AGENT = 2,
};

struct mipflow_socket_step {
  struct mipflow_address home_address;
  __u32 flags; /* enum mipflow_socket_step_flag */
};

/* Map socket_steps: two of these. The loader fills the one that map socket_steps_in_use does not name, then names it. */
struct mipflow_socket_steps {
  __u32 count; /* 0: sockets keep what the routing tables give them */
  struct mipflow_socket_step step[MIPFLOW_SOCKET_STEPS];
};

/* Map claims, by home address: every one that sockets can be given has one. A socket that takes the address has it alone
 * until the daemon has seen its first packet, or until this time. */
struct mipflow_claim {
  __u64 until_ns; /* CLOCK_MONOTONIC */
};
#define MIPFLOW_CLAIM_LASTS_NS 2000000000ULL /* the first packet follows at once; behind it home_address_users knows */

/* Map sockets, by socket cookie: what a socket was given, so that it can be given another one for another peer. */
struct mipflow_socket {
  struct mipflow_address home_address; /* `::`: nothing any more, but the address that the socket has is not its own wish */
  struct mipflow_address correspondent;
};

/* Maps flow_addresses and datagram_choices: a flow as its socket knows it before it has a source. */
struct mipflow_peer_and_ports {
  struct mipflow_address correspondent;
  __u16 local_port;
  __u16 correspondent_port;
  __u8 protocol;
  __u8 zero[3];
};

/* Map flow_addresses: written by the loader. */
struct mipflow_flow_addresses {
  struct mipflow_address source;       /* what the flow's packets have when they leave the socket */
  struct mipflow_address home_address; /* what the correspondent node sees */
};

/* Map ordinary_prefixes (longest match, so a value is there when a prefix is): destinations that the routing tables lead
 * elsewhere than to mip0. */
struct mipflow_prefix_key {
  __u32 length; /* bits */
  struct mipflow_address address;
};

#endif
