// SPDX-License-Identifier: GPL-3.0-or-later
#include "snapshots.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "acknowledgement_reaction.hpp"
#include "forwarding.hpp"

namespace mipflow::mobile_node {
namespace {

std::string interface_name(const Node& node, InterfaceIndex index) {
  const auto* interface = node.movement.table().find(index);
  return interface == nullptr ? std::string{} : interface->name;
}

InterfaceKind kind_of(flow_redirector::InterfaceKind kind) {
  switch (kind) {
    case flow_redirector::InterfaceKind::Wired: return InterfaceKind::Wired;
    case flow_redirector::InterfaceKind::Wifi: return InterfaceKind::Wifi;
    case flow_redirector::InterfaceKind::Cellular: return InterfaceKind::Cellular;
    case flow_redirector::InterfaceKind::Other: break;
  }
  return InterfaceKind::Other;
}

const char* name_of(flow_separator::FlowState state) {
  switch (state) {
    case flow_separator::FlowState::Held: return "held";
    case flow_separator::FlowState::Active: return "active";
    case flow_separator::FlowState::Moving: return "moving";
    case flow_separator::FlowState::Stranded: return "stranded";
    case flow_separator::FlowState::Closing: return "closing";
  }
  return "";
}

std::string state_of(const Node& node, const ManagedHomeAddress& address) {
  if (address.leaving) return "releasing";
  if (address.at_home_on) return "at-home";
  switch (address.registration.state()) {
    case RegistrationState::Refused: return "refused";
    case RegistrationState::Moving: return "moving";
    case RegistrationState::Deregistering: return "releasing";
    case RegistrationState::Unbound:
    case RegistrationState::Registering: return "registering";
    case RegistrationState::Bound: break;
  }
  if (const auto* pooled = node.pool.find(address.home_address))
    return pooled->purpose == hoa_alloc::PoolPurpose::Anchor ? "anchor" : "spare";
  return "registered";
}

std::optional<Duration> remaining(const BindingUpdateListEntry& entry, Now now) {
  if (!entry.acknowledged || entry.expires_at == kNever) return std::nullopt;
  return std::max(entry.expires_at - now.monotonic, Duration::zero());
}

std::vector<FlowId> moves_with(const Node& node, const flow_separator::FlowEntry& flow) {
  std::vector<FlowId> out;
  for (const auto other : node.flows.flows_of(flow.home_address)) {
    if (out.size() == kMovesWithNamed) break;
    if (other != flow.id && node.flows.find(other)->binding_holder == flow.binding_holder) out.push_back(other);
  }
  return out;
}

std::string about_refusal(const std::string& what, wire::BindingStatus status) {
  std::string text = "The home agent refuses " + what + ": " + wire::to_string(status);
  if (const std::string advice = advice_about(status); !advice.empty()) text += "; " + advice;
  return text + ".";
}

std::string asked_again(TimePoint at, TimePoint now) {
  if (at == kNever) return "";
  const auto wait = std::max(std::chrono::ceil<std::chrono::seconds>(at - now), std::chrono::seconds{0});
  if (wait < std::chrono::minutes{2}) return " It is asked again in " + std::to_string(wait.count()) + " s.";
  return " It is asked again in " + std::to_string(std::chrono::ceil<std::chrono::minutes>(wait).count()) + " min.";
}

// Those of flows, and whether there can be others for flows to come. One sentence each, however many there are.
void add_refused_home_addresses(const Node& node, TimePoint now, StatusSnapshot& out) {
  const ManagedHomeAddress* first = nullptr;
  std::size_t count = 0;
  for (const auto& item : node.home_addresses.entries()) {
    const auto* address = node.find(item.home_address);
    if (address == nullptr || address == &node.primary() || address->registration.state() != RegistrationState::Refused) continue;
    ++count;
    if (first == nullptr || address->registration.retry_at() < first->registration.retry_at()) first = address;
  }
  if (first != nullptr && first->registration.entry().last_status) {
    const std::string what = count == 1 ? "home address " + to_string(first->home_address)
                                        : std::to_string(count) + " home addresses of flows";
    out.problems.push_back(about_refusal(what, *first->registration.entry().last_status) +
                           asked_again(first->registration.retry_at(), now));
  }
  if (node.spare_refused)
    out.problems.push_back(about_refusal("further home addresses, so that new flows move together", *node.spare_refused));
}

void add_problems(const Node& node, TimePoint now, StatusSnapshot& out) {
  const auto& primary = node.primary();
  const auto& entry = primary.registration.entry();
  if (node.movement.usable().empty())
    out.problems.push_back("No interface can carry flows; 'mipflow interface list' says what each of them lacks.");
  if (entry.state == RegistrationState::Refused && entry.last_status)
    out.problems.push_back(about_refusal("the primary home address", *entry.last_status) +
                           asked_again(primary.registration.retry_at(), now));
  add_refused_home_addresses(node, now, out);
  if (!primary.live() && primary.registration.unanswered() > 1) {
    out.problems.push_back(
        node.distrusted_acknowledgements > 0
            ? "The home agent's answers can not be verified; check that key and SPI are the same at both ends, and that "
              "the clocks run."
            : "The home agent " + to_string(node.configuration.home_agent) + " has not answered " +
                  std::to_string(primary.registration.unanswered()) +
                  " Binding Updates; check its address and that it runs.");
  }
  if (node.configuration.authentication == Authentication::NoneInsecure)
    out.problems.push_back(
        "Nothing protects the signalling with the home agent (authentication is none-insecure); use RFC 4285.");
}

}  // namespace

StatusSnapshot status_of(const Node& node, Now now) {
  StatusSnapshot out;
  const auto& primary = node.primary();
  out.registered = primary.live();
  out.at_home = primary.at_home_on.has_value();
  out.home_agent = node.configuration.home_agent;
  out.primary_home_address = node.configuration.primary_home_address;
  switch (node.configuration.authentication) {
    case Authentication::Rfc4285: out.authentication = "rfc4285"; break;
    case Authentication::NoneInsecure: out.authentication = "none-insecure"; break;
  }
  out.flows = node.flows.size();
  out.home_addresses = static_cast<std::size_t>(std::count_if(
      node.managed.begin(), node.managed.end(), [](const auto& item) { return !item.second.leaving; }));
  out.spares = node.pool.spares();
  out.usable_interfaces = node.movement.usable().size();
  add_problems(node, now.monotonic, out);
  return out;
}

std::vector<FlowSnapshot> flows_of(const Node& node, Now now) {
  std::vector<FlowSnapshot> out;
  out.reserve(node.flows.size());
  for (const auto& [id, flow] : node.flows.entries()) {
    out.push_back({.id = id,
                   .class_name = flow.class_name,
                   .key = flow.information.key,
                   .home_address = flow.home_address,
                   .care_of_address = flow.care_of_address,
                   .interface = interface_name(node, flow.interface),
                   .path = "tunnel",
                   .state = name_of(flow.state),
                   .initiated_by_correspondent = flow.initiated_by_correspondent,
                   .packets_out = flow.counters.packets_out,
                   .bytes_out = flow.counters.bytes_out,
                   .packets_in = flow.counters.packets_in,
                   .bytes_in = flow.counters.bytes_in,
                   .idle = std::max(now.monotonic - flow.last_active, Duration::zero()),
                   .moves_with = moves_with(node, flow),
                   .interface_reason = flow.interface_reason});
    const auto* address = node.find(flow.home_address);
    if (address != nullptr && address->at_home_on) out.back().path = "direct";
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

std::vector<HomeAddressSnapshot> home_addresses_of(const Node& node, Now now) {
  std::vector<HomeAddressSnapshot> out;
  for (const auto& [home_address, address] : node.managed) {
    const auto path = data_path_of(node, address);
    const auto& flows = node.flows.flows_of(home_address);
    out.push_back({.home_address = home_address,
                   .primary = home_address == node.configuration.primary_home_address,
                   .care_of_address = path ? path->address : Address{},
                   .interface = path ? interface_name(node, path->interface) : std::string{},
                   .state = state_of(node, address),
                   .flows = {flows.begin(), flows.end()},
                   .lifetime = remaining(address.registration.entry(), now),
                   .origin = address.origin == hoa_alloc::Origin::Configured ? "configured" : "prefix"});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.primary != b.primary ? a.primary : a.home_address < b.home_address;
  });
  return out;
}

std::vector<InterfaceSnapshot> interfaces_of(const Node& node) {
  std::vector<InterfaceSnapshot> out;
  for (const auto& [index, interface] : node.movement.table().interfaces()) {
    if (interface.name.empty()) continue;
    const auto flows = std::count_if(node.flows.entries().begin(), node.flows.entries().end(),
                                     [i = index](const auto& item) { return item.second.interface == i; });
    out.push_back({.index = index,
                   .name = interface.name,
                   .kind = kind_of(interface.kind),
                   .up = interface.up,
                   .running = interface.running,
                   .usable = interface.usable(),
                   .why_not = interface.why_not(),
                   .care_of_address = interface.care_of_address,
                   .router = interface.router(),
                   .mtu = interface.mtu,
                   .flows = static_cast<std::size_t>(flows)});
  }
  return out;
}

std::vector<BindingSnapshot> bindings_of(const Node& node, Now now) {
  std::vector<BindingSnapshot> out;
  for (const auto& [key, entry] : node.binding_updates.entries()) {
    out.push_back({.peer = entry.peer,
                   .home_address = entry.home_address,
                   .care_of_address = entry.acknowledged ? entry.acknowledged->address : Address{},
                   .state = to_string(entry.state),
                   .sequence = entry.sequence,
                   .lifetime = remaining(entry, now),
                   .last_status = entry.last_status ? wire::to_string(*entry.last_status) : std::string{}});
  }
  return out;
}

}  // namespace mipflow::mobile_node
