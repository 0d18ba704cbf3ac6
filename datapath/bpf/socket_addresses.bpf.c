// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Sockets get their home address when they connect, or with each datagram of a socket that is not connected: the question
 * of WO 2004/057826, Figure 6, asked where the answer is needed. A socket that has an address of its own keeps it.
 *
 * No program here may keep a socket from connecting or sending: all return 1, and whatever goes wrong leaves the socket as it
 * is; the data path then rewrites the source of its packets. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "addresses.h"
#include "socket_addresses.h"

#define AF_INET6 10

const volatile struct mipflow_socket_settings socket_settings SEC(".rodata.socket_settings");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, struct mipflow_socket_steps);
} socket_steps SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} socket_steps_in_use SEC(".maps");

/* The loader sets the sizes of these four. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct mipflow_address);
  __type(value, struct mipflow_claim);
} claims SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct mipflow_pair);
  __type(value, __u32);
} home_address_users SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct mipflow_peer_and_ports);
  __type(value, struct mipflow_flow_addresses);
} flow_addresses SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 1);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct mipflow_prefix_key);
  __type(value, __u32);
} ordinary_prefixes SEC(".maps");

/* What is forgotten here costs a socket its second choice, or a row of datagrams its source before the daemon knows it. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, __u64);
  __type(value, struct mipflow_socket);
} sockets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, struct mipflow_peer_and_ports);
  __type(value, struct mipflow_address);
} datagram_choices SEC(".maps");

/* When (CLOCK_MONOTONIC, ns) a home address was last given for a correspondent node: the daemon asks when it sees the
 * first packet, because an address that the application bound itself must stay. */
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, struct mipflow_pair);
  __type(value, __u64);
} recent_choices SEC(".maps");

static __always_inline struct mipflow_address destination_of(const struct bpf_sock_addr *context)
{
  struct mipflow_address out = {
      .word = {context->user_ip6[0], context->user_ip6[1], context->user_ip6[2], context->user_ip6[3]}};

  return out;
}

static __always_inline struct mipflow_address source_of(const struct bpf_sock *socket)
{
  struct mipflow_address out = {
      .word = {socket->src_ip6[0], socket->src_ip6[1], socket->src_ip6[2], socket->src_ip6[3]}};

  return out;
}

/* Somebody else's rules may lead a marked socket elsewhere, and a bound device leads past mip0. */
static __always_inline bool has_a_way_of_its_own(const struct bpf_sock *socket)
{
  return socket->bound_dev_if || socket->mark;
}

/* Packets to this address leave by mip0. */
static __always_inline bool is_for_mip0(const struct mipflow_address *destination)
{
  struct mipflow_prefix_key key = {.length = 128, .address = *destination};

  return may_be_tunnelled(destination) && !is_ipv4_mapped(destination) && !bpf_map_lookup_elem(&ordinary_prefixes, &key);
}

/* True for exactly one of those who ask at the same time. */
static __always_inline bool take(struct mipflow_claim *claim, __u64 now)
{
  __u64 until = *(volatile __u64 *)&claim->until_ns;

  return until <= now &&
         __sync_val_compare_and_swap(&claim->until_ns, until, now + MIPFLOW_CLAIM_LASTS_NS) == until;
}

/* WO 2004/057826, Figure 6: the first home address with no flow that this one would have to move together with. */
static __always_inline bool choose(const struct mipflow_address *correspondent, struct mipflow_pair *choice)
{
  __u32 zero = 0, index;
  const __u32 *in_use = bpf_map_lookup_elem(&socket_steps_in_use, &zero);
  const struct mipflow_socket_steps *steps;
  __u64 now = bpf_ktime_get_ns();

  if (!in_use)
    return false;
  index = *in_use;
  steps = bpf_map_lookup_elem(&socket_steps, &index);
  if (!steps)
    return false;
  choice->correspondent = *correspondent;
  for (__u32 i = 0; i < MIPFLOW_SOCKET_STEPS; ++i) {
    const struct mipflow_socket_step *step = &steps->step[i];
    struct mipflow_claim *claim;

    if (i >= steps->count)
      return false;
    choice->home_address = step->home_address;
    if (step->flags & MIPFLOW_STEP_SHARED_BY_ANY)
      break;
    if (step->flags & MIPFLOW_STEP_HELD_BY_HOME_AGENT || bpf_map_lookup_elem(&home_address_users, choice))
      continue;
    claim = bpf_map_lookup_elem(&claims, &step->home_address);
    if (claim && take(claim, now))
      break;
    if (i == MIPFLOW_SOCKET_STEPS - 1)
      return false;
  }
  bpf_map_update_elem(&recent_choices, choice, &now, BPF_ANY);
  return true;
}

/* The socket came to nothing with it: the next one may have it. */
static __always_inline void give_back(const struct mipflow_address *home_address)
{
  struct mipflow_claim *claim = bpf_map_lookup_elem(&claims, home_address);

  if (claim)
    claim->until_ns = 0;
}

static __always_inline bool bind_to(struct bpf_sock_addr *context, const struct mipflow_address *address)
{
  /* Without a port, which the kernel then finds when it knows the destination, as with IP_BIND_ADDRESS_NO_PORT: a port of
   * one home address can serve as many connections as there are correspondents. */
  struct sockaddr_in6 name = {.sin6_family = AF_INET6};

  __builtin_memcpy(&name.sin6_addr, address, sizeof(*address));
  return bpf_bind(context, (struct sockaddr *)&name, sizeof(name)) == 0;
}

/* A socket may connect again when the first try has failed, or behind connect(AF_UNSPEC). The kernel then keeps what was
 * bound, ours too. */
static __always_inline void connect_to(struct bpf_sock_addr *context, const struct bpf_sock *socket)
{
  struct mipflow_address destination = destination_of(context), source = source_of(socket);
  __u64 cookie = bpf_get_socket_cookie(context);
  const struct mipflow_socket *known = bpf_map_lookup_elem(&sockets, &cookie);
  struct mipflow_socket next = {.correspondent = destination};
  struct mipflow_pair choice = {};

  if (!is_unspecified(&source)) {
    if (!known || (!same_address(&known->home_address, &source) && !is_unspecified(&known->home_address)))
      return; /* the application has bound it */
    if (same_address(&known->home_address, &source) && same_address(&known->correspondent, &destination) &&
        bpf_map_lookup_elem(&claims, &source))
      return;
    if (!is_for_mip0(&destination)) {
      if (bind_to(context, &next.home_address))
        bpf_map_update_elem(&sockets, &cookie, &next, BPF_EXIST);
      return;
    }
  } else if (!is_for_mip0(&destination)) {
    return;
  }
  if (!choose(&destination, &choice))
    return;
  next.home_address = choice.home_address;
  if (bpf_map_update_elem(&sockets, &cookie, &next, BPF_ANY) == 0 && bind_to(context, &next.home_address))
    return;
  give_back(&choice.home_address);
  bpf_map_delete_elem(&sockets, &cookie);
}

static __always_inline bool is_of_our_namespace(void *context)
{
  return bpf_get_netns_cookie(context) == socket_settings.network_namespace;
}

/* TCP only. The first thing that a program does is to look up a name, and for each answer the resolver connects a UDP socket
 * and asks for its address without ever sending: that would use up the spare home addresses, and as all of them but
 * the primary one are deprecated for the kernel, the resolver would put IPv4 first (RFC 6724 §6, rule 3). A UDP socket may
 * also lie idle for longer than a home address without a flow exists. */
SEC("cgroup/connect6")
int choose_for_connection(struct bpf_sock_addr *context)
{
  struct bpf_sock *socket = context->sk;

  /* With a port of its own it can not be bound any more. */
  if (socket && context->protocol == IPPROTO_TCP && is_of_our_namespace(context) && socket->src_port == 0 &&
      !has_a_way_of_its_own(socket))
    connect_to(context, socket);
  return 1;
}

static __always_inline void set_source(struct bpf_sock_addr *context, const struct mipflow_address *source)
{
  context->msg_src_ip6[0] = source->word[0];
  context->msg_src_ip6[1] = source->word[1];
  context->msg_src_ip6[2] = source->word[2];
  context->msg_src_ip6[3] = source->word[3];
}

static __always_inline void send_to(struct bpf_sock_addr *context, const struct bpf_sock *socket)
{
  struct mipflow_peer_and_ports flow = {.correspondent = destination_of(context),
                                        .local_port = bpf_htons(socket->src_port),
                                        .correspondent_port = context->user_port,
                                        .protocol = context->protocol};
  const struct mipflow_flow_addresses *known;
  const struct mipflow_address *before;
  struct mipflow_pair choice = {};

  if (!is_for_mip0(&flow.correspondent))
    return;
  /* Every datagram of a flow from the same address; and an answer from the address that was asked. */
  known = bpf_map_lookup_elem(&flow_addresses, &flow);
  if (known) {
    set_source(context, &known->source);
    return;
  }
  before = bpf_map_lookup_elem(&datagram_choices, &flow);
  if (before && bpf_map_lookup_elem(&claims, before)) {
    set_source(context, before);
    return;
  }
  if (!choose(&flow.correspondent, &choice))
    return;
  bpf_map_update_elem(&datagram_choices, &flow, &choice.home_address, BPF_ANY);
  set_source(context, &choice.home_address);
}

SEC("cgroup/sendmsg6")
int choose_for_datagram(struct bpf_sock_addr *context)
{
  struct bpf_sock *socket = context->sk;
  bool has_source = context->msg_src_ip6[0] | context->msg_src_ip6[1] | context->msg_src_ip6[2] | context->msg_src_ip6[3];

  if (socket && !has_source && is_of_our_namespace(context) && !has_a_way_of_its_own(socket))
    send_to(context, socket);
  return 1;
}

/* For flows that the data path rewrites: the application is told what its correspondent node sees. */
SEC("cgroup/getsockname6")
int tell_socket_address(struct bpf_sock_addr *context)
{
  struct bpf_sock *socket = context->sk;
  struct mipflow_address told = destination_of(context); /* the same fields: here they are the socket's own address */
  const struct mipflow_flow_addresses *known;
  struct mipflow_peer_and_ports flow = {};

  if (!socket || !is_of_our_namespace(context))
    return 1;
  flow.correspondent.word[0] = socket->dst_ip6[0];
  flow.correspondent.word[1] = socket->dst_ip6[1];
  flow.correspondent.word[2] = socket->dst_ip6[2];
  flow.correspondent.word[3] = socket->dst_ip6[3];
  flow.local_port = bpf_htons(socket->src_port);
  flow.correspondent_port = socket->dst_port;
  flow.protocol = context->protocol;
  known = bpf_map_lookup_elem(&flow_addresses, &flow);
  if (!known || !same_address(&known->source, &told))
    return 1;
  context->user_ip6[0] = known->home_address.word[0];
  context->user_ip6[1] = known->home_address.word[1];
  context->user_ip6[2] = known->home_address.word[2];
  context->user_ip6[3] = known->home_address.word[3];
  return 1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
