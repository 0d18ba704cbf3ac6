// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/echo_listener.hpp"

#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <vector>

#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/packet.hpp"
#include "socket_messages.hpp"

namespace mipflow::platform {

namespace {

constexpr std::uint32_t kSourceOffset = 8;  // in the IPv6 header
constexpr std::size_t kLongest = 1500;      // octets: a probe's answer is much shorter

Result<void> let_through_replies_only(int socket) {
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  if (::setsockopt(socket, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) != 0)
    return fail("cannot filter a raw ICMPv6 socket", errno);
  return {};
}

// Somebody else's ping is not worth waking up for. connect() would do that too, but it binds the socket to one of our own
// addresses, and answers come to each.
Result<void> let_through_from(int socket, std::span<const Address> hosts) {
  std::vector<sock_filter> program;
  for (const Address& host : hosts.first(std::min(hosts.size(), EchoListener::kMost))) {
    for (std::uint32_t word = 0; word < 4; ++word) {
      std::uint32_t expected = 0;
      for (std::size_t i = 0; i < 4; ++i) expected = expected << 8 | host.octets[4 * word + i];
      const std::uint32_t header = static_cast<std::uint32_t>(SKF_NET_OFF) + kSourceOffset;
      program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, header + 4 * word));
      // Another one: on behind what lets this host through.
      program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, expected, 0, static_cast<std::uint8_t>(7 - 2 * word)));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, kLongest));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, 0));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    return fail("cannot filter a raw ICMPv6 socket by its peer", errno);
  return {};
}

}  // namespace

Result<void> EchoListener::open() {
  // The kernel lets nothing through to a raw socket before it exists, and everything until it is filtered: what slips in
  // between is no answer to a probe, because none has left.
  FileDescriptor socket(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
  if (!socket) {
    if (errno == EPERM) return fail("cannot open a raw ICMPv6 socket: CAP_NET_RAW is missing; run as root or give the capability", errno);
    return fail("cannot open a raw ICMPv6 socket", errno);
  }
  if (const auto done = let_through_replies_only(socket.get()); !done) return done;
  if (const auto done = let_through_from(socket.get(), {}); !done) return done;
  if (!tell_arrivals(socket.get()))
    return fail("cannot learn where ICMPv6 messages arrive", errno);
  socket_ = std::move(socket);
  watch_ = std::make_unique<DescriptorWatch>(loop_, socket_.get(), [this] { read(); });
  return {};
}

Result<void> EchoListener::hear(const std::vector<Address>& hosts) {
  if (!socket_) return {};
  return let_through_from(socket_.get(), hosts);
}

void EchoListener::read() {
  std::array<std::uint8_t, kLongest> room;
  read_messages(socket_, room, [this](const SocketMessage& reply) {
    handler_({.packet = wire::build_packet_around({.source = reply.source, .destination = reply.destination}, kProtocolIcmpv6, reply.octets),
              .interface = reply.interface});
  });
}

}  // namespace mipflow::platform
