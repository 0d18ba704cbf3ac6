// SPDX-License-Identifier: GPL-3.0-or-later
#include "signalling_input.hpp"

#include <algorithm>
#include <string>
#include <variant>

#include "acknowledgement_reaction.hpp"
#include "correspondent_input.hpp"
#include "forwarding.hpp"
#include "home_addresses.hpp"
#include "home_agent_errors.hpp"
#include "home_agent_search.hpp"
#include "mipflow/wire/packet.hpp"
#include "malformed_messages.hpp"
#include "service_input.hpp"
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

  void ignore_because(const char* name, const char* why, Severity severity = Severity::Debug) const {
    if (why != nullptr) ignore(name, why, severity);
  }

  // From the home agent that serves, or the one that this home address is registered with or is to be.
  bool is_from_home_agent(const ManagedHomeAddress* concerned) const {
    return view.source == node.agents.serving() || (concerned != nullptr && view.source == concerned->registration.entry().peer);
  }

  // RFC 6275 §11.7.3
  void operator()(const wire::BindingAcknowledgement& acknowledgement) const {
    auto* address = node.find(view.logical_destination());
    if (!is_from_home_agent(address))
      return ignore_because("acknowledgement-from-stranger", receive_correspondent_acknowledgement(node, view, acknowledgement, now, outputs),
                            Severity::Warning);
    if (address == nullptr) return ignore("acknowledgement-unexpected", "its home address is none of ours");
    const auto answered = node.signalling.judge(view, acknowledgement, address->registration.entry());
    if (!answered) {
      if (address->registration.unanswered() > 0)
        ++node.distrusted_acknowledgements;
      return ignore(answered.error(), "a Binding Acknowledgement that does not answer a Binding Update of ours, or not provably",
                    Severity::Warning);
    }
    node.distrusted_acknowledgements = 0;
    if (view.source == node.agents.serving()) node.reachability.acknowledged({view.destination, event.interface}, now.monotonic);
    const Address home_address = address->home_address;
    registration_changed(node, home_address, address->registration.acknowledge(acknowledgement, *answered, now, outputs), now,
                         outputs);
  }

  // RFC 6275 §11.7.4. Anybody can send one; all it does is one Binding Update under the rate limit.
  void operator()(const wire::BindingRefreshRequest&) const {
    auto* address = node.find(view.logical_destination());
    if (!is_from_home_agent(address))
      return ignore_because("refresh-request-from-stranger", receive_correspondent_refresh_request(node, view, now, outputs),
                            Severity::Warning);
    if (address == nullptr || address->leaving)
      return ignore("refresh-request-unexpected", "it asks for a binding that we do not have");
    address->registration.refresh(now, outputs);
  }

  // RFC 6275 §11.3.6. Not authenticated either: the binding counts as lost only when the home agent answers so.
  void operator()(const wire::BindingError& error) const {
    if (!is_from_home_agent(node.find(error.home_address)))
      return ignore_because("binding-error-from-stranger", receive_correspondent_error(node, view, error, now, outputs),
                            Severity::Warning);
    switch (error.status) {
      case wire::BindingErrorStatus::UnknownBinding: {
        auto* address = node.find(error.home_address);
        if (address == nullptr || address->leaving)
          return ignore("binding-error-unexpected", "it is about a home address that is none of ours");
        address->registration.refresh(now, outputs);
        return;
      }
      case wire::BindingErrorStatus::UnrecognizedMobilityType:
        if (node.agent_service.not_understood(now.monotonic)) {
          node.upkeep_due = now.monotonic;
          outputs.notices.push_back({Severity::Info, "agent-service-not-offered",
                                     "The home agent does not know the address and policy service."});
          return;
        }
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

  void operator()(const wire::Icmpv6Error& error) const {
    if (receive_error_about_home_registration(node, view, error, now, outputs)) return;
    if (!receive_error_about_correspondent(node, view, error, now, outputs)) handle_tunnel_error(node, view, error, now, outputs);
  }

  void operator()(const wire::AgentServiceMessage& message) const {
    if (const char* wrong = receive_agent_service(node, view, event.interface, message, now, outputs))
      ignore(wrong, "a message of the address and policy service that is not provably from the home agent", Severity::Warning);
  }

  void operator()(const wire::HomeTest& message) const {
    ignore_because("home-test-unexpected", receive_home_test(node, event, view, message, now, outputs));
  }
  void operator()(const wire::CareOfTest& message) const {
    ignore_because("care-of-test-unexpected", receive_care_of_test(node, event, view, message, now, outputs));
  }

  // RFC 6275 §11.4.1. What a tunnel brings was sent to a home address, and those ask for no home agents.
  void operator()(const wire::HomeAgentAddressDiscoveryReply& reply) const {
    ignore_because("home-agents-unexpected",
                   event.tunnel_source ? "it comes out of a tunnel" : receive_home_agents(node, view, event.interface, reply, now, outputs),
                   Severity::Warning);
  }

  void operator()(const wire::NeighborSolicitation& solicitation) const {
    handle_neighbour_solicitation(node, view, solicitation, event, outputs);
  }
  void operator()(const wire::NeighborAdvertisement& advertisement) const {
    handle_neighbour_advertisement(node, advertisement, event.interface, now, outputs);
  }

  // A mobile node answers to none of these.
  void operator()(const wire::HomeTestInit&) const { ignore("message-not-for-us", "a Home Test Init"); }
  void operator()(const wire::CareOfTestInit&) const { ignore("message-not-for-us", "a Care-of Test Init"); }
  void operator()(const wire::BindingUpdate&) const { ignore("message-not-for-us", "a Binding Update"); }
  void operator()(const wire::HomeAgentAddressDiscoveryRequest&) const { ignore("message-not-for-us", "agent discovery"); }
  void operator()(const wire::MobilePrefixSolicitation&) const { ignore("message-not-for-us", "prefix solicitation"); }
  void operator()(const wire::RouterAdvertisement&) const { ignore("message-not-for-us", "router discovery"); }
};

}  // namespace

void receive_signalling(Node& node, const PacketReceived& event, Now now, Outputs& outputs) {
  // RFC 6275 §11.3.3: only the own home agent's tunnel counts, and while another one takes over both.
  if (event.tunnel_source && node.plan.home_agents.find(*event.tunnel_source) == nullptr) {
    outputs.notices.push_back({Severity::Warning, "tunnel-from-stranger",
                               "Ignored a tunnelled packet from " + to_string(*event.tunnel_source) + "."});
    return;
  }
  const auto decoded = wire::decode_packet(event.packet);
  if (!decoded) {
    outputs.notices.push_back({Severity::Warning, "message-malformed",
                               std::string("Ignored a malformed message: ") + wire::to_string(decoded.error().kind) +
                                   " at octet " + std::to_string(decoded.error().offset) + "."});
    answer_malformed_message(node, event, decoded.error(), now, outputs);
    return;
  }
  const Receiver receiver{node, event, decoded->view, now, outputs};
  std::visit([&receiver](const auto& group) { std::visit(receiver, group); }, decoded->message);
}

}  // namespace mipflow::mobile_node
