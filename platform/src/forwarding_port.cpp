// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/forwarding_port.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "usable_address.hpp"

namespace mipflow::platform {

namespace {

constexpr std::size_t kBatch = 32;  // messages of one system call
constexpr int kBatchesAtOnce = 8;   // before the loop's other work has its turn
// One octet more than the longest message: what is longer is seen to be.
constexpr std::size_t kRoom = wire::kLongestForwardingMessage + 1;
// The answers of an agent that takes over, or gives back, tens of thousands of home addresses at a time.
constexpr int kReceiveBuffer = 8 * 1024 * 1024;
constexpr auto kRetryInterval = std::chrono::seconds{5};

// Room for the messages of one system call, with the headers that point into it.
struct Batch {
  Batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {octets[i].data(), octets[i].size()};
      headers[i].msg_hdr.msg_iov = &parts[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_name = &sources[i];
      headers[i].msg_hdr.msg_namelen = sizeof sources[i];
    }
  }
  Address source(std::size_t i) const {
    Address out;
    std::copy_n(sources[i].sin6_addr.s6_addr, out.octets.size(), out.octets.begin());
    return out;
  }

  std::array<std::array<std::uint8_t, kRoom>, kBatch> octets;
  std::array<sockaddr_in6, kBatch> sources{};
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> headers{};
};

}  // namespace

ForwardingPort::ForwardingPort(boost::asio::io_context& loop, Address own, std::uint16_t port, TroubleHandler on_trouble,
                               MessagesHandler on_messages)
    : loop_(loop), own_(own), port_(port), on_trouble_(std::move(on_trouble)), on_messages_(std::move(on_messages)), retry_(loop) {}

void ForwardingPort::set_peers(const std::vector<Address>& peers) {
  peers_ = {peers.begin(), peers.end()};
  follow();
}

void ForwardingPort::on_address(const InterfaceAddress& address) {
  if (address.address != own_) return;
  if (!is_usable(address)) return on_address_removed(address);
  interfaces_.insert(address.interface);
  follow();
}

void ForwardingPort::on_address_removed(const InterfaceAddress& address) {
  if (address.address != own_) return;
  interfaces_.erase(address.interface);
  follow();
}

void ForwardingPort::follow() {
  if (peers_.empty() || interfaces_.empty()) {
    retry_.cancel();
    trouble_.clear();
    watch_.reset();
    socket_.reset();
  } else if (!is_open()) {
    try_to_open();
  }
}

void ForwardingPort::try_to_open() {
  const auto opened = open();
  const std::string trouble = opened ? "" : opened.error().message;
  if (trouble != std::exchange(trouble_, trouble)) on_trouble_(trouble);
  if (opened) return;
  retry_.expires_after(kRetryInterval);
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !is_open()) try_to_open();
  });
}

Result<void> ForwardingPort::open() {
  FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail("cannot open a socket for the home agents that share the load", errno);
  // Without the right to pass the host's limit (net.core.rmem_max) it gets that much; a shorter queue only costs repetitions.
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0)
    static_cast<void>(::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer));
  sockaddr_in6 here{};
  here.sin6_family = AF_INET6;
  here.sin6_port = htons(port_);
  std::ranges::copy(own_.octets, here.sin6_addr.s6_addr);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) {
    const std::string port = "UDP port " + std::to_string(port_) + " of " + to_string(own_);
    if (errno == EADDRINUSE)
      return fail("another program has " + port + ", by which home agents share the load; stop it, or choose another port under [load-sharing] at all of them");
    return fail("cannot use " + port + " to share the load with other home agents", errno);
  }
  socket_ = std::move(socket);
  watch_ = std::make_unique<DescriptorWatch>(loop_, socket_.get(), [this] { read(); });
  return {};
}

void ForwardingPort::read() {
  // The handler may end the reading, and the socket with it.
  for (int round = 0; round < kBatchesAtOnce && socket_; ++round) {
    Batch batch;
    const int count = ::recvmmsg(socket_.get(), batch.headers.data(), kBatch, 0, nullptr);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    std::vector<home_agent::ForwardingMessageReceived> messages;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const Address source = batch.source(i);
      const auto length = batch.headers[i].msg_len;
      if (!peers_.contains(source))
        ++strangers_;
      else  // a cut one is malformed to the role, which counts it
        messages.push_back({Bytes(batch.octets[i].begin(), batch.octets[i].begin() + length), source});
    }
    if (!messages.empty()) on_messages_(std::move(messages));
    if (static_cast<std::size_t>(count) < kBatch) return;
  }
}

}  // namespace mipflow::platform
