// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <variant>

#include "conformance/harness/case.hpp"
#include "conformance/harness/describe.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::conformance {

// The message of this kind in the packet; Failed with both when it is another one.
template <class Message>
Message message_in(BytesView packet, const std::string& wanted) {
  const std::string complaint = "wanted " + wanted + ", got " + describe(packet);
  const auto decoded = wire::decode_packet(packet);
  require(decoded.has_value(), complaint);
  std::optional<Message> found;
  const auto look = [&](const auto& message) {
    if constexpr (std::is_same_v<std::decay_t<decltype(message)>, Message>) found = message;
  };
  std::visit([&](const auto& kind) { std::visit(look, kind); }, decoded->message);
  require(found.has_value(), complaint);
  return *found;
}

}  // namespace mipflow::conformance
