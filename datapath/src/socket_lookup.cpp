// SPDX-License-Identifier: GPL-3.0-or-later
#include "socket_lookup.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include <array>
#include <cstring>

#include "netlink_socket.hpp"

namespace mipflow::datapath {

namespace {

inet_diag_sockid identity(const Address& source, std::uint16_t source_port, const Address& destination, std::uint16_t destination_port) {
  inet_diag_sockid out{};
  out.idiag_sport = htons(source_port);
  out.idiag_dport = htons(destination_port);
  std::memcpy(out.idiag_src, source.octets.data(), sizeof out.idiag_src);
  std::memcpy(out.idiag_dst, destination.octets.data(), sizeof out.idiag_dst);
  out.idiag_cookie[0] = out.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return out;
}

struct Search {
  inet_diag_sockid wanted;
  bool found = false;
};

int read_socket(const nlmsghdr* message, void* context) {
  auto& search = *static_cast<Search*>(context);
  if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY || mnl_nlmsg_get_payload_len(message) < sizeof(inet_diag_msg)) return MNL_CB_OK;
  const auto& id = static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(message))->id;
  const auto& wanted = search.wanted;
  // The kernel names the best match for a packet: a listening or unconnected socket when there is no connected one.
  search.found = id.idiag_sport == wanted.idiag_sport && id.idiag_dport == wanted.idiag_dport &&
                 std::memcmp(id.idiag_src, wanted.idiag_src, sizeof id.idiag_src) == 0 &&
                 std::memcmp(id.idiag_dst, wanted.idiag_dst, sizeof id.idiag_dst) == 0;
  return MNL_CB_OK;
}

}  // namespace

bool is_connected(const Address& local, const FlowKey& key) {
  if (key.protocol != kProtocolTcp && key.protocol != kProtocolUdp) return false;
  const NetlinkSocket socket = open_netlink_socket(NETLINK_SOCK_DIAG);
  if (!socket) return false;

  alignas(nlmsghdr) std::array<char, 4096> buffer;
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request->nlmsg_flags = NLM_F_REQUEST;
  request->nlmsg_seq = 1;
  auto* question = static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(request, sizeof(inet_diag_req_v2)));
  question->sdiag_family = AF_INET6;
  question->sdiag_protocol = key.protocol;
  question->idiag_states = ~0u;
  Search search{identity(local, key.source_port, key.correspondent, key.correspondent_port)};
  // For UDP the kernel takes the two ends for those of a packet that arrives.
  question->id = key.protocol == kProtocolTcp ? search.wanted : identity(key.correspondent, key.correspondent_port, local, key.source_port);
  if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return false;

  const ssize_t received = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
  if (received <= 0) return false;
  mnl_cb_run(buffer.data(), static_cast<std::size_t>(received), 1, mnl_socket_get_portid(socket.get()), read_socket, &search);
  return search.found;
}

}  // namespace mipflow::datapath
