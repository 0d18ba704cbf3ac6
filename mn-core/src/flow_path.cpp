// SPDX-License-Identifier: GPL-3.0-or-later
#include "flow_path.hpp"

#include "forwarding.hpp"
#include "in_words.hpp"
#include "route_optimization.hpp"

namespace mipflow::mobile_node {
namespace {

using flow_separator::FlowEntry;
using flow_separator::RouteOptimization;
using Phase = CorrespondentRegistration::Phase;

std::string reason_for_tunnel(const CorrespondentRegistration& registration, TimePoint now) {
  const auto& entry = registration.entry;
  if (registration.forbidding > 0)
    return "another flow to the same correspondent node has the same home address and forbids the direct path";
  if (registration.phase == Phase::Releasing) return "the correspondent node has not deleted the binding of before yet";
  if (!registration.target) return "no usable interface";
  if (now < registration.paused_until)
    return "no Home Test came by the home agent; the correspondent node is asked again in " + in_words(registration.paused_until - now);
  if (registration.home_test.token(now) == nullptr || registration.outstanding.empty())
    return "return routability is under way";
  if (entry.state == RegistrationState::Moving) return "the correspondent node has not acknowledged the move yet";
  return "the correspondent node has not acknowledged the Binding Update yet";
}

}  // namespace

FlowPath path_of(const Node& node, const FlowEntry& flow, TimePoint now) {
  if (flow.bypassed) return {true, "policy class '" + flow.class_name + "' bypasses mipflow"};
  const auto* address = node.find(flow.home_address);
  if (address != nullptr && address->at_home_on) return {true, "at home"};
  const auto* registration = node.correspondents.find(pair_of(flow));
  if (registration != nullptr && registration->path)
    return {true, "the correspondent node has a binding to " + to_string(registration->path->address)};
  if (!node.configuration.route_optimization) return {false, "route optimisation is switched off (route-optimization in the daemon's configuration)"};
  if (wish_of(node, flow) == RouteOptimization::No)
    return {false, "class '" + flow.class_name + "' forbids the direct path (route-optimization)"};
  if (const auto* known = node.correspondents.find(flow.correspondent()))
    if (const auto* avoidance = known->avoidance(now))
      return {false, "the correspondent node " + avoidance->reason + "; asked again in " + in_words(avoidance->until - now)};
  if (registration != nullptr) return {false, reason_for_tunnel(*registration, now)};
  if (is_home_agent(node, flow.correspondent())) return {false, "the correspondent node is the home agent"};
  if (node.correspondents.registrations().size() >= node.configuration.correspondent_registration_cap)
    return {false, "there are too many correspondent registrations (correspondent-registration-cap in [flows])"};
  return {false, "the flow has not lasted yet"};
}

}  // namespace mipflow::mobile_node
