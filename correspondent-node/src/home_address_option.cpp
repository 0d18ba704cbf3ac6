// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/correspondent-node/home_address_option.hpp"

namespace mipflow::correspondent_node {

bool needs_binding(const wire::PacketView& view) {
  constexpr std::uint8_t kEsp = 50;
  constexpr std::uint8_t kAuthenticationHeader = 51;
  if (!view.home_address_option) return false;
  // A fragment's own header may stand in between.
  for (const std::uint8_t header : {view.behind_home_address_option, view.protocol})
    if (header == kEsp || header == kAuthenticationHeader || header == kProtocolMobilityHeader) return false;
  return true;
}

}  // namespace mipflow::correspondent_node
