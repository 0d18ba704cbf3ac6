// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/primary_exchanges.hpp"

#include <algorithm>
#include <utility>

#include "sharing/reception.hpp"

namespace mipflow::home_agent {

namespace {

constexpr Duration kLongestWait = std::chrono::seconds{1};
// Clocks of two nodes, and the way there, differ by less.
constexpr Duration kMargin = std::chrono::seconds{1};

}  // namespace

Exchanges::Word& Exchanges::put(const Address& home_address, Kind kind, wire::DelegationNumber number, TimePoint given_until,
                                TimePoint now) {
  const auto [found, inserted] = words_.try_emplace(home_address, Word{.backoff = Backoff(retransmission_, kLongestWait)});
  Word& word = found->second;
  if (!inserted) word.may_have |= word.kind == Kind::Stop || word.backoff.transmissions() > 0;
  word.kind = kind;
  word.number = number;
  word.given_until = std::max(word.given_until, given_until);
  word.backoff = Backoff(retransmission_, kLongestWait);
  (word.is_in_flight ? due_ : waiting_).set(home_address, now);
  return word;
}

void Exchanges::hurry(const Address& home_address) {
  if (waiting_.find(home_address)) waiting_.set(home_address, TimePoint{});
}

std::optional<Address> Exchanges::take_due(TimePoint now) {
  if (auto home_address = due_.take_due(now)) return home_address;
  if (in_flight_ >= kMostInFlight) return std::nullopt;
  auto home_address = waiting_.take_due(now);
  if (home_address) {
    words_.at(*home_address).is_in_flight = true;
    ++in_flight_;
  }
  return home_address;
}

void Exchanges::start(const Address& home_address, wire::DelegationNumber number, bool may_have, TimePoint given_until,
                      Duration patience, TimePoint now) {
  const Word* before = find(home_address);
  // A home address whose Starts follow each other faster than they are acknowledged is given up all the same.
  if (before == nullptr || before->kind == Kind::Stop) ends_.cancel(home_address);
  Word& word = put(home_address, Kind::Start, number, given_until, now);
  word.may_have |= may_have;
  word.patience = patience;
  if (may_have) hurry(home_address);
}

void Exchanges::stop(const Address& home_address, wire::DelegationNumber number, TimePoint given_until, TimePoint now) {
  const Word& word = put(home_address, Kind::Stop, number, given_until, now);
  ends_.set(home_address, word.given_until);
  hurry(home_address);
}

const Exchanges::Word* Exchanges::find(const Address& home_address) const {
  const auto found = words_.find(home_address);
  return found == words_.end() ? nullptr : &found->second;
}

void Exchanges::finish(const Address& home_address) {
  const auto found = words_.find(home_address);
  if (found == words_.end()) return;
  if (found->second.is_in_flight) --in_flight_;
  words_.erase(found);
  waiting_.cancel(home_address);
  due_.cancel(home_address);
  ends_.cancel(home_address);
}

void Exchanges::renumber(const Address& home_address, wire::DelegationNumber number, TimePoint now) {
  const auto found = words_.find(home_address);
  if (found == words_.end()) return;
  found->second.number = number;
  (found->second.is_in_flight ? due_ : waiting_).set(home_address, now);
}

void Exchanges::send(Association& association, const StartOf& start_of, LoadSharingCounters& counters, TimePoint now,
                     Outputs& outputs) {
  const std::size_t most_starts = wire::most_records(wire::ForwardingType::StartForwarding);
  const std::size_t most_stops = wire::most_records(wire::ForwardingType::StopForwarding);
  while (pace_.next() <= now) {
    std::vector<wire::StartForwarding> starts;
    std::vector<wire::StopForwarding> stops;
    while (starts.size() < most_starts && stops.size() < most_stops) {
      const auto home_address = take_due(now);
      if (!home_address) break;
      Word& word = words_.at(*home_address);
      const bool is_first = word.backoff.transmissions() == 0;
      if (!is_first) ++counters.retransmissions;
      due_.set(*home_address, word.backoff.sent_at(now));
      if (word.kind == Kind::Stop) {
        if (is_first) ++counters.stops_sent;
        stops.push_back({*home_address, word.number});
        continue;
      }
      if (is_first) ++counters.starts_sent;
      if (!ends_.find(*home_address)) ends_.set(*home_address, now + word.patience);
      starts.push_back(start_of(*home_address, word.number));
      word.given_until = std::max(word.given_until, now + std::chrono::seconds{starts.back().duration} + kMargin);
    }
    if (starts.empty() && stops.empty()) return;
    // What an agent is to stop comes before what it is to take on.
    if (!stops.empty()) pace_.sent(now);
    send_records(association, std::move(stops), outputs);
    if (!starts.empty()) pace_.sent(now);
    send_records(association, std::move(starts), outputs);
  }
}

}  // namespace mipflow::home_agent
