// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/neighbour_listener.hpp"

#include <algorithm>
#include <utility>

#include "icmpv6_socket.hpp"

namespace mipflow::platform {

namespace {

constexpr std::uint8_t kNeighborSolicitation = 135;   // RFC 4861 §4.3
constexpr std::uint8_t kNeighborAdvertisement = 136;  // §4.4
constexpr std::size_t kTargetOffset = kIcmpv6TypeOffset + 8;
constexpr int kAtOnce = 64;                           // messages, before the loop's other work has its turn

}  // namespace

Result<void> NeighbourListener::watch(const forwarding::OnInterface& watched) {
  if (!socket_)
    if (const auto opened = open(); !opened) return opened;
  watched_.insert(watched);
  return {};
}

void NeighbourListener::unwatch(const forwarding::OnInterface& watched) {
  watched_.erase(watched);
  if (!watched_.empty()) return;
  watch_.reset();
  socket_.reset();
}

Result<void> NeighbourListener::open() {
  auto socket = open_icmpv6_socket(kNeighborSolicitation, kNeighborAdvertisement, 0, "neighbour discovery");
  if (!socket) return Unexpected{socket.error()};
  socket_ = std::move(*socket);
  watch_ = std::make_unique<DescriptorWatch>(loop_, socket_.get(), [this] { read(); });
  return {};
}

void NeighbourListener::read() {
  // The handler may end the watching, and the socket with it.
  for (int i = 0; i < kAtOnce && socket_; ++i) {
    auto received = receive_icmpv6(socket_.get());
    if (!received) return;
    if (received->packet.size() < kTargetOffset + 16) continue;
    forwarding::OnInterface about;
    about.interface = received->interface;
    std::copy_n(received->packet.begin() + kTargetOffset, about.address.octets.size(), about.address.octets.begin());
    if (watched_.contains(about)) handler_(std::move(*received));
  }
}

}  // namespace mipflow::platform
