// SPDX-License-Identifier: GPL-3.0-or-later
// What the primaries say, and what they are answered.
#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "sharing/reception.hpp"
#include "sharing/secondary_implementation.hpp"
#include "sharing/start_checks.hpp"

namespace mipflow::home_agent {

namespace {

using wire::ForwardingStatus;

// A primary that begins a new conversation says again what it wants, as it or we have restarted; what it does not say again until
// then it does not know of any more, and nobody would ever stop it. Primaries send 16,000 words a second at most.
constexpr Duration kConfirmation = std::chrono::seconds{10};
constexpr Duration kConfirmationOfEach = std::chrono::microseconds{100};

// A primary that says again what is known, in other words, has taken the home address back meanwhile, and its Stop did not
// arrive. The duration tells what remains of the binding, cut to seconds and late by the way here.
bool says_nothing_new(const wire::StartForwarding& start, TimePoint ends, const Forwarding& present) {
  constexpr Duration kInexact = std::chrono::seconds{2};
  const Duration later = ends - present.ends;
  return start.care_of_address == present.start.care_of_address && start.tunnel_source == present.start.tunnel_source &&
         start.link_local_address_compatibility == present.start.link_local_address_compatibility && later < kInexact &&
         later > -kInexact;
}

}  // namespace

void Secondary::Implementation::handle(const Address& from, BytesView message, Now now, Outputs& outputs) {
  const auto found = primaries_.find(from);
  if (found == primaries_.end()) return;
  ServedPrimary& primary = found->second;
  const auto opened =
      receive(primary.association, primary.configuration.name, message, now.monotonic, parts_.counters, outputs);
  if (!opened) return;
  if (opened->session_is_new) begin_conversation(primary, now.monotonic);
  primary.heard = now.monotonic;
  primary.gone.message_believed();
  std::visit([&](const auto& records) { heard(records, primary, now, outputs); }, opened->records);
}

void Secondary::Implementation::heard(const std::vector<wire::StartForwarding>& starts, ServedPrimary& primary, Now now, Outputs& outputs) {
  std::vector<wire::StartForwardingAcknowledgement> answers;
  answers.reserve(starts.size());
  for (const wire::StartForwarding& start : starts) answers.push_back(take(start, primary, now, outputs));
  send_records(primary.association, std::move(answers), outputs);
}

void Secondary::Implementation::heard(const std::vector<wire::StopForwarding>& stops, ServedPrimary& primary, Now now, Outputs& outputs) {
  std::vector<wire::StopForwardingAcknowledgement> answers;
  answers.reserve(stops.size());
  for (const wire::StopForwarding& stop : stops) answers.push_back(take(stop, primary, now));
  send_records(primary.association, std::move(answers), outputs);
}

void Secondary::Implementation::heard(const std::vector<wire::Heartbeat>& heartbeats, ServedPrimary& primary, Now, Outputs& outputs) {
  std::vector<wire::HeartbeatAcknowledgement> answers;
  for (const wire::Heartbeat& heartbeat : heartbeats)
    answers.push_back({.number = heartbeat.number,
                       .packets = primary.packets,
                       .delegated = static_cast<std::uint32_t>(forwardings_.held(primary.configuration.address).forwarding),
                       .capacity = primary.configuration.capacity,
                       .retiring = retiring_});
  if (send_records(primary.association, std::move(answers), outputs)) ++parts_.counters.heartbeats_answered;
}

wire::StartForwardingAcknowledgement Secondary::Implementation::take(const wire::StartForwarding& start, ServedPrimary& primary, Now now,
                                                                      Outputs& outputs) {
  const Address& home_address = start.home_address;
  const Forwarding* present = forwarding_for(primary, home_address);
  const bool forwarded = present != nullptr && !present->lingering;
  if (forwarded && start.number == present->start.number) {
    // Our acknowledgement was lost, and the primary intercepted, and told the home link so, until now. We may have restarted
    // in between: then this is the only Start of the new conversation.
    forwardings_.confirm(home_address, primary.conversation);
    parts_.interception.announce_again(home_address, now.monotonic);
    return {home_address, start.number, ForwardingStatus::Accepted};
  }
  const wire::DelegationNumber known = known_number(primary, home_address);
  if (const auto refusal = refuse_start(start, {primary.configuration, forwardings_, parts_.tunnels, known, retiring_,
                                                parts_.is_bound_here, parts_.is_own_address})) {
    ++parts_.counters.starts_declined;
    outputs.notices.push_back({Severity::Info, "forwarding-refused",
                               "refused to forward " + to_string(home_address) + " for " + primary.configuration.name + ": " +
                                   wire::to_string(*refusal)});
    return {home_address, *refusal == ForwardingStatus::NumberOld ? known : start.number, *refusal};
  }

  const TimePoint ends = now.monotonic + std::min<Duration>(std::chrono::seconds{start.duration}, kLongestForwarding);
  const bool was_taken_back = forwarded && (present->conversation != primary.conversation || says_nothing_new(start, ends, *present));
  forwardings_.take(start, {primary.configuration.address, ends, primary.conversation, now.monotonic}, now.monotonic);
  primary.gone.forget(home_address);
  if (was_taken_back) parts_.interception.announce_again(home_address, now.monotonic);
  ++parts_.counters.starts_taken;
  changed_ = true;
  if (!forwarded)
    outputs.notices.push_back({Severity::Info, "forwarding-started",
                               "forwards " + to_string(home_address) + " to " + to_string(start.care_of_address) + " for " +
                                   primary.configuration.name});
  return {home_address, start.number, ForwardingStatus::Accepted};
}

wire::StopForwardingAcknowledgement Secondary::Implementation::take(const wire::StopForwarding& stop_request, ServedPrimary& primary, Now now) {
  const Address& home_address = stop_request.home_address;
  const Forwarding* present = forwarding_for(primary, home_address);
  const wire::DelegationNumber known = known_number(primary, home_address);
  if (present == nullptr) {
    // The Start that it takes back may come yet.
    primary.gone.remember(home_address, std::max(known, stop_request.number));
    return {.home_address = home_address, .number = stop_request.number, .status = ForwardingStatus::NotForwarding};
  }
  if (!present->lingering && stop_request.number <= known)
    return {.home_address = home_address, .number = known, .status = ForwardingStatus::NumberOld};
  const wire::StopForwardingAcknowledgement answer{home_address, stop_request.number, present->packets, present->octets,
                                                   ForwardingStatus::Accepted};
  forwardings_.set_number(home_address, std::max(known, stop_request.number));
  if (!present->lingering) {
    ++parts_.counters.stops_taken;
    stop(home_address, now);
  }
  return answer;
}

void Secondary::Implementation::begin_conversation(ServedPrimary& primary, TimePoint now) {
  ++primary.conversation;
  const std::size_t held = forwardings_.held(primary.configuration.address).forwarding;
  primary.confirmed_until = held == 0 ? kNever : now + kConfirmation + static_cast<std::int64_t>(held) * kConfirmationOfEach;
}

const Forwarding* Secondary::Implementation::forwarding_for(const ServedPrimary& primary, const Address& home_address) const {
  const Forwarding* found = forwardings_.find(home_address);
  return found != nullptr && found->primary == primary.configuration.address ? found : nullptr;
}

wire::DelegationNumber Secondary::Implementation::known_number(const ServedPrimary& primary, const Address& home_address) const {
  const Forwarding* present = forwarding_for(primary, home_address);
  return present != nullptr ? present->number : primary.gone.find(home_address);
}

}  // namespace mipflow::home_agent
