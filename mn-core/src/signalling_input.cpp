// SPDX-License-Identifier: GPL-3.0-or-later
#include "signalling_input.hpp"

#include <algorithm>
#include <string>
#include <variant>

#include "acknowledgement_reaction.hpp"
#include "forwarding.hpp"
#include "home_addresses.hpp"
#include "mipflow/wire/packet.hpp"
#include "tunnel_errors.hpp"

namespace mipflow::mobile_node {
namespace {

// Handles the messages of one packet; one function per message type.
struct Receiver {
  Node& node;
  const PacketReceived& event;
  const wire::PacketView& view;
  Now now;
  Outputs& outputs;

  // Debug: what happens without anybody's fault. Warning: what may be forged, and what a wrong configuration looks like.
  void ignore(const char* name, const std::string& why, Severity severity = Severity::Debug) const {
    outputs.notices.push_back({severity, name, "Ignored a packet from " + to_string(view.source) + ": " + why + "."});
  }

  // RFC 6275 §11.7.3
  void operator()(const wire::BindingAcknowledgement& acknowledgement) const {
    auto* address = node.find(view.logical_destination());
    if (address == nullptr) return ignore("acknowledgement-unexpected", "its home address is none of ours");
    const auto answered = node.signalling.judge(view, acknowledgement, address->registration.entry());
    if (!answered) {
      if (node.signalling.is_from_home_agent(view) && address->registration.unanswered() > 0)
        ++node.distrusted_acknowledgements;
      return ignore(answered.error(), "a Binding Acknowledgement that does not answer a Binding Update of ours, or not provably",
                    Severity::Warning);
    }
    node.distrusted_acknowledgements = 0;
    const Address home_address = address->home_address;
    registration_changed(node, home_address, address->registration.acknowledge(acknowledgement, *answered, now, outputs), now,
                         outputs);
  }

  // RFC 6275 §11.7.4. Anybody can send one; all it does is one Binding Update under the rate limit.
  void operator()(const wire::BindingRefreshRequest&) const {
    if (!node.signalling.is_from_home_agent(view)) return ignore("refresh-request-from-stranger", "not from the home agent", Severity::Warning);
    auto* address = node.find(view.logical_destination());
    if (address == nullptr || address->leaving)
      return ignore("refresh-request-unexpected", "it asks for a binding that we do not have");
    address->registration.refresh(now, outputs);
  }

  // RFC 6275 §11.3.6. Not authenticated either: the binding counts as lost only when the home agent answers so.
  void operator()(const wire::BindingError& error) const {
    if (!node.signalling.is_from_home_agent(view)) return ignore("binding-error-from-stranger", "not from the home agent", Severity::Warning);
    switch (error.status) {
      case wire::BindingErrorStatus::UnknownBinding: {
        auto* address = node.find(error.home_address);
        if (address == nullptr || address->leaving)
          return ignore("binding-error-unexpected", "it is about a home address that is none of ours");
        address->registration.refresh(now, outputs);
        return;
      }
      case wire::BindingErrorStatus::UnrecognizedMobilityType:
        outputs.notices.push_back({Severity::Warning, "home-agent-does-not-understand",
                                   "The home agent says that it does not know a message of ours (Binding Error 2)."});
        return;
    }
    ignore("binding-error-unexpected", "a Binding Error of unknown status");
  }

  // RFC 6275 §11.4.3
  void operator()(const wire::MobilePrefixAdvertisement& advertisement) const {
    if (node.find(view.logical_destination()) == nullptr)
      return ignore("prefix-advertisement-unexpected", "its home address is none of ours");
    if (const char* wrong = node.signalling.judge(view, advertisement))
      return ignore(wrong, "a Mobile Prefix Advertisement that is not provably from the home agent", Severity::Warning);
    switch (node.prefix_discovery.handle(advertisement, now.monotonic)) {
      case PrefixDiscovery::Verdict::Unsolicited:
        return ignore("prefix-advertisement-unsolicited", "the home agent is asked for its prefixes instead");
      case PrefixDiscovery::Verdict::Taken: return prefixes_changed(node, now, outputs);
    }
  }

  void operator()(const wire::Icmpv6Error& error) const { handle_tunnel_error(node, view, error, now, outputs); }

  void operator()(const wire::NeighborSolicitation& solicitation) const {
    handle_neighbour_solicitation(node, view, solicitation, event, outputs);
  }
  void operator()(const wire::NeighborAdvertisement& advertisement) const {
    handle_neighbour_advertisement(node, advertisement, event.interface, now, outputs);
  }

  // A mobile node without route optimisation answers to none of these.
  void operator()(const wire::HomeTestInit&) const { ignore("message-not-for-us", "a Home Test Init"); }
  void operator()(const wire::CareOfTestInit&) const { ignore("message-not-for-us", "a Care-of Test Init"); }
  void operator()(const wire::HomeTest&) const { ignore("message-not-for-us", "a Home Test nobody asked for"); }
  void operator()(const wire::CareOfTest&) const { ignore("message-not-for-us", "a Care-of Test nobody asked for"); }
  void operator()(const wire::BindingUpdate&) const { ignore("message-not-for-us", "a Binding Update"); }
  void operator()(const wire::HomeAgentAddressDiscoveryRequest&) const { ignore("message-not-for-us", "agent discovery"); }
  void operator()(const wire::HomeAgentAddressDiscoveryReply&) const { ignore("message-not-for-us", "agent discovery"); }
  void operator()(const wire::MobilePrefixSolicitation&) const { ignore("message-not-for-us", "prefix solicitation"); }
  void operator()(const wire::RouterAdvertisement&) const { ignore("message-not-for-us", "router discovery"); }
};

// RFC 6275 §9.2, §9.3.3: the one wrong message whose sender has to be told.
void answer_unknown_type(Node& node, const PacketReceived& event, Now now, Outputs& outputs) {
  const auto view = wire::parse_packet(event.packet);
  if (!view || event.tunnel_source) return;
  if (!view->source.is_unicast_routable() && !view->source.is_link_local()) return;
  const auto own = node.movement.addresses();
  if (std::find(own.begin(), own.end(), CareOf{view->destination, event.interface}) == own.end()) return;
  if (!node.binding_errors.take(now.monotonic)) return;
  wire::BindingError error;
  error.status = wire::BindingErrorStatus::UnrecognizedMobilityType;
  error.home_address = view->home_address_option.value_or(Address{});
  outputs.packets.push_back({.packet = wire::build_packet({view->destination, view->source}, wire::MobilityMessage{error}),
                             .interface = event.interface});
}

}  // namespace

void receive_signalling(Node& node, const PacketReceived& event, Now now, Outputs& outputs) {
  // RFC 6275 §11.3.3: only the own home agent's tunnel counts.
  if (event.tunnel_source && *event.tunnel_source != node.configuration.home_agent) {
    outputs.notices.push_back({Severity::Warning, "tunnel-from-stranger",
                               "Ignored a tunnelled packet from " + to_string(*event.tunnel_source) + "."});
    return;
  }
  const auto decoded = wire::decode_packet(event.packet);
  if (!decoded) {
    outputs.notices.push_back({Severity::Warning, "message-malformed",
                               std::string("Ignored a malformed message: ") + wire::to_string(decoded.error().kind) +
                                   " at octet " + std::to_string(decoded.error().offset) + "."});
    if (decoded.error().kind == wire::DecodeErrorKind::UnknownMobilityType) answer_unknown_type(node, event, now, outputs);
    return;
  }
  const Receiver receiver{node, event, decoded->view, now, outputs};
  std::visit([&receiver](const auto& group) { std::visit(receiver, group); }, decoded->message);
}

}  // namespace mipflow::mobile_node
