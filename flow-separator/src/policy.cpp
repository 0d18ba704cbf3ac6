// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/flow-separator/policy.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "bypassed_prefixes.hpp"
#include "policy_draft.hpp"
#include "policy_index.hpp"
#include "policy_reader.hpp"

namespace mipflow::flow_separator {

namespace {

std::vector<PolicyClass> classes_of(const PolicyDraft& draft) {
  std::vector<PolicyClass> out;
  out.reserve(draft.classes.size() + 1);
  for (const auto& each : draft.classes) out.push_back(each.policy_class);
  out.push_back(draft.default_class.value_or(PolicyClass{.name = "default", .layer = PolicyLayer::BuiltIn}));
  return out;
}

std::vector<ClassMatch> matches_of(const PolicyDraft& draft) {
  std::vector<ClassMatch> out;
  out.reserve(draft.classes.size());
  for (const auto& each : draft.classes) out.push_back(each.match);
  return out;
}

}  // namespace

struct Policy::Compiled {
  // The classes of the draft in the order of decision.
  explicit Compiled(const PolicyDraft& draft)
      : classes(classes_of(draft)), index(matches_of(draft)), bypassed_prefixes(find_bypassed_prefixes(draft)) {
    for (const PolicyClass& each : classes) {
      by_name.emplace(each.name, &each);
      if (each.user) of_users.emplace(std::pair(*each.user, std::string_view(each.name).substr(each.name.find(':') + 1)), &each);
    }
  }
  Compiled(const Compiled&) = delete;  // the names point into it
  Compiled& operator=(const Compiled&) = delete;

  const PolicyClass* find(std::string_view name) const {
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
  }
  // The class that `mipflow run` wants for the flow, if it may have it: of several with the name the user's own, then the
  // operator's, then the network's. nullptr when there is none.
  const PolicyClass* selected(const FlowAttributes& flow) const;

  const std::vector<PolicyClass> classes;  // the default class last
  const PolicyIndex index;                 // over all but the default class
  const std::vector<Prefix> bypassed_prefixes;
  std::unordered_map<std::string_view, const PolicyClass*> by_name;
  std::map<std::pair<std::uint32_t, std::string_view>, const PolicyClass*> of_users;  // by the names that their files give
};

const PolicyClass* Policy::Compiled::selected(const FlowAttributes& flow) const {
  if (flow.owner == nullptr || flow.owner->wanted_class.empty()) return nullptr;
  const std::string& wanted = flow.owner->wanted_class;
  const auto user = flow.user ? flow.user : flow.owner->user;
  const auto if_permitted = [&](const PolicyClass* found) {
    return found != nullptr && found->selectable != Selectable::No && (!found->user || found->user == user) ? found : nullptr;
  };
  if (user)
    if (const auto own = of_users.find({*user, wanted}); own != of_users.end())
      if (const auto* found = if_permitted(own->second)) return found;
  if (const auto* found = if_permitted(find(wanted))) return found;
  return if_permitted(find(std::string(kNetworkPrefix) + wanted));
}

std::string to_string(const PolicyError& error) {
  std::string out = error.file;
  if (error.line != 0) out += ':' + std::to_string(error.line) + ':' + std::to_string(error.column);
  return out + ": " + error.reason;
}

std::string_view to_string(HomeAddressRule rule) {
  switch (rule) {
    case HomeAddressRule::Figure6: return "figure-6";
    case HomeAddressRule::Primary: return "primary";
    case HomeAddressRule::Own: return "own";
    case HomeAddressRule::Fixed: return "fixed";
    case HomeAddressRule::Class: return "class";
  }
  return "unknown";
}

std::string_view to_string(RouteOptimization choice) {
  switch (choice) {
    case RouteOptimization::No: return "no";
    case RouteOptimization::Prefer: return "prefer";
    case RouteOptimization::Yes: return "yes";
  }
  return "unknown";
}

std::string_view to_string(PolicyLayer layer) {
  switch (layer) {
    case PolicyLayer::Mandatory: return "operator, mandatory";
    case PolicyLayer::Network: return "network";
    case PolicyLayer::User: return "user";
    case PolicyLayer::Default: return "operator";
    case PolicyLayer::BuiltIn: return "built in";
  }
  return "unknown";
}

std::string_view to_string(Selectable selectable) {
  switch (selectable) {
    case Selectable::No: return "no";
    case Selectable::Yes: return "yes";
    case Selectable::Only: return "only";
  }
  return "unknown";
}

Policy::Policy() : compiled_(std::make_shared<const Compiled>(PolicyDraft{})) {}

Policy::Policy(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

Policy::~Policy() = default;

Expected<Policy, std::vector<PolicyError>> Policy::parse(std::span<const PolicyFile> files, const NameResolver& names) {
  PolicyDraft draft;
  for (const PolicyFile& file : files) read_policy_file(file, names, draft);
  if (!draft.errors.empty()) return Unexpected{std::move(draft.errors)};
  std::stable_sort(draft.classes.begin(), draft.classes.end(), [](const auto& a, const auto& b) {
    return a.policy_class.layer < b.policy_class.layer;
  });
  return Policy(std::make_shared<const Compiled>(draft));
}

const PolicyClass& Policy::classify(const FlowAttributes& flow, std::optional<LocalTime> time) const {
  const PolicyClass& first = compiled_->classes[compiled_->index.first_match(flow, time)];
  if (first.layer == PolicyLayer::Mandatory) return first;
  const PolicyClass* selected = compiled_->selected(flow);
  return selected != nullptr ? *selected : first;
}

bool Policy::asks_for_owner() const { return compiled_->index.asks_for_owner(); }

bool Policy::needs_owner(const FlowAttributes& flow, std::optional<LocalTime> time) const {
  return compiled_->index.depends_on_owner(flow, time);
}

bool Policy::asks_for_time() const { return compiled_->index.asks_for_time(); }

std::vector<Prefix> Policy::bypassed_prefixes() const { return compiled_->bypassed_prefixes; }

const std::vector<PolicyClass>& Policy::classes() const { return compiled_->classes; }

const PolicyClass* Policy::find(std::string_view name) const { return compiled_->find(name); }

}  // namespace mipflow::flow_separator
