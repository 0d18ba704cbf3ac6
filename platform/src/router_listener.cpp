// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/router_listener.hpp"

#include <utility>

#include "icmpv6_socket.hpp"

namespace mipflow::platform {

namespace {

constexpr std::uint8_t kRouterAdvertisement = 134;  // RFC 4861 §4.2
constexpr int kAtOnce = 64;                         // messages, before the loop's other work has its turn

}  // namespace

Result<void> RouterListener::open(InterfaceIndex interface) {
  auto socket = open_icmpv6_socket(kRouterAdvertisement, kRouterAdvertisement, interface, "the other home agents' advertisements");
  if (!socket) return Unexpected{socket.error()};
  socket_ = std::move(*socket);
  watch_ = std::make_unique<DescriptorWatch>(loop_, socket_.get(), [this] { read(); });
  return {};
}

void RouterListener::read() {
  for (int i = 0; i < kAtOnce; ++i) {
    auto received = receive_icmpv6(socket_.get());
    if (!received) return;
    handler_(std::move(*received));
  }
}

}  // namespace mipflow::platform
