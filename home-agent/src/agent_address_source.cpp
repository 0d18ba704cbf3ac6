// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent_address_source.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "mipflow/hoa-alloc/address_formation.hpp"

namespace mipflow::home_agent {

namespace {

using Kind = AddressSourceReport::Kind;

constexpr const char* kNoPrefix = "no home prefix is preferred, so that no address can be formed";
constexpr Duration kRounding = std::chrono::seconds{2};  // lifetimes are told in whole seconds

TimePoint end_of(std::uint32_t seconds, TimePoint now) {
  return seconds == wire::kInfiniteLifetime ? kNever : now + std::chrono::seconds{seconds};
}

bool differs(TimePoint a, TimePoint b) {
  if (a == kNever || b == kNever) return a != b;
  return std::chrono::abs(a - b) > kRounding;
}

}  // namespace

std::optional<wire::PrefixInformation> AgentAddressSource::best_prefix(TimePoint now) const {
  std::optional<wire::PrefixInformation> best;
  for (const auto& prefix : parts_.prefixes.advertised(parts_.configuration.home_agent_address, now))
    if (prefix.autonomous && prefix.preferred_lifetime > 0 && (!best || prefix.preferred_lifetime > best->preferred_lifetime))
      best = prefix;
  return best;
}

AddressLease AgentAddressSource::terms_now(const Address& home_address, TimePoint now) const {
  AddressLease terms{.home_address = home_address, .preferred_until = now, .valid_until = now};
  for (const auto& prefix : parts_.prefixes.advertised(parts_.configuration.home_agent_address, now)) {
    if (!Prefix(prefix.prefix, prefix.prefix_length).contains(home_address)) continue;
    terms.valid_until = std::max(terms.valid_until, end_of(prefix.valid_lifetime, now));
    terms.preferred_until = std::max(terms.preferred_until, end_of(prefix.preferred_lifetime, now));
  }
  return terms;
}

void AgentAddressSource::request(AddressRequestId id, const Address& mobile_node, Now now, Outputs&) {
  const auto prefix = best_prefix(now.monotonic);
  failed_ = !prefix;
  if (!prefix) {
    reports_.push_back({.kind = Kind::Refused, .request = id, .mobile_node = mobile_node, .reason = kNoPrefix});
    return;
  }
  const auto address = hoa_alloc::form_address(Prefix(prefix->prefix, prefix->prefix_length), parts_.random, [this](const Address& candidate) {
    return candidate == parts_.configuration.home_agent_address || held_.contains(candidate) ||
           resting_.find(candidate).has_value() || declined_.contains(candidate) || parts_.taken(candidate);
  });
  if (!address) {
    reports_.push_back({.kind = Kind::Refused,
                        .request = id,
                        .mobile_node = mobile_node,
                        .reason = "no free address was found below the home prefix"});
    return;
  }
  const AddressLease terms = terms_now(*address, now.monotonic);
  held_.insert_or_assign(*address, Held{mobile_node, terms});
  arm(terms, now.monotonic);
  reports_.push_back({.kind = Kind::Leased, .request = id, .mobile_node = mobile_node, .lease = terms});
}

void AgentAddressSource::release(const Address& home_address, Now now, Outputs&) {
  if (!held_.contains(home_address)) return;
  forget(home_address);
  if (resting_.size() >= kMostResting) resting_.cancel(*resting_.first());
  resting_.set(home_address, now.monotonic + parts_.configuration.address_service.rest);
}

void AgentAddressSource::decline(const Address& home_address, Now, Outputs&) {
  forget(home_address);
  declined_.add(home_address);
}

void AgentAddressSource::adopt(const Address& mobile_node, const AddressLease& lease, Now now, Outputs&) {
  Held& held = held_.insert_or_assign(lease.home_address, Held{mobile_node, lease}).first->second;
  review(held, now);
}

void AgentAddressSource::prefixes_changed(Now now) {
  // review() may forget the one that it looks at.
  std::vector<Address> all;
  for (const auto& [home_address, held] : held_) all.push_back(home_address);
  for (const Address& home_address : all) review(held_.at(home_address), now);
}

void AgentAddressSource::review(Held& held, Now now) {
  const AddressLease terms = terms_now(held.terms.home_address, now.monotonic);
  AddressSourceReport report{.mobile_node = held.mobile_node, .lease = terms};
  if (terms.valid_until <= now.monotonic) {
    report.kind = Kind::Lost;
    report.reason = "its home prefix has ended";
    reports_.push_back(std::move(report));
    return forget(terms.home_address);
  }
  const bool changed = differs(terms.valid_until, held.terms.valid_until) || differs(terms.preferred_until, held.terms.preferred_until);
  if (changed) {
    held.terms = terms;
    report.kind = Kind::Changed;
    reports_.push_back(std::move(report));
  }
  arm(held.terms, now.monotonic);
}

void AgentAddressSource::arm(const AddressLease& terms, TimePoint now) {
  const auto half_of = [now](TimePoint end) {
    return end <= now || end == kNever ? kNever : now + std::max<Duration>((end - now) / 2, kShortestRenewal);
  };
  const TimePoint half = terms.preferred_until > now ? half_of(terms.preferred_until) : half_of(terms.valid_until);
  const TimePoint next = std::min(half, terms.valid_until);
  if (next == kNever)
    renewals_.cancel(terms.home_address);
  else
    renewals_.set(terms.home_address, next);
}

void AgentAddressSource::forget(const Address& home_address) {
  renewals_.cancel(home_address);
  held_.erase(home_address);
}

void AgentAddressSource::on_deadline(Now now, Outputs&) {
  while (const auto home_address = renewals_.take_due(now.monotonic))
    if (const auto found = held_.find(*home_address); found != held_.end()) review(found->second, now);
  while (resting_.take_due(now.monotonic)) {
  }
}

std::string AgentAddressSource::trouble() const { return failed_ ? kNoPrefix : ""; }

}  // namespace mipflow::home_agent
