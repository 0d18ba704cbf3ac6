// SPDX-License-Identifier: GPL-3.0-or-later
#include "probed_path.hpp"

#include <algorithm>

#include "mipflow/base/crypto.hpp"

namespace mipflow::mobile_node {

namespace {

ProbedPath::Payload random_payload(RandomSource& random) {
  ProbedPath::Payload out;
  for (std::size_t at = 0; at < out.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t value = random.next_u64();
    for (std::size_t i = 0; i < sizeof value; ++i, value >>= 8) out[at + i] = static_cast<std::uint8_t>(value);
  }
  return out;
}

}  // namespace

const ProbedPath::Probe& ProbedPath::send(std::uint16_t sequence, RandomSource& random, bool hopeless, TimePoint now) {
  probes_.push_back({.sequence = sequence, .payload = random_payload(random), .sent_at = now});
  last_sent_ = now;
  if (burst_ > 0) {
    --burst_;
  } else if (closer_ > 0) {
    --closer_;
  }
  if (failing())
    next_probe_ = hopeless ? now + kIdleInterval : retry_.sent_at(now);
  else
    schedule(now);
  return probes_.back();
}

bool ProbedPath::awaits_answer() const {
  return std::any_of(probes_.begin(), probes_.end(), [](const Probe& probe) { return !probe.lost; });
}

bool ProbedPath::on_deadline(TimePoint now) {
  bool lost = false;
  const Duration patience = timeout();
  for (auto& probe : probes_) {
    if (probe.lost || now < probe.sent_at + patience) continue;
    probe.lost = true;
    lost = true;
    remember(true);
    // One that left before the last proof says nothing about the time since.
    if (probe.sent_at < last_proof_) continue;
    if (++lost_in_a_row_ == 1) first_lost_sent_ = probe.sent_at;
    if (lost_in_a_row_ == kInARow) {
      retry_.reset();
      burst_ = 0;
      closer_ = 0;
      next_probe_ = retry_.sent_at(now);
    }
  }
  if (lost_in_a_row_ > 0 && !failing() && burst_ == 0 && !awaits_answer()) {
    burst_ = kInARow - lost_in_a_row_;
    next_probe_ = now;
  }
  while (!probes_.empty() && probes_.front().lost && now >= probes_.front().sent_at + kLateAnswer) probes_.pop_front();
  return lost;
}

TimePoint ProbedPath::next_deadline() const {
  TimePoint next = next_probe_;
  const Duration patience = timeout();
  for (const auto& probe : probes_)
    if (!probe.lost) next = std::min(next, probe.sent_at + patience);
  return next;
}

bool ProbedPath::answered(std::uint16_t sequence, BytesView payload, TimePoint now) {
  const auto probe = std::find_if(probes_.begin(), probes_.end(), [&](const Probe& each) { return each.sequence == sequence; });
  if (probe == probes_.end() || !equal_in_constant_time(probe->payload, payload)) return false;
  const Duration sample = now - probe->sent_at;
  if (!probe->lost) remember(false);
  probes_.erase(probe);
  measure(sample, now);
  proof(now);
  return true;
}

void ProbedPath::acknowledged(TimePoint now) { proof(now); }

void ProbedPath::proof(TimePoint now) {
  if (failing()) {
    look_closer(now);
    last_sent_ = now;  // the first of them in a second
  }
  lost_in_a_row_ = 0;
  last_proof_ = now;
  schedule(now);
}

void ProbedPath::look_closer(TimePoint now) {
  // A link that is different each time is not asked without end.
  if (now < looked_closer_at_ + kCloserLooks) return;
  looked_closer_at_ = now;
  closer_ = kCloserProbes;
}

void ProbedPath::measure(Duration sample, TimePoint now) {
  if (!round_trip_) {
    round_trip_ = sample;
    return;
  }
  // What differs that much is worth more than one look: the next ordinary one is half a minute away.
  constexpr Duration kNoise = std::chrono::milliseconds{10};
  if (sample > 2 * *round_trip_ + kNoise || *round_trip_ > 2 * sample + kNoise) look_closer(now);
  // A quarter, not the eighth of RFC 6298: there are few of them.
  round_trip_ = *round_trip_ - *round_trip_ / 4 + sample / 4;
}

void ProbedPath::remember(bool lost) {
  outcomes_.push_back(lost);
  if (outcomes_.size() > kRemembered) outcomes_.pop_front();
}

std::optional<unsigned> ProbedPath::loss() const {
  if (outcomes_.empty()) return std::nullopt;
  const auto lost = static_cast<std::size_t>(std::count(outcomes_.begin(), outcomes_.end(), true));
  return static_cast<unsigned>(lost * 1'000 / outcomes_.size());
}

Duration ProbedPath::timeout() const {
  return round_trip_ ? std::clamp<Duration>(4 * *round_trip_, kShortestTimeout, kLongestTimeout) : kShortestTimeout;
}

void ProbedPath::set_interval(Duration interval) {
  if (interval == interval_) return;
  interval_ = interval;
  if (!failing() && burst_ == 0 && closer_ == 0 && lost_in_a_row_ == 0) next_probe_ = std::max(last_sent_, last_proof_) + interval_;
}

void ProbedPath::probe_now(TimePoint now) {
  if (!awaits_answer()) next_probe_ = std::min(next_probe_, now);
}

void ProbedPath::schedule(TimePoint now) {
  if (burst_ > 0)
    next_probe_ = last_sent_ + kBurstGap;
  else if (closer_ > 0)
    next_probe_ = last_sent_ + kCloserGap;
  else
    next_probe_ = now + interval_;
}

}  // namespace mipflow::mobile_node
