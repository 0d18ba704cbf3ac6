// SPDX-License-Identifier: GPL-3.0-or-later
#include "correspondent_input.hpp"

#include <algorithm>
#include <variant>

#include "correspondent_reactions.hpp"
#include "correspondent_registration.hpp"
#include "correspondent_signalling.hpp"

namespace mipflow::mobile_node {
namespace {

bool is_own_care_of_address(const Node& node, const Address& address) {
  const auto own = node.movement.addresses();
  return std::any_of(own.begin(), own.end(), [&](const CareOf& care_of) { return care_of.address == address; });
}

// Something of ours is on its way to the correspondent node that it could be answering.
bool awaits_answer(const Node& node, const Address& correspondent) {
  const auto* known = node.correspondents.find(correspondent);
  if (known == nullptr) return false;
  if (std::any_of(known->care_of_tests.begin(), known->care_of_tests.end(), [](const auto& item) { return item.second.running(); }))
    return true;
  return node.correspondents.any_with(
      correspondent, [](const auto& registration) { return registration.home_test.running() || !registration.outstanding.empty(); });
}

// The quoted message is one that we sent and that nothing has answered yet. Whoever is not on its way does not know the
// cookie, or the sequence number.
struct IsOurs {
  Node& node;
  const wire::PacketView& quoted;

  CorrespondentRegistration* registration() const {
    return node.correspondents.find({quoted.logical_source(), quoted.destination});
  }
  bool operator()(const wire::HomeTestInit& init) const {
    return registration() != nullptr && registration()->home_test.awaits(init.home_init_cookie);
  }
  bool operator()(const wire::CareOfTestInit& init) const {
    const auto* correspondent = node.correspondents.find(quoted.destination);
    const auto test = correspondent->care_of_tests.find(quoted.source);
    return test != correspondent->care_of_tests.end() && test->second.awaits(init.care_of_init_cookie);
  }
  bool operator()(const wire::BindingUpdate& update) const {
    if (registration() == nullptr) return false;
    const auto& outstanding = registration()->outstanding;
    return std::any_of(outstanding.begin(), outstanding.end(), [&](const auto& each) { return each.sequence == update.sequence; });
  }
  template <class Message>
  bool operator()(const Message&) const { return false; }
};

bool quotes_message_of_ours(Node& node, BytesView packet) {
  const auto decoded = wire::decode_packet(packet);
  const auto* message = decoded ? std::get_if<wire::MobilityMessage>(&decoded->message) : nullptr;
  return message != nullptr && std::visit(IsOurs{node, decoded->view}, *message);
}

}  // namespace

const char* receive_home_test(Node& node, const PacketReceived& event, const wire::PacketView& view,
                              const wire::HomeTest& message, Now now, Outputs& outputs) {
  if (view.home_address_option || view.routing_header_home_address) return "a Home Test never has such a header";
  const auto* address = node.find(view.destination);
  if (address == nullptr) return "a Home Test to an address that is no home address of ours";
  if (!event.tunnel_source && address->at_home_on != event.interface) return "a Home Test that did not come through the tunnel";
  const HomeAddressAndCorrespondent pair{view.destination, view.source};
  auto* registration = node.correspondents.find(pair);
  if (registration == nullptr ||
      !registration->home_test.receive(message.home_init_cookie, message.home_nonce_index, message.home_keygen_token, now.monotonic))
    return "a Home Test that answers no Home Test Init of ours";
  advance(node, pair, now, outputs);
  return nullptr;
}

const char* receive_care_of_test(Node& node, const PacketReceived& event, const wire::PacketView& view,
                                 const wire::CareOfTest& message, Now now, Outputs& outputs) {
  if (view.home_address_option || view.routing_header_home_address) return "a Care-of Test never has such a header";
  if (event.tunnel_source || !is_own_care_of_address(node, view.destination)) return "a Care-of Test that did not come to a care-of address";
  auto* correspondent = node.correspondents.find(view.source);
  if (correspondent == nullptr) return "a Care-of Test from a stranger";
  const auto test = correspondent->care_of_tests.find(view.destination);
  if (test == correspondent->care_of_tests.end() ||
      !test->second.receive(message.care_of_init_cookie, message.care_of_nonce_index, message.care_of_keygen_token, now.monotonic))
    return "a Care-of Test that answers no Care-of Test Init of ours";
  for (const auto& pair : node.correspondents.with(view.source)) advance(node, pair, now, outputs);
  return nullptr;
}

const char* receive_correspondent_acknowledgement(Node& node, const wire::PacketView& view,
                                                  const wire::BindingAcknowledgement& message, Now now, Outputs& outputs) {
  const HomeAddressAndCorrespondent pair{view.logical_destination(), view.source};
  auto* registration = node.correspondents.find(pair);
  if (registration == nullptr) return "a Binding Acknowledgement from a node that has no binding of ours";
  const auto* answered = answered_update(*registration, view, message);
  if (answered == nullptr) return "a Binding Acknowledgement that does not answer a Binding Update of ours, or not provably";
  correspondent_acknowledged(node, pair, *registration, message, *answered, now, outputs);
  return nullptr;
}

const char* receive_correspondent_refresh_request(Node& node, const wire::PacketView& view, Now now, Outputs& outputs) {
  // It is sent to the home address, and comes there through the tunnel or with a type 2 routing header.
  const HomeAddressAndCorrespondent pair{view.logical_destination(), view.source};
  auto* registration = node.correspondents.find(pair);
  if (registration == nullptr) return "it asks for a binding that we do not have";
  refresh_requested(node, pair, *registration, now, outputs);
  return nullptr;
}

const char* receive_correspondent_error(Node& node, const wire::PacketView& view, const wire::BindingError& message, Now now,
                                        Outputs& outputs) {
  const auto* known = node.correspondents.find(view.source);
  if (known == nullptr) return "a Binding Error from a stranger";
  switch (message.status) {
    case wire::BindingErrorStatus::UnknownBinding: {
      const HomeAddressAndCorrespondent pair{message.home_address, view.source};
      auto* registration = node.correspondents.find(pair);
      if (registration == nullptr) return "a Binding Error about a binding that we do not have";
      binding_doubted(node, pair, *registration, view.destination, now, outputs);
      return nullptr;
    }
    case wire::BindingErrorStatus::UnrecognizedMobilityType:
      // Who has accepted a binding knows the messages; anybody can send this one in its name.
      if (known->has_bound || !awaits_answer(node, view.source)) return "a Binding Error to no message of ours";
      avoid(node, view.source, Shortcoming::Incapable, "does not know the messages of return routability (Binding Error 2)", now, outputs);
      return nullptr;
  }
  return "a Binding Error of unknown status";
}

bool receive_error_about_correspondent(Node& node, const wire::PacketView& view, const wire::Icmpv6Error& error, Now now,
                                       Outputs& outputs) {
  const auto quoted = wire::parse_packet(error.invoking_packet);
  // To a home address that is bound at the correspondent node the error comes with a type 2 routing header, §9.3.2.
  if (!quoted || (quoted->source != view.destination && quoted->source != view.logical_destination())) return false;
  const bool from_home_address = node.find(quoted->source) != nullptr;
  if (!from_home_address && !is_own_care_of_address(node, quoted->source)) return false;
  const bool is_mobility_header = quoted->protocol == kProtocolMobilityHeader;
  if (!is_mobility_header && !quoted->home_address_option) return false;
  const auto* known = node.correspondents.find(quoted->destination);
  // RFC 6275 §11.3.5: an error makes no entry.
  if (known == nullptr) return true;
  const bool is_parameter_problem = error.type == wire::kIcmpv6ParameterProblem;
  // Only the node itself can say what it does not understand, and not what it has accepted a binding by: its daemon is being started
  // again, or somebody lies. When it stays so it counts as silent.
  if (is_parameter_problem && error.code == wire::kUnrecognizedNextHeader && is_mobility_header && view.source == quoted->destination &&
      !known->has_bound && quotes_message_of_ours(node, error.invoking_packet)) {
    avoid(node, quoted->destination, Shortcoming::Incapable, "does not understand Mobility Headers (ICMPv6 Parameter Problem)", now, outputs);
    return true;
  }
  if (is_parameter_problem && error.code == wire::kUnrecognizedOption) {
    const HomeAddressAndCorrespondent pair{quoted->logical_source(), quoted->destination};
    auto* registration = node.correspondents.find(pair);
    if (registration != nullptr && view.source == quoted->destination && quoted->home_address_option)
      option_refused(node, pair, *registration, quoted->source, now, outputs);
    outputs.notices.push_back({Severity::Warning, "home-address-option-refused",
                               to_string(view.source) + " says that " + to_string(quoted->destination) +
                                   " does not understand the Home Address option."});
    return true;
  }
  outputs.notices.push_back({Severity::Debug, "error-about-correspondent",
                             to_string(view.source) + " reports an error (ICMPv6 type " + std::to_string(error.type) + ", code " +
                                 std::to_string(error.code) + ") about a packet to correspondent node " +
                                 to_string(quoted->destination) + "."});
  return true;
}

}  // namespace mipflow::mobile_node
