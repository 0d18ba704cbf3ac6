// SPDX-License-Identifier: GPL-3.0-or-later
// Hands events to the part that deals with them, and asks the parts when they want to be woken.
#include "mipflow/home-agent/home_agent.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent_discovery.hpp"
#include "agent_service.hpp"
#include "correspondent_objection.hpp"
#include "home_registration.hpp"
#include "mipflow/correspondent-node/error_reports.hpp"
#include "mipflow/correspondent-node/home_address_option.hpp"
#include "prefix_service.hpp"
#include "sharing/interception.hpp"
#include "sharing/sharing.hpp"
#include "snapshots.hpp"
#include "tunnel_errors.hpp"
#include "unbound_sources.hpp"

namespace mipflow::home_agent {

class HomeAgent::Implementation {
 public:
  Implementation(Configuration configuration, const std::vector<PersistedBinding>& restored, RandomSource& random,
                 Now now, const PersistedServices& services)
      : configuration_(std::move(configuration)),
        authorizations_(configuration_.mobile_nodes),
        prefixes_(configuration_.home_prefixes, now.monotonic),
        correspondent_node_(configuration_.correspondent_node, random, plan_, now,
                            [this](const correspondent_node::BindingRequest& request, TimePoint when) {
                              return object_to_correspondent_registration(request, cache_, prefixes_, when);
                            }),
        sharing_({configuration_.load_sharing, configuration_.home_agent_address, interception_, tunnels_, random,
                  [this](const Address& address) {
                    const Binding* known = cache_.find(address);
                    return known != nullptr && known->state != BindingState::Deleted;
                  },
                  [this](const Address& address) { return address == configuration_.home_agent_address; }},
                 services.load_sharing, now),
        registration_({configuration_, authorizations_, prefixes_, cache_, leases_, detection_, defence_, interception_,
                       sharing_.primary(), tunnels_, counters_, correspondent_node_},
                      now),
        agent_service_({configuration_, authorizations_, prefixes_, cache_, leases_, counters_, random}, services, now),
        prefix_service_({configuration_, authorizations_, prefixes_, cache_, counters_, random}),
        unbound_sources_({configuration_, prefixes_, cache_, plan_}),
        discovery_({configuration_, prefixes_, random}) {
    interception_.set_home_link(home_link());
    tunnels_.set_home_networks(home_networks());
    Outputs nothing;  // there is nothing yet that a registration could bring about, and no agent known that could be told of it
    std::size_t position = 0;
    for (const PersistedBinding& binding : restored)
      if (registration_.restore(binding, position, now, nothing)) ++position;
    tell_services(now, nothing);
  }

  void handle(const PacketReceived& packet, Now now, Outputs& outputs) {
    // What was due before the packet came comes first, also when the runner is late.
    on_deadline(now, outputs);
    dispatch(packet, now, outputs);
    tell_services(now, outputs);
    defence_.on_deadline(now.monotonic, outputs);
  }

  void handle(const UnboundTunnelSource& source, Now now, Outputs& outputs) {
    on_deadline(now, outputs);
    unbound_sources_.answer(source, now.monotonic, outputs);
  }

  void handle(const correspondent_node::BindingActivities& activities, Now now, Outputs& outputs) {
    on_deadline(now, outputs);
    correspondent_node_.handle(activities, now, outputs);
  }

  // Of and about the home agents that share the load.
  void handle(const ForwardingMessageReceived& received, Now now, Outputs& outputs) {
    on_deadline(now, outputs);
    sharing_.handle(received, now, outputs);
    defence_.on_deadline(now.monotonic, outputs);
  }
  void handle(const TunnelActivity& activity, Now now, Outputs& outputs) {
    on_deadline(now, outputs);
    sharing_.handle(activity, now, outputs);
    defence_.on_deadline(now.monotonic, outputs);
  }

  // What the home link's DHCPv6 servers, or the port to them, have to say.
  template <class Dhcpv6Event>
  void handle(const Dhcpv6Event& event, Now now, Outputs& outputs) {
    on_deadline(now, outputs);
    agent_service_.handle(event, now, outputs);
    tell_services(now, outputs);
  }

  void on_deadline(Now now, Outputs& outputs) {
    registration_.on_deadline(now, outputs);
    correspondent_node_.on_deadline(now, outputs);
    agent_service_.on_deadline(now, outputs);
    tell_services(now, outputs);
    prefix_service_.on_deadline(now, outputs);
    sharing_.on_deadline(now, outputs);
    defence_.on_deadline(now.monotonic, outputs);
  }

  TimePoint next_deadline() const {
    return std::min({registration_.next_deadline(), correspondent_node_.next_deadline(), agent_service_.next_deadline(),
                     prefix_service_.next_deadline(), sharing_.next_deadline(), defence_.next_deadline()});
  }

  void set_configuration(Configuration configuration, Now now, Outputs& outputs) {
    on_deadline(now, outputs);
    const bool prefixes_changed = configuration.home_prefixes != configuration_.home_prefixes;
    const bool home_link_changed = configuration.home_interface != configuration_.home_interface ||
                                   configuration.home_link_layer_address != configuration_.home_link_layer_address ||
                                   configuration.home_agent_address != configuration_.home_agent_address;
    const std::vector<MobileNodeAuthorization> mobile_nodes_before = std::move(configuration_.mobile_nodes);
    configuration_ = std::move(configuration);
    authorizations_ = Authorizations(configuration_.mobile_nodes);
    if (prefixes_changed) prefixes_ = HomePrefixes(configuration_.home_prefixes, now.monotonic);
    sharing_.apply_configuration(configuration_.home_agent_address, now, outputs);
    registration_.apply_configuration(now, outputs);
    correspondent_node_.set_configuration(configuration_.correspondent_node, now, outputs);
    if (home_link_changed) {
      registration_.move_to_home_link(home_link(), now, outputs);
      discovery_.home_link_changed();
    }
    tunnels_.set_home_networks(home_networks());
    if (prefixes_changed) agent_service_.prefixes_changed(now, outputs);
    agent_service_.apply_configuration(mobile_nodes_before, now, outputs);
    tell_services(now, outputs);
    if (prefixes_changed) prefix_service_.prefixes_changed(now.monotonic);
    defence_.on_deadline(now.monotonic, outputs);
  }

  std::vector<PersistedBinding> persisted(Now now) {
    registration_.clear_changed();
    cache_.take_touched();
    return persisted_bindings(cache_, authorizations_, now);
  }
  PersistedChanges take_changes(Now now) {
    registration_.clear_changed();
    return take_changed_bindings(cache_, authorizations_, now);
  }
  PersistedServices persisted_services(Now now) {
    agent_service_.clear_changed();
    sharing_.clear_changed();
    PersistedServices out = agent_service_.persisted(now);
    out.load_sharing = sharing_.persisted(now);
    return out;
  }
  bool persistence_is_due() const { return registration_.changed() || agent_service_.changed() || sharing_.changed(); }
  std::size_t given_home_addresses() const { return leases_.size(); }
  std::vector<std::string> troubles() const { return agent_service_.troubles(); }
  std::vector<std::string> unverified_updates(Now now) const { return registration_.unverified().troubles(now.monotonic); }

  std::vector<BindingSnapshot> bindings(Now now) const { return binding_snapshots(cache_, authorizations_, now); }

  // What the operator says by hand, carried out like an event.
  template <class Order>
  Expected<void, std::string> order(Now now, Outputs& outputs, const Order& order) {
    on_deadline(now, outputs);
    auto done = order(sharing_.primary());
    defence_.on_deadline(now.monotonic, outputs);
    return done;
  }
  bool retire(Now now, Outputs& outputs) {
    const bool is_done = sharing_.secondary().retire(now, outputs);
    defence_.on_deadline(now.monotonic, outputs);
    return is_done;
  }
  const Sharing& sharing() const { return sharing_; }

  forwarding::ForwardingPlan& plan() { return plan_; }
  const Counters& counters() const { return counters_; }
  const correspondent_node::CorrespondentNode& correspondent_node() const { return correspondent_node_; }
  correspondent_node::CorrespondentNode& correspondent_node() { return correspondent_node_; }

 private:
  HomeLink home_link() const {
    return {configuration_.home_interface, configuration_.home_link_layer_address, configuration_.home_agent_address};
  }

  // On a home link only what is bound is drawn here: the prefix is the link's.
  std::vector<Prefix> home_networks() const {
    std::vector<Prefix> out;
    if (configuration_.home_interface == 0)
      for (const auto& prefix : configuration_.home_prefixes) out.push_back(prefix.prefix);
    return out;
  }

  // What follows from registrations and leases for the rest of the house.
  void tell_services(Now now, Outputs& outputs) {
    for (const Address& home_address : registration_.take_duplicates()) agent_service_.duplicate_found(home_address, now, outputs);
    for (const Address& home_address : agent_service_.take_lost()) registration_.end_binding(home_address, now, outputs);
    for (const Address& primary : registration_.take_registered()) {
      prefix_service_.mobile_node_registered(primary, now.monotonic);
      agent_service_.mobile_node_registered(primary, now, outputs);
    }
    for (const auto& ended : registration_.take_ended()) {
      prefix_service_.binding_ended(ended.mobile_node, now.monotonic);
      agent_service_.binding_ended(ended.home_address, now.monotonic);
    }
  }

  void dispatch(const PacketReceived& packet, Now now, Outputs& outputs) {
    const auto decoded = wire::decode_packet(packet.packet);
    // Signalling does not come by the tunnel: it has the care-of address as its source. But for the home test.
    if (packet.tunnel_source && !(decoded && is_home_test_init(*decoded))) return;
    // The option is the IP layer's business: what it carries may be anything, and need not be whole.
    if (const auto view = wire::parse_packet(packet.packet))
      if (!passes_home_address_option_test(*view, packet, now, outputs)) return;
    if (!decoded) return handle_undecodable(decoded.error(), packet, now, outputs);
    const wire::PacketView& view = decoded->view;
    // RFC 6275 §9.3.2: whoever is not a mobile node drops every type 2 routing header silently.
    if (view.routing_header_home_address) return;
    const auto handle_any = [&](const auto& message) { handle_message(message, *decoded, packet, now, outputs); };
    std::visit([&](const auto& kind) { std::visit(handle_any, kind); }, decoded->message);
  }

  static bool is_home_test_init(const wire::SignallingPacket& decoded) {
    const auto* message = std::get_if<wire::MobilityMessage>(&decoded.message);
    return message != nullptr && std::holds_alternative<wire::HomeTestInit>(*message);
  }

  void handle_undecodable(const wire::DecodeError& error, const PacketReceived& packet, Now now, Outputs& outputs) {
    if (error.kind == wire::DecodeErrorKind::NotMobileIpv6) return;
    ++counters_.dropped_malformed;
    outputs.notices.push_back({Severity::Warning, "packet-malformed",
                               std::string("dropped a packet: ") + wire::to_string(error.kind) + " at octet " +
                                   std::to_string(error.offset)});
    const auto view = wire::parse_packet(packet.packet);
    if (!view || !is_for_us(*view)) return;
    const std::size_t before = outputs.packets.size();
    errors_.answer_undecodable(error, packet, now.monotonic, outputs);
    keep_out_of_tunnel(view->source, packet, before, outputs);
  }

  // RFC 6275 §9.2, §9.3.3: errors do not go by the Binding Cache. The answers from `first` on are for a registered home address
  // that sends on the home link; routing would take them into its tunnel, so they go to the frame's sender.
  void keep_out_of_tunnel(const Address& source, const PacketReceived& packet, std::size_t first, Outputs& outputs) const {
    const bool on_home_link = configuration_.home_interface != 0 && packet.interface == configuration_.home_interface;
    if (!on_home_link || !packet.link_layer_source || cache_.find_bound(source) == nullptr) return;
    for (std::size_t i = first; i < outputs.packets.size(); ++i) {
      outputs.packets[i].interface = packet.interface;
      outputs.packets[i].link_layer_destination = packet.link_layer_source;
    }
  }

  bool is_for_us(const wire::PacketView& view) const { return view.destination == configuration_.home_agent_address; }

  // RFC 6275 §9.3.1: a Home Address option has to be that of a binding to the source, a home registration or one of a
  // correspondent node.
  bool passes_home_address_option_test(const wire::PacketView& view, const PacketReceived& packet, Now now,
                                       Outputs& outputs) {
    if (!correspondent_node::needs_binding(view)) return true;
    const Binding* binding = cache_.find_bound(*view.home_address_option);
    if (binding != nullptr && binding->care_of_address == view.source) return true;
    if (correspondent_node_.permits({*view.home_address_option, view.destination}, view.source)) return true;
    ++counters_.dropped_malformed;
    outputs.notices.push_back({Severity::Warning, "home-address-option-unbound",
                               "dropped a packet from " + to_string(view.source) + ": " +
                                   to_string(*view.home_address_option) + " is not bound to this source"});
    if (!is_for_us(view) || !view.home_address_option->is_unicast_routable()) return false;
    const std::size_t before = outputs.packets.size();
    errors_.send_binding_error(wire::BindingErrorStatus::UnknownBinding, view, packet.interface, now.monotonic, outputs);
    keep_out_of_tunnel(view.source, packet, before, outputs);
    return false;
  }

  void handle_message(const wire::HomeTestInit&, const wire::SignallingPacket& decoded, const PacketReceived& packet,
                      Now now, Outputs& outputs) {
    correspondent_node_.handle_decoded(decoded, packet.interface, now, outputs);
  }
  void handle_message(const wire::CareOfTestInit&, const wire::SignallingPacket& decoded, const PacketReceived& packet,
                      Now now, Outputs& outputs) {
    correspondent_node_.handle_decoded(decoded, packet.interface, now, outputs);
  }
  void handle_message(const wire::BindingUpdate& update, const wire::SignallingPacket& decoded,
                      const PacketReceived& packet, Now now, Outputs& outputs) {
    if (!update.home_registration && wire::find_option<wire::NonceIndices>(update.options) != nullptr)
      correspondent_node_.handle_decoded(decoded, packet.interface, now, outputs);
    else if (is_for_us(decoded.view))
      registration_.handle_binding_update(decoded.view, update, packet, now, outputs);
  }
  void handle_message(const wire::MobilePrefixSolicitation& solicitation, const wire::SignallingPacket& decoded,
                      const PacketReceived&, Now now, Outputs& outputs) {
    if (is_for_us(decoded.view)) prefix_service_.handle_solicitation(solicitation, decoded.view, now, outputs);
  }
  void handle_message(const wire::AgentServiceMessage& message, const wire::SignallingPacket& decoded, const PacketReceived&,
                      Now now, Outputs& outputs) {
    if (is_for_us(decoded.view)) agent_service_.handle(message, decoded.view, now, outputs);
  }
  void handle_message(const wire::HomeAgentAddressDiscoveryRequest& request, const wire::SignallingPacket& decoded,
                      const PacketReceived&, Now now, Outputs& outputs) {
    discovery_.answer(request, decoded.view, now.monotonic, outputs);
  }
  void handle_message(const wire::NeighborSolicitation& solicitation, const wire::SignallingPacket& decoded,
                      const PacketReceived& packet, Now now, Outputs& outputs) {
    if (is_from_a_neighbour(packet) && shows_duplicate(solicitation, decoded.view.source))
      registration_.handle_duplicate(solicitation.target, now, outputs);
  }
  void handle_message(const wire::NeighborAdvertisement& advertisement, const wire::SignallingPacket&,
                      const PacketReceived& packet, Now now, Outputs& outputs) {
    if (is_from_a_neighbour(packet)) registration_.handle_duplicate(advertisement.target, now, outputs);
  }
  void handle_message(const wire::RouterAdvertisement& advertisement, const wire::SignallingPacket& decoded, const PacketReceived& packet,
                      Now now, Outputs&) {
    if (is_from_a_neighbour(packet)) discovery_.handle(advertisement, decoded.view, now.monotonic);
  }
  // About a packet in one of our tunnels, or about one that we sent as a correspondent node.
  void handle_message(const wire::Icmpv6Error& error, const wire::SignallingPacket& decoded, const PacketReceived& packet,
                      Now now, Outputs& outputs) {
    if (!is_for_us(decoded.view)) return;
    tunnel_errors_.relay(error, configuration_.home_agent_address, tunnels_, now.monotonic, outputs);
    correspondent_node_.handle_decoded(decoded, packet.interface, now, outputs);
  }
  // Every other message is for a mobile node.
  template <class Message>
  void handle_message(const Message&, const wire::SignallingPacket&, const PacketReceived&, Now, Outputs&) {}

  // Not our own packet that the link gave back.
  bool is_from_a_neighbour(const PacketReceived& packet) const {
    return configuration_.home_interface != 0 && packet.interface == configuration_.home_interface &&
           packet.link_layer_source != configuration_.home_link_layer_address;
  }

  Configuration configuration_;
  Authorizations authorizations_;
  HomePrefixes prefixes_;
  forwarding::ForwardingPlan plan_;
  Counters counters_;
  BindingCache cache_;
  DuplicateAddressDetection detection_{plan_};
  NeighbourDefence defence_{plan_};
  Interception interception_{plan_, defence_};
  Tunnels tunnels_{plan_};
  AddressLeases leases_;
  correspondent_node::CorrespondentNode correspondent_node_;
  Sharing sharing_;
  HomeRegistration registration_;
  AgentService agent_service_;
  PrefixService prefix_service_;
  UnboundSources unbound_sources_;
  AgentDiscovery discovery_;
  correspondent_node::ErrorReports errors_;
  TunnelErrors tunnel_errors_;
};

HomeAgent::HomeAgent(Configuration configuration, const std::vector<PersistedBinding>& restored, RandomSource& random,
                     Now now, const PersistedServices& services)
    : implementation_(std::make_unique<Implementation>(std::move(configuration), restored, random, now, services)) {}
HomeAgent::~HomeAgent() = default;

void HomeAgent::handle(const Event& event, Now now, Outputs& outputs) {
  std::visit([&](const auto& concrete) { implementation_->handle(concrete, now, outputs); }, event);
}
void HomeAgent::on_deadline(Now now, Outputs& outputs) { implementation_->on_deadline(now, outputs); }
TimePoint HomeAgent::next_deadline() const { return implementation_->next_deadline(); }
forwarding::ForwardingPlan& HomeAgent::plan() { return implementation_->plan(); }
const forwarding::ForwardingPlan& HomeAgent::plan() const { return implementation_->plan(); }
void HomeAgent::set_configuration(Configuration configuration, Now now, Outputs& outputs) {
  implementation_->set_configuration(std::move(configuration), now, outputs);
}
std::vector<PersistedBinding> HomeAgent::persisted(Now now) { return implementation_->persisted(now); }
PersistedChanges HomeAgent::take_persisted_changes(Now now) { return implementation_->take_changes(now); }
PersistedServices HomeAgent::persisted_services(Now now) { return implementation_->persisted_services(now); }
bool HomeAgent::persistence_is_due() const { return implementation_->persistence_is_due(); }
std::vector<BindingSnapshot> HomeAgent::bindings(Now now) const { return implementation_->bindings(now); }
const Counters& HomeAgent::counters() const { return implementation_->counters(); }
std::size_t HomeAgent::given_home_addresses() const { return implementation_->given_home_addresses(); }
std::vector<std::string> HomeAgent::troubles() const { return implementation_->troubles(); }
std::vector<std::string> HomeAgent::unverified_updates(Now now) const { return implementation_->unverified_updates(now); }
std::vector<correspondent_node::BindingSnapshot> HomeAgent::correspondent_bindings(Now now) const {
  return implementation_->correspondent_node().bindings(now);
}
std::optional<correspondent_node::KeptBinding> HomeAgent::kept_correspondent_binding(const forwarding::HomeAddressAndCorrespondent& pair) const {
  return std::as_const(*implementation_).correspondent_node().kept(pair);
}
void HomeAgent::restore_correspondent_bindings(const std::vector<correspondent_node::KeptBinding>& bindings, Now now) {
  implementation_->correspondent_node().restore(bindings, now);
}
const correspondent_node::Counters& HomeAgent::correspondent_counters() const {
  return implementation_->correspondent_node().counters();
}

Expected<void, std::string> HomeAgent::delegate(const Address& home_address, const std::string& agent, Now now, Outputs& outputs) {
  return implementation_->order(now, outputs, [&](Primary& primary) { return primary.delegate(home_address, agent, now, outputs); });
}
Expected<void, std::string> HomeAgent::recall(const Address& home_address, Now now, Outputs& outputs) {
  return implementation_->order(now, outputs, [&](Primary& primary) { return primary.recall(home_address, now, outputs); });
}
Expected<void, std::string> HomeAgent::release(const Address& home_address, Now now, Outputs& outputs) {
  return implementation_->order(now, outputs, [&](Primary& primary) { return primary.release(home_address, now, outputs); });
}
Expected<void, std::string> HomeAgent::drain(const std::string& agent, bool on, Now now, Outputs& outputs) {
  return implementation_->order(now, outputs, [&](Primary& primary) { return primary.drain(agent, on, now, outputs); });
}
bool HomeAgent::retire(Now now, Outputs& outputs) { return implementation_->retire(now, outputs); }
std::vector<AgentSnapshot> HomeAgent::agents(Now now) const {
  auto out = implementation_->sharing().primary().agents(now);
  auto primaries = implementation_->sharing().secondary().agents(now);
  std::move(primaries.begin(), primaries.end(), std::back_inserter(out));
  return out;
}
std::vector<DelegationSnapshot> HomeAgent::delegations(Now now) const {
  auto out = implementation_->sharing().primary().delegations(now);
  auto forwardings = implementation_->sharing().secondary().forwardings(now);
  std::move(forwardings.begin(), forwardings.end(), std::back_inserter(out));
  std::ranges::sort(out, {}, &DelegationSnapshot::home_address);  // they come out of hash tables
  return out;
}
const LoadSharingCounters& HomeAgent::load_sharing_counters() const { return implementation_->sharing().counters(); }

}  // namespace mipflow::home_agent
