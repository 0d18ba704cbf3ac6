// SPDX-License-Identifier: GPL-3.0-or-later
#include "correspondent_reactions.hpp"

#include <algorithm>
#include <utility>

#include "correspondent_registration.hpp"
#include "route_optimization.hpp"

namespace mipflow::mobile_node {
namespace {

using Phase = CorrespondentRegistration::Phase;

// Answers that ask for another Binding Update, in a row, before the correspondent node counts as one that refuses.
constexpr unsigned kCorrections = 3;
// A Binding Error so soon after an acknowledgement is about a packet from before.
constexpr Duration kLateBindingErrors = std::chrono::seconds{1};
// Kernels that know nothing of the option send the first errors at once and then about one a second.
constexpr unsigned kOptionRefusals = 3;
// A path is given up when it has carried so many packets of flows whose peer answers one in so many, for so long, and no
// answer.
constexpr Duration kProbation = std::chrono::seconds{4};
constexpr std::uint64_t kPacketsOnProbation = 20;
constexpr std::uint64_t kAnswersOneIn = 4;

}  // namespace

void correspondent_acknowledged(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                                const wire::BindingAcknowledgement& acknowledgement,
                                const OutstandingCorrespondentUpdate& answered, Now now, Outputs& outputs) {
  using wire::BindingStatus;
  auto& entry = registration.entry;
  entry.last_status = acknowledgement.status;
  if (registration.phase == Phase::Releasing) {
    if (answered.lifetime_units != 0) return;
    const bool out_of_window = acknowledgement.status == BindingStatus::SequenceNumberOutOfWindow;
    const bool expired = acknowledgement.status == BindingStatus::ExpiredHomeNonceIndex;
    // A restart loses the count of Binding Updates, here, or the nonces, there. The binding is still there then.
    if ((out_of_window || expired) && ++registration.corrections <= kCorrections) {
      if (out_of_window) entry.sequence = acknowledgement.sequence;
      if (expired) registration.home_test.discard_token();
      end_exchange(registration);
      return advance(node, pair, now, outputs);
    }
    // Whatever else the answer is, there is no reason to go on asking.
    return forget_registration(node, pair, now.monotonic);
  }
  if (answered.care_of != entry.wanted || answered.lifetime_units == 0) return;

  auto& correspondent = node.correspondents.correspondent(pair.correspondent);
  const auto units = std::min(acknowledgement.lifetime_units, answered.lifetime_units);
  const Duration granted = wire::kLifetimeUnit * units;
  if (wire::accepts(acknowledgement.status) && answered.sent_at + granted > now.monotonic) {
    const CareOf care_of = answered.care_of;  // end_exchange() takes `answered` away
    const TimePoint sent_at = answered.sent_at;
    end_exchange(registration);
    registration.option_refusals = 0;
    if (entry.acknowledged != care_of) {
      registration.reports_on_probation = 0;
      registration.sent_on_probation = 0;
    }
    entry.acknowledged = care_of;
    // RFC 6275 §11.7.3: counted from when the Binding Update was sent. Refresh advice is the home agent's alone.
    entry.expires_at = sent_at + granted;
    entry.refresh_at = sent_at + refresh_after(granted);
    entry.state = RegistrationState::Bound;
    registration.peer_bound_until = entry.expires_at;
    registration.accepted_at = now.monotonic;
    registration.corrections = 0;
    correspondent.has_bound = true;
    correspondent.disappointments = 0;
    return advance(node, pair, now, outputs);
  }

  const bool may_correct = ++registration.corrections <= kCorrections;
  auto& care_of_test = correspondent.care_of_tests[answered.care_of.address];
  const auto status = acknowledgement.status;
  const bool expired_home = status == BindingStatus::ExpiredHomeNonceIndex || status == BindingStatus::ExpiredNonces;
  const bool expired_care_of = status == BindingStatus::ExpiredCareOfNonceIndex || status == BindingStatus::ExpiredNonces;
  const bool out_of_window = status == BindingStatus::SequenceNumberOutOfWindow;
  if (!may_correct || !(expired_home || expired_care_of || out_of_window)) {
    // Refused is the only one that left: of this exchange there is no binding.
    if (registration.outstanding.size() == 1) registration.peer_bound_until = answered.peer_bound_before;
    return avoid(node, pair.correspondent, Shortcoming::Refuses, "refuses the binding (" + wire::to_string(status) + ")", now, outputs);
  }
  if (expired_home) registration.home_test.discard_token();
  if (expired_care_of) care_of_test.discard_token();
  if (out_of_window) entry.sequence = acknowledgement.sequence;
  // What went right behind the Binding Update was not taken either.
  const bool was_bound = entry.acknowledged == registration.target;
  if (was_bound) end_exchange(registration); else unbind(registration, RegistrationState::Unbound);
  advance(node, pair, now, outputs);
}

void binding_doubted(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                     const Address& care_of_address, Now now, Outputs& outputs) {
  const auto& entry = registration.entry;
  if (registration.phase == Phase::Releasing || !entry.acknowledged) return;
  auto& correspondent = node.correspondents.correspondent(pair.correspondent);
  const bool is_moving = entry.state == RegistrationState::Moving;
  const bool about_former = is_moving == (entry.acknowledged->address == care_of_address);
  if (about_former) {
    // What left before the move was acknowledged came too late: the next move takes the tunnel for that time, and so does
    // this one from now on.
    correspondent.refuses_former_care_of_address = true;
    return advance(node, pair, now, outputs);
  }
  if (is_moving) {
    // A packet that overtook the Binding Update: the tunnel until that is acknowledged.
    registration.patience_ends = now.monotonic;
    return advance(node, pair, now, outputs);
  }
  if (now.monotonic < registration.accepted_at + kLateBindingErrors) return;
  // Whoever has forgotten bindings has probably forgotten what its tokens were made of.
  registration.home_test.stop();
  registration.home_test.discard_token();
  for (auto& [address, test] : correspondent.care_of_tests) {
    test.stop();
    test.discard_token();
  }
  unbind(registration, RegistrationState::Unbound);
  outputs.notices.push_back({Severity::Info, "correspondent-lost-binding",
                             to_string(pair.correspondent) + " does not know the binding of " + to_string(pair.home_address) +
                                 " any more; the tunnel is used until it does."});
  advance(node, pair, now, outputs);
}

void option_refused(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                    const Address& care_of_address, Now now, Outputs& outputs) {
  const auto& acknowledged = registration.entry.acknowledged;
  if (!acknowledged || acknowledged->address != care_of_address) return;
  if (++registration.option_refusals < kOptionRefusals) return;
  registration.option_refusals = 0;
  binding_doubted(node, pair, registration, care_of_address, now, outputs);
}

void judge_progress(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                    const flow_separator::FlowCounters& before, const flow_separator::FlowCounters& after, Now now,
                    Outputs& outputs) {
  if (!registration.path || !registration.reports_on_probation) return;
  // The first report is partly about the path of before.
  if (++*registration.reports_on_probation <= registration.flows.size()) return;
  if (after.packets_in > before.packets_in) {
    registration.reports_on_probation.reset();
    return;
  }
  const bool was_answered = before.packets_in * kAnswersOneIn >= before.packets_out && before.packets_in > 0;
  if (was_answered) registration.sent_on_probation += after.packets_out - before.packets_out;
  if (registration.sent_on_probation < kPacketsOnProbation || now.monotonic < registration.accepted_at + kProbation) return;
  avoid(node, pair.correspondent, Shortcoming::Refuses, "takes Binding Updates, but nothing that is sent straight is answered", now, outputs);
}

void refresh_requested(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration, Now now,
                       Outputs& outputs) {
  auto& entry = registration.entry;
  if (registration.phase == Phase::Releasing || registration.flows.empty() || !entry.acknowledged || !registration.target) return;
  if (entry.next_transmission != kNever) return;
  // RFC 6275 §11.7.4: return routability, then a Binding Update.
  auto& correspondent = node.correspondents.correspondent(pair.correspondent);
  registration.home_test.discard_token();
  correspondent.care_of_tests[registration.target->address].discard_token();
  entry.refresh_at = now.monotonic;
  registration.last_active = now.monotonic;
  advance(node, pair, now, outputs);
}

void avoid(Node& node, const Address& correspondent_address, Shortcoming what, std::string reason, Now now, Outputs& outputs) {
  auto& correspondent = node.correspondents.correspondent(correspondent_address);
  const unsigned doublings = std::min(correspondent.disappointments++, 8u);
  const Duration wait = std::min(left_alone_for(what) * (1u << doublings), kAvoidAtMost);
  outputs.notices.push_back({Severity::Info, "route-optimization-avoided",
                             "Correspondent node " + to_string(correspondent_address) + " " + reason +
                                 "; its packets go through the tunnel."});
  correspondent.avoided = Avoidance{now.monotonic + wait, std::move(reason)};
  correspondent.has_bound = false;
  correspondent.care_of_tests.clear();
  for (const auto& pair : node.correspondents.with(correspondent_address)) {
    auto& registration = *node.correspondents.find(pair);
    if (registration.phase == Phase::Releasing) {
      if (what == Shortcoming::Incapable) registration.peer_bound_until = now.monotonic;
      node.correspondents.schedule(pair, registration, now.monotonic);
      continue;
    }
    registration.corrections = 0;
    // Until its binding is deleted, or ends, it goes on sending straight, and nobody follows our movements for it any more.
    const bool deletes = what != Shortcoming::Incapable && registration.peer_bound_until > now.monotonic;
    if (deletes) {
      begin_release(registration);
    } else {
      registration.home_test.stop();
      registration.home_test.discard_token();
      unbind(registration, RegistrationState::Refused);
    }
    plan_registration(node, pair, registration, now.monotonic);
    node.correspondents.schedule(pair, registration, deletes ? now.monotonic : correspondent.avoided->until);
  }
}

}  // namespace mipflow::mobile_node
