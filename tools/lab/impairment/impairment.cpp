// SPDX-License-Identifier: GPL-3.0-or-later
#include "impairment.hpp"

#include <utility>

namespace mipflow::lab {

Fate Impairment::receive(Bytes packet, TimePoint now) {
  ++counters_.received;
  counters_.received_octets += packet.size();
  // Always the same number of draws, so that the fate of one packet does not change that of all later ones.
  const bool lost = happens(profile_.loss);
  const bool twice = happens(profile_.duplicate);
  const bool late = happens(profile_.reorder);
  const bool copy_late = happens(profile_.reorder);
  if (lost) {
    ++counters_.lost;
    return Fate::Lost;
  }
  if (held_.size() + (twice ? 2 : 1) > profile_.most_held) {
    ++counters_.crowded_out;
    return Fate::CrowdedOut;
  }
  ++counters_.passed;
  if (twice) {
    ++counters_.duplicated;
    hold(packet, now, copy_late);
  }
  hold(std::move(packet), now, late);
  return twice ? Fate::Duplicated : Fate::Passed;
}

void Impairment::hold(Bytes packet, TimePoint now, bool reordered) {
  if (reordered) ++counters_.reordered;
  held_.push({now + profile_.delay + (reordered ? profile_.reorder_by : Duration{}), next_number_++, std::move(packet)});
}

std::optional<Bytes> Impairment::take_due(TimePoint now) {
  if (held_.empty() || held_.top().due > now) return std::nullopt;
  Bytes packet = held_.top().packet;
  held_.pop();
  return packet;
}

TimePoint Impairment::next_due() const { return held_.empty() ? kNever : held_.top().due; }

bool Impairment::happens(double probability) {
  // 53 bits: as many as a double holds exactly.
  return static_cast<double>(random_.next_u64() >> 11) * 0x1p-53 < probability;
}

}  // namespace mipflow::lab
