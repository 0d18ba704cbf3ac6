// SPDX-License-Identifier: GPL-3.0-or-later
// Hands events to the part that deals with them, and asks the parts when they want to be woken.
#include "mipflow/correspondent-node/correspondent_node.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "binding_cache.hpp"
#include "correspondent_registration.hpp"
#include "mipflow/correspondent-node/error_reports.hpp"
#include "mipflow/correspondent-node/home_address_option.hpp"
#include "nonces.hpp"
#include "return_routability.hpp"

namespace mipflow::correspondent_node {

namespace {

const char* to_string(BindingState state) {
  switch (state) {
    case BindingState::Bound: return "bound";
    case BindingState::Deleted: return "deleted";
  }
  return "";
}

}  // namespace

class CorrespondentNode::Implementation {
 public:
  Implementation(Configuration configuration, RandomSource& random, forwarding::ForwardingPlan& plan, Objection objection)
      : configuration_(std::move(configuration)),
        objection_(std::move(objection)),
        plan_(plan),
        nonces_(random),
        cache_(plan),
        registration_({configuration_, objection_, nonces_, cache_, counters_}) {
    cache_.set_capacity(configuration_.binding_cache_capacity);
  }

  void handle(const PacketReceived& packet, Now now, Outputs& outputs) {
    // What was due before the packet came comes first, also when the runner is late.
    on_deadline(now, outputs);
    // The option is the IP layer's business: whatever it carries, and whether that is whole, is looked at afterwards.
    if (const auto view = wire::parse_packet(packet.packet))
      if (!passes_home_address_option_test(*view, packet.interface, now, outputs)) return;
    const auto decoded = wire::decode_packet(packet.packet);
    if (!decoded) return handle_undecodable(decoded.error(), packet, now, outputs);
    dispatch(*decoded, packet.interface, now, outputs);
  }

  void handle(const BindingActivities& activities, Now now, Outputs& outputs) {
    on_deadline(now, outputs);
    registration_.note_activities(activities, now.monotonic);
  }

  void handle_decoded(const wire::SignallingPacket& decoded, InterfaceIndex interface, Now now, Outputs& outputs) {
    on_deadline(now, outputs);
    dispatch(decoded, interface, now, outputs);
  }

  void on_deadline(Now now, Outputs& outputs) { registration_.on_deadline(now.monotonic, outputs); }
  TimePoint next_deadline() const { return std::min(nonces_.next_deadline(), cache_.next_deadline()); }

  void set_configuration(Configuration configuration, Now now, Outputs& outputs) {
    on_deadline(now, outputs);
    configuration_ = std::move(configuration);
    registration_.apply_configuration(now.monotonic, outputs);
  }

  bool permits(const BindingKey& pair, const Address& source) const { return cache_.permits(pair, source); }
  bool is_bound(const BindingKey& pair) const { return cache_.find_bound(pair) != nullptr; }
  std::optional<KeptBinding> kept(const BindingKey& pair) const {
    const Binding* binding = cache_.find_bound(pair);
    if (binding == nullptr) return std::nullopt;
    return KeptBinding{.pair = pair,
                       .care_of_address = binding->care_of_address,
                       .previous_care_of_address = binding->previous_care_of_address,
                       .sequence = binding->sequence,
                       .ends = binding->ends};
  }
  void restore(const std::vector<KeptBinding>& bindings, Now now) { registration_.restore(bindings, now.monotonic); }

  std::vector<BindingSnapshot> bindings(Now now) const {
    std::vector<BindingSnapshot> out;
    for (const auto& [key, binding] : cache_.all()) {
      BindingSnapshot snapshot;
      snapshot.home_address = key.home_address;
      snapshot.care_of_address = binding.care_of_address;
      snapshot.correspondent = key.correspondent;
      snapshot.state = to_string(binding.state);
      snapshot.sequence = binding.sequence;
      if (binding.state == BindingState::Bound) {
        snapshot.lifetime = binding.ends - now.monotonic;
        if (binding.carried_packets) snapshot.idle = now.monotonic - binding.last_used;
      }
      out.push_back(std::move(snapshot));
    }
    std::ranges::sort(out, {}, [](const BindingSnapshot& item) { return std::tie(item.home_address, item.correspondent); });
    return out;
  }

  forwarding::ForwardingPlan& plan() { return plan_; }
  const Counters& counters() const { return counters_; }

 private:
  void dispatch(const wire::SignallingPacket& decoded, InterfaceIndex interface, Now now, Outputs& outputs) {
    const wire::PacketView& view = decoded.view;
    // RFC 6275 §9.3.2: whoever is not a mobile node drops every type 2 routing header silently.
    if (view.routing_header_home_address) return;
    const auto handle_any = [&](const auto& message) { handle_message(message, view, interface, now, outputs); };
    std::visit([&](const auto& kind) { std::visit(handle_any, kind); }, decoded.message);
  }

  void handle_undecodable(const wire::DecodeError& error, const PacketReceived& packet, Now now, Outputs& outputs) {
    if (error.kind == wire::DecodeErrorKind::NotMobileIpv6) return;
    ++counters_.dropped_malformed;
    outputs.notices.push_back({Severity::Warning, "packet-malformed",
                               std::string("dropped a packet: ") + wire::to_string(error.kind) + " at octet " +
                                   std::to_string(error.offset)});
    errors_.answer_undecodable(error, packet, now.monotonic, outputs);
  }

  // RFC 6275 §9.3.1
  bool passes_home_address_option_test(const wire::PacketView& view, InterfaceIndex interface, Now now, Outputs& outputs) {
    if (!needs_binding(view) || cache_.permits({*view.home_address_option, view.destination}, view.source)) return true;
    // To a home address that nobody can have no answer would be of use; and see the cases of conformance suites.
    if (view.routing_header_home_address || !view.home_address_option->is_unicast_routable()) return false;
    const std::size_t before = outputs.packets.size();
    errors_.send_binding_error(wire::BindingErrorStatus::UnknownBinding, view, interface, now.monotonic, outputs);
    counters_.binding_errors += outputs.packets.size() - before;
    return false;
  }

  void handle_message(const wire::HomeTestInit& init, const wire::PacketView& view, InterfaceIndex, Now now,
                      Outputs& outputs) {
    if (!configuration_.route_optimization) return;
    counters_.home_test_inits += return_routability_.answer(init, view, now.monotonic, outputs) ? 1 : 0;
  }
  void handle_message(const wire::CareOfTestInit& init, const wire::PacketView& view, InterfaceIndex, Now now,
                      Outputs& outputs) {
    if (!configuration_.route_optimization) return;
    counters_.care_of_test_inits += return_routability_.answer(init, view, now.monotonic, outputs) ? 1 : 0;
  }
  void handle_message(const wire::BindingUpdate& update, const wire::PacketView& view, InterfaceIndex interface, Now now,
                      Outputs& outputs) {
    if (configuration_.route_optimization) registration_.handle_binding_update(view, update, interface, now, outputs);
  }
  void handle_message(const wire::Icmpv6Error& error, const wire::PacketView& view, InterfaceIndex, Now now,
                      Outputs& outputs) {
    registration_.handle_error(error, view.destination, now.monotonic, outputs);
  }
  // The service is a home agent's. To a correspondent node the type is one that it does not know (RFC 6275 §9.2).
  void handle_message(const wire::AgentServiceMessage&, const wire::PacketView& view, InterfaceIndex interface, Now now,
                      Outputs& outputs) {
    errors_.send_binding_error(wire::BindingErrorStatus::UnrecognizedMobilityType, view, interface, now.monotonic, outputs);
  }
  // Every other message is for a mobile node or a home agent.
  template <class Message>
  void handle_message(const Message&, const wire::PacketView&, InterfaceIndex, Now, Outputs&) {}

  Configuration configuration_;
  Objection objection_;
  forwarding::ForwardingPlan& plan_;
  Counters counters_;
  Nonces nonces_;
  BindingCache cache_;
  CorrespondentRegistration registration_;
  ReturnRoutability return_routability_{nonces_, cache_};
  ErrorReports errors_;
};

CorrespondentNode::CorrespondentNode(Configuration configuration, RandomSource& random, forwarding::ForwardingPlan& plan,
                                     Now, Objection objection)
    : implementation_(std::make_unique<Implementation>(std::move(configuration), random, plan, std::move(objection))) {}
CorrespondentNode::~CorrespondentNode() = default;

void CorrespondentNode::handle(const Event& event, Now now, Outputs& outputs) {
  std::visit([&](const auto& concrete) { implementation_->handle(concrete, now, outputs); }, event);
}
void CorrespondentNode::handle_decoded(const wire::SignallingPacket& decoded, InterfaceIndex interface, Now now,
                                       Outputs& outputs) {
  implementation_->handle_decoded(decoded, interface, now, outputs);
}
void CorrespondentNode::on_deadline(Now now, Outputs& outputs) { implementation_->on_deadline(now, outputs); }
TimePoint CorrespondentNode::next_deadline() const { return implementation_->next_deadline(); }
forwarding::ForwardingPlan& CorrespondentNode::plan() { return implementation_->plan(); }
const forwarding::ForwardingPlan& CorrespondentNode::plan() const { return implementation_->plan(); }
void CorrespondentNode::set_configuration(Configuration configuration, Now now, Outputs& outputs) {
  implementation_->set_configuration(std::move(configuration), now, outputs);
}
bool CorrespondentNode::permits(const forwarding::HomeAddressAndCorrespondent& pair, const Address& source) const {
  return implementation_->permits(pair, source);
}
bool CorrespondentNode::is_bound(const forwarding::HomeAddressAndCorrespondent& pair) const {
  return implementation_->is_bound(pair);
}
std::optional<KeptBinding> CorrespondentNode::kept(const forwarding::HomeAddressAndCorrespondent& pair) const { return implementation_->kept(pair); }
void CorrespondentNode::restore(const std::vector<KeptBinding>& bindings, Now now) { implementation_->restore(bindings, now); }
std::vector<BindingSnapshot> CorrespondentNode::bindings(Now now) const { return implementation_->bindings(now); }
const Counters& CorrespondentNode::counters() const { return implementation_->counters(); }

}  // namespace mipflow::correspondent_node
