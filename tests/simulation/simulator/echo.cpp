// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/echo.hpp"

#include "mipflow/wire/echo.hpp"

namespace mipflow::simulation {

Bytes encode(const Echo& echo) {
  return wire::build_packet({.source = echo.source, .destination = echo.destination},
                            wire::Echo{echo.reply, echo.identifier, echo.sequence, echo.data});
}

std::optional<Echo> decode_echo(BytesView packet) {
  const auto view = wire::parse_packet(packet);
  const auto echo = view ? wire::decode_echo(*view) : std::nullopt;
  if (!echo) return std::nullopt;
  return Echo{view->logical_source(), view->logical_destination(), echo->identifier, echo->sequence, echo->reply, echo->data};
}

}  // namespace mipflow::simulation
