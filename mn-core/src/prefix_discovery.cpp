// SPDX-License-Identifier: GPL-3.0-or-later
#include "prefix_discovery.hpp"

#include <algorithm>
#include <chrono>

namespace mipflow::mobile_node {
namespace {

constexpr std::uint32_t kForever = 0xffff'ffff;
constexpr Duration kTwoHours = std::chrono::hours{2};

TimePoint end_of(std::uint32_t lifetime, TimePoint now) {
  return lifetime == kForever ? kNever : now + std::chrono::seconds{lifetime};
}

}  // namespace

void PrefixDiscovery::solicit(TimePoint now) {
  if (asking_) return;
  asking_ = true;
  backoff_.reset();
  next_ = last_sent_ == TimePoint::min() ? now : std::max(now, last_sent_ + kShortestInterval);
}

void PrefixDiscovery::postpone() {
  asking_ = true;
  postponed_ = true;
  next_ = kNever;
}

void PrefixDiscovery::resume(TimePoint now) {
  if (!postponed_) return;
  postponed_ = false;
  next_ = now;
}

std::optional<std::uint16_t> PrefixDiscovery::on_deadline(TimePoint now) {
  if (now < next_) return std::nullopt;
  asking_ = true;
  // A fresh identifier per question, repetitions included: an answer to an earlier one may tell what is no longer so.
  identifier_ = random_.next_u16();
  last_sent_ = now;
  next_ = backoff_.sent_at(now);
  return identifier_;
}

TimePoint PrefixDiscovery::next_deadline() const {
  TimePoint next = next_;
  for (const auto& [prefix, known] : prefixes_) next = std::min(next, known.valid_until);
  return next;
}

PrefixDiscovery::Verdict PrefixDiscovery::handle(const wire::MobilePrefixAdvertisement& advertisement, TimePoint now) {
  if (postponed_ || !identifier_ || advertisement.identifier != *identifier_) {
    solicit(now);
    return Verdict::Unsolicited;
  }
  identifier_.reset();
  asking_ = false;
  answered_ = true;
  backoff_.reset();
  for (const auto& information : advertisement.prefixes) take(information, now);
  schedule_renewal(now);
  return Verdict::Taken;
}

// RFC 4862 §5.5.3 for one Prefix Information option.
void PrefixDiscovery::take(const wire::PrefixInformation& information, TimePoint now) {
  if (!information.autonomous || information.prefix_length > 128) return;
  const Prefix prefix(information.prefix, information.prefix_length);
  if (!prefix.address().is_unicast_routable()) return;
  if (information.preferred_lifetime > information.valid_lifetime) return;

  TimePoint valid_until = end_of(information.valid_lifetime, now);
  const auto known = prefixes_.find(prefix);
  if (known == prefixes_.end()) {
    if (information.valid_lifetime == 0 || prefixes_.size() >= kMaxPrefixes) return;
  } else if (!trusted_) {
    const TimePoint remaining = known->second.valid_until;
    const bool longer = valid_until == kNever || valid_until > now + kTwoHours || valid_until > remaining;
    if (!longer) valid_until = remaining <= now + kTwoHours ? remaining : now + kTwoHours;
  }
  prefixes_[prefix] = {.preferred_until = std::min(end_of(information.preferred_lifetime, now), valid_until),
                       .valid_until = valid_until};
}

// Asks again when three quarters of the shortest lifetime are over, but no more often than once a minute.
void PrefixDiscovery::schedule_renewal(TimePoint now) {
  next_ = kNever;
  for (const auto& [prefix, known] : prefixes_) {
    if (known.valid_until == kNever || known.valid_until <= now) continue;
    const Duration remaining = known.valid_until - now;
    next_ = std::min(next_, now + std::max<Duration>(remaining - remaining / 4, std::chrono::minutes{1}));
  }
}

bool PrefixDiscovery::has_expired(TimePoint now) const {
  return std::any_of(prefixes_.begin(), prefixes_.end(), [now](const auto& item) { return item.second.valid_until <= now; });
}

std::vector<Prefix> PrefixDiscovery::take_expired(TimePoint now) {
  std::vector<Prefix> out;
  for (const auto& [prefix, known] : prefixes_)
    if (known.valid_until <= now) out.push_back(prefix);
  for (const auto& prefix : out) prefixes_.erase(prefix);
  return out;
}

}  // namespace mipflow::mobile_node
