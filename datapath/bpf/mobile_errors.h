/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* ICMPv6 errors that arrive at a mobile node: about packets whose source was rewritten, about the tunnel, about direct
 * paths, about bypassed flows, about signalling. */
#ifndef MIPFLOW_DATAPATH_MOBILE_ERRORS_H
#define MIPFLOW_DATAPATH_MOBILE_ERRORS_H

#include "arrivals.h"
#include "flow_tables.h"
#include "optimized_errors.h"
#include "packet_too_big.h"
#include "rewriting.h"
#include "ring.h"
#include "tunnel.h"

/* Whether the error, which is for the address `receiver`, is about signalling, which daemons send and no socket. Headers of
 * ours in front of it do not matter. */
static __noinline bool quotes_signalling(struct __sk_buff *skb, const struct packet *error,
                                         const struct mipflow_address *receiver)
{
  struct packet quoted;

  return read_ipv6_header(skb, error->upper + ICMPV6_ERROR_HEADER, &quoted) && skip_extension_headers(skb, &quoted) &&
         quoted.protocol == MOBILITY_HEADER && same_address(&quoted.source, receiver);
}

/* Gives a packet that we sent, and that comes back in an error, the source that its socket used. */
static __noinline long restore_source(struct __sk_buff *skb, struct packet *packet)
{
  struct mipflow_flow_key key = key_of(packet, true);
  const struct mipflow_arrival *arrival = packet->is_later_fragment ? NULL : bpf_map_lookup_elem(&arrivals, &key);

  if (!arrival || same_address(&arrival->socket_address, &packet->source))
    return 0;
  return rewrite_address(skb, packet, SOURCE_ADDRESS, &arrival->socket_address);
}

/* The two packets inside an error about our tunnel: together with the answer to it they are too much for the stack. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, struct packet);
} quoted_packets SEC(".maps");

/* An ICMPv6 error to one of our care-of addresses. When it quotes a packet of our tunnel it goes to the daemon as it is;
 * a Packet Too Big moreover is remembered for the binding and becomes one for the socket that sent the inner packet (RFC
 * 2473 §8.1). */
static __noinline int error_about_tunnel(struct __sk_buff *skb, const struct packet *error, __u32 link_layer_header)
{
  __u32 first = 0, second = 1;
  struct packet *outer = bpf_map_lookup_elem(&quoted_packets, &first);
  struct packet *inner = bpf_map_lookup_elem(&quoted_packets, &second);
  const struct mipflow_home_address *home_address;
  struct mipflow_binding *binding;
  __be32 mtu;

  if (!outer || !inner || !read_ipv6_header(skb, error->upper + ICMPV6_ERROR_HEADER, outer) ||
      !skip_extension_headers(skb, outer) || outer->protocol != IPPROTO_IPV6 ||
      !same_address(&outer->source, &error->destination) || !bpf_map_lookup_elem(&home_agents, &outer->destination))
    return TC_ACT_OK;
  hand_over(skb, error, NULL, link_layer_header);
  if (error->icmpv6_type != ICMPV6_PACKET_TOO_BIG || outer->is_fragment ||
      bpf_skb_load_bytes(skb, error->upper + 4, &mtu, sizeof(mtu)) || !read_packet(skb, outer->upper, inner))
    return TC_ACT_OK;
  home_address = bpf_map_lookup_elem(&home_addresses, &inner->source);
  if (!home_address)
    return TC_ACT_OK;
  binding = bpf_map_lookup_elem(&bindings, &home_address->default_binding);
  if (binding && same_address(&binding->way.source, &outer->source))
    lower_path_mtu(&binding->way.path_mtu, bpf_ntohl(mtu));
  if (inner->payload_octets + IPV6_HEADER <= MINIMUM_MTU || !may_be_answered(inner))
    return TC_ACT_OK;

  if (take_off_outer_header(skb, link_layer_header, inner) || restore_source(skb, inner))
    return drop(MIPFLOW_COUNT_rewriting_failed);
  if (link_layer_header == 0 && bpf_skb_change_head(skb, ETHERNET_HEADER, 0))
    return drop(MIPFLOW_COUNT_encapsulation_failed);
  count(MIPFLOW_COUNT_packet_too_big_relayed);
  return answer_packet_too_big(skb, inner, &outer->source, inner_mtu(bpf_ntohl(mtu), IPV6_HEADER));
}

/* What a router said about the direct path of the flow that the quoted packet belongs to. */
static __noinline void remember_direct_path_mtu(struct __sk_buff *skb, const struct packet *error,
                                                const struct error_front *front)
{
  const struct mipflow_departure *departure;
  const struct mipflow_arrival *arrival;
  struct mipflow_binding *binding;
  struct mipflow_flow_key key;
  struct packet quoted;

  if (!read_quoted_packet(skb, error, &quoted) || quoted.is_later_fragment)
    return;
  quoted.source = front->home.home_address;
  key = key_of(&quoted, true);
  arrival = bpf_map_lookup_elem(&arrivals, &key);
  if (!arrival)
    return;
  key.local = arrival->socket_address;
  departure = bpf_map_lookup_elem(&departures, &key);
  if (!departure)
    return;
  binding = bpf_map_lookup_elem(&bindings, &departure->binding);
  if (binding && binding->way.header == MIPFLOW_HEADER_HOME_ADDRESS_OPTION &&
      same_address(&binding->way.source, &error->destination))
    lower_path_mtu(&binding->way.path_mtu, bpf_ntohl(front->error.parameter));
}

/* An ICMPv6 error to one of our care-of addresses about a packet with a Home Address option. It goes to the daemon as it is,
 * and to the socket without the option. */
static __noinline int error_about_option(struct __sk_buff *skb, struct packet *error, struct error_workspace *work,
                                         __u32 link_layer_header)
{
  const struct mipflow_address *home_address = &work->before.home.home_address;
  __be32 parameter;

  if (!bpf_map_lookup_elem(&home_addresses, home_address))
    return TC_ACT_OK;
  hand_over(skb, error, NULL, link_layer_header);
  count(MIPFLOW_COUNT_optimized_errors);
  if (error->icmpv6_type == ICMPV6_PACKET_TOO_BIG)
    remember_direct_path_mtu(skb, error, &work->before);
  if (!is_for_socket(&work->before.error, &parameter))
    return TC_ACT_SHOT;
  if (take_header_out_of_error(skb, error, work, SOURCE_ADDRESS, home_address) || arrive_error(skb, error) < 0)
    return drop(MIPFLOW_COUNT_rewriting_failed);
  return continue_on_mip0(skb, link_layer_header);
}

/* An ICMPv6 error to one of our care-of addresses about a packet of a bypassed flow. TC_ACT_OK: it is about something else. */
static __noinline int error_about_plain_packet(struct __sk_buff *skb, struct packet *error, __u32 link_layer_header)
{
  return deliver_plain(skb, arrive_error(skb, error), link_layer_header);
}

/* An ICMPv6 error to one of our care-of addresses: about signalling, a direct path, a bypassed flow, the tunnel, or
 * none of our business. */
static __noinline int arrive_error_about_path(struct __sk_buff *skb, struct packet *error, __u32 link_layer_header)
{
  struct error_workspace *work;

  if (quotes_signalling(skb, error, &error->destination)) {
    hand_over(skb, error, NULL, link_layer_header);
    return TC_ACT_SHOT;
  }
  work = read_optimized_error(skb, error, SOURCE_ADDRESS);
  if (work)
    return error_about_option(skb, error, work, link_layer_header);
  if (plain_flows_exist()) {
    int verdict = error_about_plain_packet(skb, error, link_layer_header);

    if (verdict != TC_ACT_OK)
      return verdict;
  }
  return error_about_tunnel(skb, error, link_layer_header);
}

#endif
