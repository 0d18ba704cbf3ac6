// SPDX-License-Identifier: GPL-3.0-or-later
#include "signalling_input.hpp"

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

  void ignore(const char* name, const std::string& why) const {
    outputs.notices.push_back({Severity::Debug, name, "Ignored a packet from " + to_string(view.source) + ": " + why + "."});
  }

  // RFC 6275 §11.7.3
  void operator()(const wire::BindingAcknowledgement& acknowledgement) const {
    auto* address = node.find(view.logical_destination());
    if (address == nullptr) return ignore("acknowledgement-unexpected", "its home address is none of ours");
    const auto answered = node.signalling.judge(view, acknowledgement, address->registration.entry());
    if (!answered) {
      if (node.signalling.is_from_home_agent(view) && address->registration.unanswered() > 0)
        ++node.distrusted_acknowledgements;
      return ignore(answered.error(), "a Binding Acknowledgement that does not answer a Binding Update of ours, or not provably");
    }
    node.distrusted_acknowledgements = 0;
    const Address home_address = address->home_address;
    registration_changed(node, home_address, address->registration.acknowledge(acknowledgement, *answered, now, outputs), now,
                         outputs);
  }

  // RFC 6275 §11.7.4. Anybody can send one; all it does is one Binding Update under the rate limit.
  void operator()(const wire::BindingRefreshRequest&) const {
    if (!node.signalling.is_from_home_agent(view)) return ignore("refresh-request-from-stranger", "not from the home agent");
    auto* address = node.find(view.logical_destination());
    if (address == nullptr || address->leaving)
      return ignore("refresh-request-unexpected", "it asks for a binding that we do not have");
    address->registration.refresh(now, outputs);
  }

  // RFC 6275 §11.3.6. Not authenticated either: the binding counts as lost only when the home agent answers so.
  void operator()(const wire::BindingError& error) const {
    if (!node.signalling.is_from_home_agent(view)) return ignore("binding-error-from-stranger", "not from the home agent");
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
      return ignore(wrong, "a Mobile Prefix Advertisement that is not provably from the home agent");
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

}  // namespace

void receive_signalling(Node& node, const PacketReceived& event, Now now, Outputs& outputs) {
  // RFC 6275 §11.3.3: only the own home agent's tunnel counts.
  if (event.tunnel_source && *event.tunnel_source != node.configuration.home_agent) {
    outputs.notices.push_back({Severity::Debug, "tunnel-from-stranger",
                               "Ignored a tunnelled packet from " + to_string(*event.tunnel_source) + "."});
    return;
  }
  const auto decoded = wire::decode_packet(event.packet);
  if (!decoded) {
    outputs.notices.push_back({Severity::Debug, "message-malformed",
                               std::string("Ignored a malformed message: ") + wire::to_string(decoded.error().kind) +
                                   " at octet " + std::to_string(decoded.error().offset) + "."});
    return;
  }
  const Receiver receiver{node, event, decoded->view, now, outputs};
  std::visit([&receiver](const auto& group) { std::visit(receiver, group); }, decoded->message);
}

}  // namespace mipflow::mobile_node
