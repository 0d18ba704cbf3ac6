// SPDX-License-Identifier: GPL-3.0-or-later
// What the simulation tests of route optimisation ask.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "mipflow/wire/packet.hpp"
#include "simulation/simulator/world.hpp"

namespace mipflow::simulation {

inline constexpr const char* kDirectAtOnce = "[default]\nroute-optimization = \"yes\"\n";

// The last datagram of the flow left without the tunnel.
inline bool is_direct(const World& world, std::uint16_t local_port) {
  const auto& departed = world.mobile_node.departed;
  const auto last = std::find_if(departed.rbegin(), departed.rend(),
                                 [&](const Passage& passage) { return passage.local_port == local_port; });
  return last != departed.rend() && last->direct;
}

inline TimePoint first_direct(const std::vector<Passage>& passages, std::uint16_t local_port) {
  for (const auto& passage : passages)
    if (passage.local_port == local_port && passage.direct) return passage.at;
  return kNever;
}

inline bool always_direct_since(const std::vector<Passage>& passages, std::uint16_t local_port, TimePoint since) {
  return std::ranges::all_of(passages, [&](const Passage& passage) {
    return passage.local_port != local_port || passage.at < since || passage.direct;
  });
}

// Messages that were sent to a correspondent node since the beginning; Home Test Inits as they left the home agent.
struct MessageCounts {
  unsigned home_test_inits = 0, care_of_test_inits = 0, updates = 0;
};
inline MessageCounts messages_to(const World& world, const Address& correspondent) {
  MessageCounts out;
  const auto count = [&](BytesView packet) {
    const auto decoded = wire::decode_packet(packet);
    const auto* message = decoded ? std::get_if<wire::MobilityMessage>(&decoded->message) : nullptr;
    if (message == nullptr || decoded->view.destination != correspondent) return;
    out.home_test_inits += std::holds_alternative<wire::HomeTestInit>(*message);
    out.care_of_test_inits += std::holds_alternative<wire::CareOfTestInit>(*message);
    out.updates += std::holds_alternative<wire::BindingUpdate>(*message);
  };
  for (const auto& capture : world.network.signalling()) count(capture.packet);
  return out;
}

}  // namespace mipflow::simulation
