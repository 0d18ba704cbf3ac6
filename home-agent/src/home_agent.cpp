// SPDX-License-Identifier: GPL-3.0-or-later
// Hands events to the part that deals with them, and asks the parts when they want to be woken.
#include "mipflow/home-agent/home_agent.hpp"

#include <algorithm>
#include <utility>

#include "agent_discovery.hpp"
#include "error_reports.hpp"
#include "home_registration.hpp"
#include "prefix_service.hpp"
#include "tunnel_errors.hpp"
#include "unbound_sources.hpp"

namespace mipflow::home_agent {

namespace {

const char* to_string(BindingState state) {
  switch (state) {
    case BindingState::DetectingDuplicates: return "detecting-duplicates";
    case BindingState::Bound: return "bound";
    case BindingState::Deleted: return "deleted";
  }
  return "";
}

}  // namespace

class HomeAgent::Implementation {
 public:
  Implementation(Configuration configuration, const std::vector<PersistedBinding>& restored, RandomSource& random,
                 Now now)
      : configuration_(std::move(configuration)),
        authorizations_(configuration_.mobile_nodes),
        prefixes_(configuration_.home_prefixes, now.monotonic),
        registration_({configuration_, authorizations_, prefixes_, cache_, detection_, defence_, tunnels_, counters_},
                      now),
        prefix_service_({configuration_, authorizations_, prefixes_, cache_, counters_, random}),
        unbound_sources_({configuration_, prefixes_, cache_, plan_}) {
    defence_.set_home_link(home_link());
    std::size_t position = 0;
    for (const PersistedBinding& binding : restored)
      if (registration_.restore(binding, position, now)) ++position;
    tell_prefix_service(now);
  }

  void handle(const PacketReceived& packet, Now now, Outputs& outputs) {
    // What was due before the packet came comes first, also when the runner is late.
    on_deadline(now, outputs);
    // Signalling does not come by the tunnel: it has the care-of address as its source.
    if (!packet.tunnel_source) dispatch(packet, now, outputs);
    tell_prefix_service(now);
    defence_.on_deadline(now.monotonic, outputs);
  }

  void handle(const UnboundTunnelSource& source, Now now, Outputs& outputs) {
    on_deadline(now, outputs);
    unbound_sources_.answer(source, now.monotonic, outputs);
  }

  void on_deadline(Now now, Outputs& outputs) {
    registration_.on_deadline(now, outputs);
    tell_prefix_service(now);
    prefix_service_.on_deadline(now, outputs);
    defence_.on_deadline(now.monotonic, outputs);
  }

  TimePoint next_deadline() const {
    return std::min({registration_.next_deadline(), prefix_service_.next_deadline(), defence_.next_deadline()});
  }

  void set_configuration(Configuration configuration, Now now, Outputs& outputs) {
    on_deadline(now, outputs);
    const bool prefixes_changed = configuration.home_prefixes != configuration_.home_prefixes;
    const bool home_link_changed = configuration.home_interface != configuration_.home_interface ||
                                   configuration.home_link_layer_address != configuration_.home_link_layer_address ||
                                   configuration.home_agent_address != configuration_.home_agent_address;
    configuration_ = std::move(configuration);
    authorizations_ = Authorizations(configuration_.mobile_nodes);
    if (prefixes_changed) prefixes_ = HomePrefixes(configuration_.home_prefixes, now.monotonic);
    registration_.apply_configuration(now, outputs);
    if (home_link_changed) registration_.move_to_home_link(home_link(), now, outputs);
    tell_prefix_service(now);
    if (prefixes_changed) prefix_service_.prefixes_changed(now.monotonic);
    defence_.on_deadline(now.monotonic, outputs);
  }

  std::vector<PersistedBinding> persisted(Now now) {
    std::vector<PersistedBinding> out;
    for (const auto& [home_address, binding] : cache_.all()) {
      if (binding.state != BindingState::Bound) continue;
      const auto* mobile_node = authorizations_.find(binding.primary_home_address, binding.spi);
      out.push_back({.home_address = home_address,
                     .care_of_address = binding.care_of_address,
                     .primary_home_address = binding.primary_home_address,
                     .network_access_identifier =
                         mobile_node != nullptr ? mobile_node->security_association.network_access_identifier : "",
                     .spi = binding.spi,
                     .sequence = binding.sequence,
                     .last_timestamp = binding.last_timestamp,
                     .wall_expiry = now.wall + (binding.ends - now.monotonic),
                     .link_local_address_compatibility = binding.link_local_address_compatibility});
    }
    registration_.clear_changed();
    return out;
  }
  bool persistence_is_due() const { return registration_.changed(); }

  std::vector<BindingSnapshot> bindings(Now now) const {
    std::vector<BindingSnapshot> out;
    for (const auto& [home_address, binding] : cache_.all()) {
      BindingSnapshot snapshot;
      snapshot.home_address = home_address;
      snapshot.care_of_address = binding.care_of_address;
      if (const auto* mobile_node = authorizations_.find(binding.primary_home_address, binding.spi))
        snapshot.mobile_node = mobile_node->security_association.network_access_identifier;
      snapshot.primary = home_address == binding.primary_home_address;
      snapshot.state = to_string(binding.state);
      snapshot.sequence = binding.sequence;
      if (binding.state == BindingState::Bound) snapshot.lifetime = binding.ends - now.monotonic;
      out.push_back(std::move(snapshot));
    }
    std::ranges::sort(out, {}, &BindingSnapshot::home_address);
    return out;
  }

  forwarding::ForwardingPlan& plan() { return plan_; }
  const Counters& counters() const { return counters_; }

 private:
  HomeLink home_link() const {
    return {configuration_.home_interface, configuration_.home_link_layer_address, configuration_.home_agent_address};
  }

  void tell_prefix_service(Now now) {
    for (const Address& primary : registration_.take_registered())
      prefix_service_.mobile_node_registered(primary, now.monotonic);
    for (const Address& primary : registration_.take_ended()) prefix_service_.binding_ended(primary, now.monotonic);
  }

  void dispatch(const PacketReceived& packet, Now now, Outputs& outputs) {
    const auto decoded = wire::decode_packet(packet.packet);
    if (!decoded) return handle_undecodable(decoded.error(), packet, now, outputs);
    const wire::PacketView& view = decoded->view;
    // RFC 6275 §9.3.2: whoever is not a mobile node drops every type 2 routing header silently.
    if (view.routing_header_home_address) return;
    const auto handle_any = [&](const auto& message) { handle_message(message, view, packet, now, outputs); };
    std::visit([&](const auto& kind) { std::visit(handle_any, kind); }, decoded->message);
  }

  void handle_undecodable(const wire::DecodeError& error, const PacketReceived& packet, Now now, Outputs& outputs) {
    if (error.kind == wire::DecodeErrorKind::NotMobileIpv6) {
      const auto view = wire::parse_packet(packet.packet);
      if (view) passes_home_address_option_test(*view, packet, now, outputs);
      return;
    }
    ++counters_.dropped_malformed;
    outputs.notices.push_back({Severity::Warning, "packet-malformed",
                               std::string("dropped a packet: ") + wire::to_string(error.kind) + " at octet " +
                                   std::to_string(error.offset)});
    errors_.answer_undecodable(error, packet, configuration_.home_agent_address, now.monotonic, outputs);
  }

  bool is_for_us(const wire::PacketView& view) const { return view.destination == configuration_.home_agent_address; }

  // RFC 6275 §9.3.1: a Home Address option has to be that of a binding to the source, unless what follows authenticates
  // itself (ESP, AH, Mobility Header).
  bool passes_home_address_option_test(const wire::PacketView& view, const PacketReceived& packet, Now now,
                                       Outputs& outputs) {
    constexpr std::uint8_t kEsp = 50;
    constexpr std::uint8_t kAuthenticationHeader = 51;
    if (!view.home_address_option) return true;
    if (view.protocol == kProtocolMobilityHeader || view.protocol == kEsp || view.protocol == kAuthenticationHeader)
      return true;
    const Binding* binding = cache_.find_bound(*view.home_address_option);
    if (binding != nullptr && binding->care_of_address == view.source) return true;
    ++counters_.dropped_malformed;
    outputs.notices.push_back({Severity::Warning, "home-address-option-unbound",
                               "dropped a packet from " + to_string(view.source) + ": " +
                                   to_string(*view.home_address_option) + " is not bound to this source"});
    if (is_for_us(view) && view.home_address_option->is_unicast_routable())
      errors_.send_binding_error(wire::BindingErrorStatus::UnknownBinding, view, packet.interface, now.monotonic,
                                 outputs);
    return false;
  }

  void handle_message(const wire::BindingUpdate& update, const wire::PacketView& view, const PacketReceived& packet,
                      Now now, Outputs& outputs) {
    if (is_for_us(view)) registration_.handle_binding_update(view, update, packet, now, outputs);
  }
  void handle_message(const wire::MobilePrefixSolicitation& solicitation, const wire::PacketView& view,
                      const PacketReceived& packet, Now now, Outputs& outputs) {
    if (is_for_us(view) && passes_home_address_option_test(view, packet, now, outputs))
      prefix_service_.handle_solicitation(solicitation, view, now, outputs);
  }
  void handle_message(const wire::HomeAgentAddressDiscoveryRequest& request, const wire::PacketView& view,
                      const PacketReceived&, Now now, Outputs& outputs) {
    if (!view.home_address_option &&
        AgentDiscovery::is_for_us(view.destination, prefixes_, configuration_.home_agent_address))
      discovery_.answer(request, view, configuration_.home_agent_address, now.monotonic, outputs);
  }
  void handle_message(const wire::NeighborSolicitation& solicitation, const wire::PacketView& view,
                      const PacketReceived& packet, Now now, Outputs& outputs) {
    if (is_from_a_neighbour(packet) && shows_duplicate(solicitation, view.source))
      registration_.handle_duplicate(solicitation.target, now, outputs);
  }
  void handle_message(const wire::NeighborAdvertisement& advertisement, const wire::PacketView&,
                      const PacketReceived& packet, Now now, Outputs& outputs) {
    if (is_from_a_neighbour(packet)) registration_.handle_duplicate(advertisement.target, now, outputs);
  }
  void handle_message(const wire::Icmpv6Error& error, const wire::PacketView& view, const PacketReceived&, Now now,
                      Outputs& outputs) {
    if (is_for_us(view)) tunnel_errors_.relay(error, configuration_.home_agent_address, tunnels_, now.monotonic, outputs);
  }
  // Every other message is for a mobile node, or for a correspondent node, which this role is not.
  template <class Message>
  void handle_message(const Message&, const wire::PacketView&, const PacketReceived&, Now, Outputs&) {}

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
  Tunnels tunnels_{plan_};
  HomeRegistration registration_;
  PrefixService prefix_service_;
  UnboundSources unbound_sources_;
  AgentDiscovery discovery_;
  ErrorReports errors_;
  TunnelErrors tunnel_errors_;
};

HomeAgent::HomeAgent(Configuration configuration, const std::vector<PersistedBinding>& restored, RandomSource& random,
                     Now now)
    : implementation_(std::make_unique<Implementation>(std::move(configuration), restored, random, now)) {}
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
bool HomeAgent::persistence_is_due() const { return implementation_->persistence_is_due(); }
std::vector<BindingSnapshot> HomeAgent::bindings(Now now) const { return implementation_->bindings(now); }
const Counters& HomeAgent::counters() const { return implementation_->counters(); }

}  // namespace mipflow::home_agent
