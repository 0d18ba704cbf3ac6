// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/flow-redirector/choose_interface.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "standing.hpp"

namespace mipflow::flow_redirector {
namespace {

// In the order of preference.
enum class Doubt : std::uint8_t { None, Unknown, Offline };

struct Candidate {
  const Interface* interface;
  Standing standing;
  Doubt doubt = Doubt::None;
};

struct Decision {
  const Candidate* chosen = nullptr;
  const Candidate* waits_for = nullptr;  // the best that has not been good for long enough
  TimePoint look_again_at = kNever;
};

bool has_been_good(const Candidate& candidate, const ChoiceRequest& request) {
  const Duration wanted = request.wish.return_after;
  return wanted <= Duration::zero() || request.now - candidate.standing.since >= wanted;
}

// A flow's own interface counts as online until something speaks against it, so that a new care-of address there moves
// nothing; of another one it has to be known, as soon as it is known of any.
void judge(std::vector<Candidate>& candidates, InterfaceIndex current) {
  const bool one_is_online = std::any_of(candidates.begin(), candidates.end(),
                                         [](const Candidate& each) { return each.interface->quality.online == true; });
  for (auto& candidate : candidates) {
    const Interface& interface = *candidate.interface;
    if (is_offline(interface))
      candidate.doubt = Doubt::Offline;
    else if (one_is_online && !interface.quality.online && interface.index != current)
      candidate.doubt = Doubt::Unknown;
  }
}

// Those that the class permits, best first.
std::vector<Candidate> candidates(const InterfaceTable& table, const ChoiceRequest& request) {
  std::vector<Candidate> out;
  for (const auto& [index, interface] : table.interfaces())
    if (const auto standing = standing_of(interface, request.wish); standing.kind == Standing::Kind::Fits)
      out.push_back({&interface, standing});
  judge(out, request.current);
  const auto rank = [&request](const Candidate& candidate) {
    const Interface& interface = *candidate.interface;
    return std::tuple{candidate.doubt, candidate.standing.preference, interface.kind,
                      interface.index != request.current, std::string_view(interface.name), interface.index};
  };
  std::sort(out.begin(), out.end(), [&](const Candidate& a, const Candidate& b) { return rank(a) < rank(b); });
  return out;
}

Decision decide(const std::vector<Candidate>& candidates, const ChoiceRequest& request) {
  if (candidates.empty()) return {};
  const auto current = std::find_if(candidates.begin(), candidates.end(),
                                    [&](const Candidate& candidate) { return candidate.interface->index == request.current; });
  const bool may_stay = current != candidates.end() && is_offline(*current->interface) == is_offline(*candidates.front().interface);
  if (!may_stay) return {.chosen = &candidates.front()};
  Decision out;
  for (auto candidate = candidates.begin();; ++candidate) {
    if (candidate == current || has_been_good(*candidate, request)) {
      out.chosen = &*candidate;
      return out;
    }
    if (out.waits_for == nullptr) out.waits_for = &*candidate;
    out.look_again_at = std::min(out.look_again_at, candidate->standing.since + request.wish.return_after);
  }
}

const Interface* commanded_interface(const InterfaceTable& table, const ChoiceRequest& request) {
  const Interface* interface = request.commanded ? table.find(*request.commanded) : nullptr;
  return interface != nullptr && interface->usable() ? interface : nullptr;
}

std::string whole_seconds(Duration duration) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(duration).count()) + " s";
}

bool is_only_usable(const InterfaceTable& table) {
  return std::count_if(table.interfaces().begin(), table.interfaces().end(),
                       [](const auto& item) { return item.second.usable(); }) == 1;
}

// True for as long as the choice stands, whatever the time is then.
std::string why_chosen(const InterfaceTable& table, const ChoiceRequest& request, const Decision& decision) {
  std::string out = is_only_usable(table) ? "only usable interface" : "policy class '" + std::string(request.class_name) + "'";
  if (is_offline(*decision.chosen->interface)) out += ", though the home agent does not answer over it";
  if (decision.waits_for != nullptr)
    out += ", until " + decision.waits_for->interface->name + " has been good for " + whole_seconds(request.wish.return_after);
  return out;
}

// For a flow that no interface can carry: what is the matter with each interface that its class names.
std::string why_none(const InterfaceTable& table, const ChoiceRequest& request) {
  std::string reason = "no usable interface for policy class '" + std::string(request.class_name) + "'";
  const char* separator = ": ";
  for (const auto& [index, interface] : table.interfaces()) {
    if (interface.name.empty()) continue;
    const auto& preferences = request.wish.preferences;
    if (std::none_of(preferences.begin(), preferences.end(), [&, &interface = interface](const auto& preference) { return names(preference, interface); }))
      continue;
    const auto standing = standing_of(interface, request.wish);
    reason += separator + interface.name + ' ';
    reason += standing.kind == Standing::Kind::Never ? "is never used" : in_words(interface, request.wish, standing, request.class_name);
    separator = ", ";
  }
  return reason;
}

// Why an interface that the class permits is not the one.
std::string why_not_chosen(const Candidate& candidate, const ChoiceRequest& request, const Decision& decision) {
  const bool is_better = &candidate < decision.chosen;
  if (is_better) {
    const Duration good = std::max(request.now - candidate.standing.since, Duration::zero());
    return "good for " + whole_seconds(good) + " of " + whole_seconds(request.wish.return_after);
  }
  if (candidate.doubt > decision.chosen->doubt) {
    if (candidate.doubt == Doubt::Offline) return kOffline;
    if (candidate.standing.preference <= decision.chosen->standing.preference) return kNotKnown;
  }
  // What would have given it a better place, had it been fulfilled.
  for (std::size_t i = 0; i < candidate.standing.preference; ++i)
    if (const auto& preference = request.wish.preferences[i]; names(preference, *candidate.interface))
      return "less preferred: " + why_not_fulfilled(*candidate.interface, preference.condition);
  return "less preferred";
}

constexpr const char* kByCommand = "moved by command";

}  // namespace

InterfaceChoice choose_interface(const InterfaceTable& table, const ChoiceRequest& request) {
  if (const Interface* interface = commanded_interface(table, request))
    return {.interface = interface->index, .by_command = true, .reason = kByCommand};
  const auto permitted = candidates(table, request);
  const auto decision = decide(permitted, request);
  if (decision.chosen == nullptr) return {.reason = why_none(table, request)};
  return {.interface = decision.chosen->interface->index,
          .reason = why_chosen(table, request, decision),
          .look_again_at = decision.look_again_at};
}

std::vector<InterfaceReason> explain_choice(const InterfaceTable& table, const ChoiceRequest& request) {
  const Interface* commanded = commanded_interface(table, request);
  const auto permitted = candidates(table, request);
  const auto decision = decide(permitted, request);
  std::vector<InterfaceReason> out;
  for (const auto& [index, interface] : table.interfaces()) {
    if (interface.name.empty()) continue;
    InterfaceReason verdict{.index = index, .name = interface.name};
    const auto found = std::find_if(permitted.begin(), permitted.end(), [&, &interface = interface](const Candidate& each) { return each.interface == &interface; });
    if (commanded != nullptr) {
      verdict.chosen = &interface == commanded;
      const std::string why_not = interface.usable() ? "the flow was moved by command" : interface.why_not();
      verdict.reason = verdict.chosen ? kByCommand : why_not;
    } else if (found == permitted.end()) {
      verdict.reason = in_words(interface, request.wish, standing_of(interface, request.wish), request.class_name);
    } else {
      verdict.chosen = &*found == decision.chosen;
      verdict.reason = verdict.chosen ? why_chosen(table, request, decision) : why_not_chosen(*found, request, decision);
    }
    out.push_back(std::move(verdict));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

}  // namespace mipflow::flow_redirector
