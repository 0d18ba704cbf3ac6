// SPDX-License-Identifier: GPL-3.0-or-later
// ICMPv6 Echo Request and Reply (RFC 4443 §4.1, §4.2) between two ends that may be mobile.
#pragma once

#include <cstdint>
#include <optional>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"

namespace mipflow::simulation {

struct Echo {
  Address source;  // as the upper layer sees them
  Address destination;
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  bool reply = false;
  Bytes data{};
};

Bytes encode(const Echo& echo);
// nullopt when it is none, or when its checksum is wrong.
std::optional<Echo> decode_echo(BytesView packet);

}  // namespace mipflow::simulation
