// SPDX-License-Identifier: GPL-3.0-or-later
#include "home_agent_errors.hpp"

#include <variant>

#include "home_addresses.hpp"

namespace mipflow::mobile_node {

bool receive_error_about_home_registration(Node& node, const wire::PacketView& view, const wire::Icmpv6Error& error, Now now,
                                           Outputs& outputs) {
  if (error.type != wire::kIcmpv6ParameterProblem || error.code != wire::kUnrecognizedNextHeader) return false;
  const auto quoted = wire::decode_packet(error.invoking_packet);
  const auto* message = quoted ? std::get_if<wire::MobilityMessage>(&quoted->message) : nullptr;
  const auto* update = message != nullptr ? std::get_if<wire::BindingUpdate>(message) : nullptr;
  // Only the node itself can say what it does not understand.
  if (update == nullptr || quoted->view.source != view.destination || quoted->view.destination != view.source) return false;
  const Address home_address = quoted->view.logical_source();
  auto* address = node.find(home_address);
  if (address == nullptr || address->registration.entry().peer != view.source) return false;
  const auto change = address->registration.not_understood(update->sequence, now);
  registration_changed(node, home_address, change, now, outputs);
  return change != RegistrationChange::None;
}

}  // namespace mipflow::mobile_node
