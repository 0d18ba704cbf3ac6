// SPDX-License-Identifier: GPL-3.0-or-later
// What the secondaries say. Of acknowledgements only the one to the last word counts: an older one tells of what has been
// taken back or changed since.
#include <chrono>
#include <utility>
#include <variant>

#include "sharing/primary_implementation.hpp"
#include "sharing/reception.hpp"

namespace mipflow::home_agent {

namespace {

constexpr Duration kRefusalRemembered = std::chrono::minutes{1};
constexpr Duration kRestOfAFullAgent = std::chrono::seconds{5};
// A number above can only be a mistake: the clock needs 292,000 years to get there, and behind it there is nothing left to say.
constexpr wire::DelegationNumber kHighestNumber = ~wire::DelegationNumber{0} / 2;
// When it is not known since when it was counted.
constexpr Duration kReportInterval = std::chrono::seconds{1};

}  // namespace

void Primary::Implementation::handle(const Address& from, BytesView message, Now now, Outputs& outputs) {
  const AgentIndex index = index_of(from);
  if (index == kOwn) return;
  AgentOfPrimary& agent = *agents_[index];
  const auto opened = receive(agent.association, agent.configured.name, message, now.monotonic, parts_.counters, outputs);
  if (!opened) return;
  if (opened->session_is_new) {
    agent.packets_at.reset();
    if (agent.is_met && agent.life == AgentOfPrimary::Life::Serving) restarted(index, outputs);
    // What we do not say again in a new conversation it takes for forgotten, and ends.
    for (DelegationNode* node : table_.all_of(index)) refresh(*node, now);
    agent.is_met = true;
  }
  std::visit([&](const auto& records) {
    if constexpr (requires { heard(index, records, now); })
      heard(index, records, now);
    else
      heard(index, records, now, outputs);
  }, opened->records);
}

void Primary::Implementation::heard(AgentIndex from, const std::vector<wire::StartForwardingAcknowledgement>& records, Now now,
                                    Outputs& outputs) {
  Exchanges& exchanges = agent(from).exchanges;
  for (const auto& record : records) {
    const Exchanges::Word* word = exchanges.find(record.home_address);
    if (word == nullptr || word->kind != Exchanges::Kind::Start) continue;
    if (record.status == wire::ForwardingStatus::NumberOld && record.number > word->number) {
      if (!renumber(from, record.home_address, record.number, now)) start_refused(from, record, now, outputs);
    } else if (record.number != word->number || record.status == wire::ForwardingStatus::NumberOld) {
      continue;
    } else if (record.status != wire::ForwardingStatus::Accepted) {
      start_refused(from, record, now, outputs);
    } else {
      ++parts_.counters.starts_acknowledged;
      exchanges.finish(record.home_address);
      start_accepted(from, record.home_address, now);
    }
  }
}

void Primary::Implementation::start_refused(AgentIndex from, const wire::StartForwardingAcknowledgement& record, Now now,
                                            Outputs& outputs) {
  ++parts_.counters.starts_refused;
  AgentOfPrimary& refuser = agent(from);
  // It may be full, or about to leave, for the others as well.
  if (record.status == wire::ForwardingStatus::NoResources) refuser.refuses_until = now.monotonic + kRestOfAFullAgent;
  if (record.status == wire::ForwardingStatus::Retiring) {
    refuser.is_retiring = true;
    divide_soon(now);
  }
  outputs.notices.push_back({Severity::Warning, "delegation-refused",
                             refuser.configured.name + " does not take " + to_string(record.home_address) + ": " +
                                 wire::to_string(record.status)});
  const Exchanges::Word* word = refuser.exchanges.find(record.home_address);
  // It never had it: there is nothing to stop.
  if (!word->may_have && word->backoff.transmissions() <= 1) refuser.exchanges.finish(record.home_address);
  start_failed(from, record.home_address, now);
  if (DelegationNode* node = table_.find(record.home_address)) {
    refusals_.insert_or_assign(record.home_address, Refusal{from, record.status, now.monotonic + kRefusalRemembered});
    node->second.reason = "refused";
  }
}

bool Primary::Implementation::renumber(AgentIndex index, const Address& home_address, wire::DelegationNumber known, Now now) {
  if (known > kHighestNumber) return false;
  last_number_ = std::max(last_number_, known);
  agent(index).exchanges.renumber(home_address, next_number(now), now.monotonic);
  changed_ = true;
  return true;
}

void Primary::Implementation::heard(AgentIndex from, const std::vector<wire::StopForwardingAcknowledgement>& records, Now now) {
  for (const auto& record : records) {
    const Exchanges::Word* word = agent(from).exchanges.find(record.home_address);
    if (word == nullptr || word->kind != Exchanges::Kind::Stop) continue;
    if (record.status == wire::ForwardingStatus::NumberOld) {
      if (record.number > word->number) renumber(from, record.home_address, record.number, now);
    } else if (record.number == word->number && !wire::is_refusal(record.status)) {
      ++parts_.counters.stops_acknowledged;
      stop_finished(from, record.home_address, now);
    }
  }
}

void Primary::Implementation::heard(AgentIndex from, const std::vector<wire::HeartbeatAcknowledgement>& records, Now now,
                                    Outputs& outputs) {
  AgentOfPrimary& sender = agent(from);
  for (const auto& record : records) {
    if (!sender.liveness.answered(record.number, now.monotonic)) continue;
    ++parts_.counters.heartbeats_answered;
    sender.capacity = record.capacity;
    if (record.retiring && !sender.is_retiring) {
      sender.empty_is_told = false;
      divide_soon(now);
    }
    sender.is_retiring = record.retiring;
    // It has less than we thought it has: what it did not keep over a restart nobody would serve.
    if (std::exchange(sender.may_have_forgotten, false) && record.delegated < table_.counts(from).held) take_back_all(from, now);
    if (sender.life != AgentOfPrimary::Life::Serving) returned(from, now, outputs);
    if (sender.packets_at && record.packets >= sender.packets)
      sender.load.add(static_cast<double>(record.packets - sender.packets), now.monotonic - *sender.packets_at, now.monotonic);
    sender.packets = record.packets;
    sender.packets_at = now.monotonic;
  }
}

void Primary::Implementation::heard(AgentIndex from, const std::vector<wire::ForwardingReport>& records, Now now) {
  ++parts_.counters.reports;
  for (const auto& record : records) {
    const DelegationNode* node = table_.find(record.home_address);
    if (node == nullptr || node->second.agent != from) continue;
    Traffic& traffic = traffic_[record.home_address];
    // It counts from 0 when a delegation begins anew.
    const std::uint64_t before = record.packets >= traffic.reported_packets ? traffic.reported_packets : 0;
    const Duration interval = traffic.reported_at == TimePoint{} ? kReportInterval : now.monotonic - traffic.reported_at;
    traffic.rate.add(static_cast<double>(record.packets - before), interval, now.monotonic);
    traffic.packets = traffic.reported_packets = record.packets;
    traffic.octets = record.octets;
    traffic.reported_at = now.monotonic;
    if (record.packets > before) busy_.insert(record.home_address);
  }
}

void Primary::Implementation::handle(const TunnelActivity& activity, Now now) {
  if (!has_agents()) return;
  double packets = 0;
  for (const TunnelActivity::Entry& entry : activity.entries) {
    packets += static_cast<double>(entry.packets);
    const DelegationNode* node = table_.find(entry.home_address);
    // Of what another agent has, some still comes here: it is our work, but says nothing about the home address.
    if (node == nullptr || node->second.agent != kOwn || entry.packets == 0) continue;
    Traffic& traffic = traffic_[entry.home_address];
    traffic.rate.add(static_cast<double>(entry.packets), activity.interval, now.monotonic);
    traffic.packets += entry.packets;
    traffic.octets += entry.octets;
    busy_.insert(entry.home_address);
  }
  own_load_.add(packets, activity.interval, now.monotonic);
}

}  // namespace mipflow::home_agent
