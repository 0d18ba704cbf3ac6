// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent_service.hpp"

#include <algorithm>
#include <utility>

#include "mipflow/wire/authentication.hpp"

namespace mipflow::mobile_node {

namespace {

constexpr std::size_t kRememberedTimestamps = 8;

// What comes from elsewhere and goes to the operator's terminal.
std::string printable(const std::string& text) {
  std::string out;
  for (const char octet : text) out += octet >= ' ' && octet <= '~' ? octet : '?';
  return out;
}

}  // namespace

AgentService::AgentService(const Configuration& configuration, HomeAgentSignalling& signalling, RandomSource& random)
    : configuration_(configuration),
      signalling_(signalling),
      // Answers to questions of before a restart must not fit.
      last_transaction_(random.next_u32()),
      sources_{Source{AgentAllocation{hoa_alloc::Origin::Agent}}, Source{AgentAllocation{hoa_alloc::Origin::Dhcpv6}}},
      policy_(configuration.known_network_policy) {}

AgentAllocation& AgentService::allocation(hoa_alloc::Origin origin) {
  return sources_[origin == hoa_alloc::Origin::Dhcpv6 ? 1 : 0].allocation;
}
const AgentAllocation& AgentService::allocation(hoa_alloc::Origin origin) const {
  return sources_[origin == hoa_alloc::Origin::Dhcpv6 ? 1 : 0].allocation;
}

std::optional<std::uint32_t> AgentService::policy_version() const {
  return policy_.known_version() == 0 ? std::nullopt : std::optional(policy_.known_version());
}

// Without a security association nobody could tell whose policy it is.
bool AgentService::takes_policy() const { return configuration_.network_policy && signalling_.security().required(); }

// ---- questions ----

AgentExchange AgentService::opened(TimePoint now) {
  AgentExchange exchange;
  exchange.transaction = ++last_transaction_;
  exchange.open = true;
  exchange.next = now;
  return exchange;
}

void AgentService::transmit(AgentExchange& exchange, wire::AgentServiceBody body, const CareOf& path, Now now,
                            Outputs& outputs) {
  rate_.sent(now.monotonic);
  exchange.timestamps.push_back(signalling_.send_agent_service({.transaction = exchange.transaction, .body = std::move(body)}, path, now, outputs));
  if (exchange.timestamps.size() > kRememberedTimestamps) exchange.timestamps.erase(exchange.timestamps.begin());
  ++exchange.unanswered;
  exchange.next = exchange.backoff.sent_at(now.monotonic);
}

bool AgentService::has_run_out(const AgentExchange& exchange) const {
  return exchange.unanswered >= (offered_ ? kTransmissions : kTransmissionsToStrangers);
}

void AgentService::stop() {
  stopping_ = true;
  for (Source& source : sources_) {
    source.exchange = {};
    source.allocation.stop();
  }
  fetching_ = {};
}

bool AgentService::has_to_release() const {
  return releasing_.open || !to_release_.empty() ||
         std::ranges::any_of(sources_, [](const Source& source) { return source.allocation.has_returned(); });
}

bool AgentService::has_leases() const {
  return std::ranges::any_of(sources_, [](const Source& source) { return source.allocation.has_given(); });
}

void AgentService::refresh(std::vector<Address> addresses, TimePoint now) {
  if (addresses.empty() || refreshing_.open || stopping_ || now < not_offered_until_) return;
  refreshed_ = std::move(addresses);
  refreshing_ = opened(now);
}

void AgentService::registered(TimePoint now) {
  const bool first = std::exchange(postponed_, false);
  if (first && policy_.due() == kNever && takes_policy()) policy_.ask(std::max(now, not_offered_until_));
}

void AgentService::home_agent_changed(TimePoint now) {
  offered_ = false;
  not_offered_until_ = TimePoint::min();
  last_unsolicited_ = 0;
  for (Source& source : sources_) source.exchange = {};
  releasing_ = {};
  to_release_.clear();
  refreshing_ = {};
  if (std::exchange(fetching_, {}).open && takes_policy()) policy_.ask(now);
}

void AgentService::on_deadline(const std::optional<CareOf>& path, Now now, Outputs& outputs) {
  for (Source& source : sources_) {
    news_ = source.allocation.take_retry(now.monotonic) || news_;
    for (auto& ended : source.allocation.on_deadline(now.monotonic)) changes_.push_back(ended);
    for (auto& item : source.allocation.take_returned()) to_release_.push_back(item);
  }
  if (next_deadline() > now.monotonic) return;
  if (!path) {
    postponed_ = true;
    return;
  }
  if (!stopping_)
    for (Source& source : sources_) serve(source, *path, now, outputs);
  release(*path, now, outputs);
  if (stopping_) return;
  tell_refresh(*path, now, outputs);
  fetch_policy(*path, now, outputs);
}

TimePoint AgentService::next_deadline() const {
  TimePoint next = kNever;
  for (const Source& source : sources_) next = std::min(next, source.allocation.next_deadline());
  if (postponed_) return next;
  TimePoint message = releasing_.next;
  if (!stopping_) message = std::min({message, refreshing_.next, fetching_.open ? fetching_.next : policy_.due()});
  bool returned = !to_release_.empty();
  for (const Source& source : sources_) {
    message = std::min(message, source.exchange.open ? source.exchange.next : source.allocation.asked_at());
    returned = returned || source.allocation.has_returned();
  }
  if (returned && !releasing_.open) message = TimePoint{};
  return message == kNever ? next : std::min(next, rate_.permitted_at(message));
}

void AgentService::serve(Source& source, const CareOf& path, Now now, Outputs& outputs) {
  AgentExchange& exchange = source.exchange;
  if (!exchange.open) {
    if (source.allocation.wanted() == 0) return;
    if (now.monotonic < not_offered_until_) {
      source.allocation.failed("the home agent does not offer it", not_offered_until_);
      news_ = true;
      return;
    }
    exchange = opened(now.monotonic);
  }
  if (exchange.next > now.monotonic || rate_.permitted_at(now.monotonic) > now.monotonic) return;
  if (has_run_out(exchange)) return silence(now, outputs);
  transmit(exchange,
           wire::HomeAddressRequest{source.allocation.source(), static_cast<std::uint8_t>(source.allocation.wanted())}, path,
           now, outputs);
}

void AgentService::release(const CareOf& path, Now now, Outputs& outputs) {
  if (!releasing_.open) {
    // A home agent that does not know the service has nothing to take back.
    if (now.monotonic < not_offered_until_) to_release_.clear();
    if (to_release_.empty()) return;
    released_ = {.reason = to_release_.front().second};
    std::erase_if(to_release_, [&](const auto& item) {
      if (item.second != released_.reason || released_.addresses.size() >= wire::kMostAddressesPerMessage) return false;
      released_.addresses.push_back(item.first);
      return true;
    });
    releasing_ = opened(now.monotonic);
  }
  if (releasing_.next > now.monotonic || rate_.permitted_at(now.monotonic) > now.monotonic) return;
  // The home agent takes back by itself what is not bound.
  if (has_run_out(releasing_)) return silence(now, outputs);
  transmit(releasing_, released_, path, now, outputs);
}

void AgentService::tell_refresh(const CareOf& path, Now now, Outputs& outputs) {
  if (!refreshing_.open || refreshing_.next > now.monotonic || rate_.permitted_at(now.monotonic) > now.monotonic) return;
  if (has_run_out(refreshing_)) return silence(now, outputs);
  const auto end = refreshed_.begin() + static_cast<std::ptrdiff_t>(std::min(refreshed_.size(), wire::kMostAddressesPerMessage));
  transmit(refreshing_, wire::HomeAddressRefresh{{refreshed_.begin(), end}}, path, now, outputs);
}

void AgentService::fetch_policy(const CareOf& path, Now now, Outputs& outputs) {
  if (!fetching_.open) {
    if (policy_.due() > now.monotonic) return;
    if (now.monotonic < not_offered_until_) return policy_.give_up(not_offered_until_);
    fetching_ = opened(now.monotonic);
  }
  if (fetching_.next > now.monotonic || rate_.permitted_at(now.monotonic) > now.monotonic) return;
  if (has_run_out(fetching_)) return silence(now, outputs);
  transmit(fetching_, policy_.request(), path, now, outputs);
}

// A question was asked as often as makes sense.
void AgentService::silence(Now now, Outputs& outputs) {
  if (!offered_) {
    outputs.notices.push_back({Severity::Info, "agent-service-not-offered",
                               "The home agent does not answer requests for its address and policy service."});
    return not_offered("the home agent does not answer, it seems not to offer it", now.monotonic);
  }
  const TimePoint retry_at = now.monotonic + kSilent;
  for (Source& source : sources_) {
    if (!source.exchange.open || !has_run_out(source.exchange)) continue;
    source.exchange = {};
    source.allocation.failed("the home agent does not answer", retry_at);
    news_ = true;
  }
  if (releasing_.open && has_run_out(releasing_)) releasing_ = {};
  if (refreshing_.open && has_run_out(refreshing_)) refreshing_ = {};
  if (fetching_.open && has_run_out(fetching_)) {
    fetching_ = {};
    policy_.give_up(retry_at);
  }
}

void AgentService::not_offered(const std::string& reason, TimePoint now) {
  not_offered_until_ = now + kNotOffered;
  offered_ = false;
  for (Source& source : sources_) {
    const bool asked = source.exchange.open || source.allocation.wanted() > 0;
    source.exchange = {};
    if (!asked) continue;
    source.allocation.failed(reason, not_offered_until_);
    news_ = true;
  }
  releasing_ = {};
  to_release_.clear();
  refreshing_ = {};
  fetching_ = {};
  if (takes_policy()) policy_.give_up(not_offered_until_);
}

// Anybody can forge a Binding Error. It ends what is asked for and makes nothing worse than a lost answer would.
bool AgentService::not_understood(TimePoint now) {
  const bool asked = releasing_.open || refreshing_.open || fetching_.open ||
                     std::ranges::any_of(sources_, [](const Source& source) { return source.exchange.open; });
  if (asked && !offered_) not_offered("the home agent does not offer it", now);
  return asked;
}

// ---- answers ----

bool AgentService::answers(const wire::AgentServiceMessage& message, const AgentExchange& exchange) const {
  if (!exchange.open || message.transaction != exchange.transaction) return false;
  if (!signalling_.security().required()) return true;
  const auto* replay = wire::find_option<wire::ReplayProtection>(message.options);
  return replay != nullptr && std::ranges::find(exchange.timestamps, replay->ntp_timestamp) != exchange.timestamps.end();
}

// A message that nobody asked for: close to the home agent's clock, and later than every one before (RFC 4285 §6).
bool AgentService::is_fresh(const wire::AgentServiceMessage& message, Now now) {
  if (!signalling_.security().required()) return true;
  const auto* replay = wire::find_option<wire::ReplayProtection>(message.options);
  if (replay == nullptr) return false;
  const Duration home_agent_clock = now.wall + signalling_.security().clock_offset();
  const Duration sent_at = wire::wall_of_ntp(replay->ntp_timestamp);
  if (std::chrono::abs(sent_at - home_agent_clock) > wire::kDefaultTimestampWindow) return false;
  const bool clock_was_set_back = last_unsolicited_ > wire::ntp_timestamp(home_agent_clock + wire::kDefaultTimestampWindow);
  if (!clock_was_set_back && replay->ntp_timestamp <= last_unsolicited_) return false;
  last_unsolicited_ = replay->ntp_timestamp;
  return true;
}

void AgentService::receive(const wire::AgentServiceMessage& message, const CareOf& path, Now now, Outputs& outputs) {
  if (const auto* reply = std::get_if<wire::HomeAddressReply>(&message.body)) {
    receive(*reply, message, now.monotonic);
  } else if (std::holds_alternative<wire::HomeAddressReleaseAcknowledgement>(message.body)) {
    if (!answers(message, releasing_)) return;
    offered_ = true;
    releasing_ = {};
  } else if (const auto* change = std::get_if<wire::HomeAddressChange>(&message.body)) {
    receive(*change, message, path, now, outputs);
  } else if (const auto* refreshed = std::get_if<wire::HomeAddressRefreshReply>(&message.body)) {
    receive(*refreshed, message, now.monotonic);
  } else if (const auto* policy = std::get_if<wire::PolicyReply>(&message.body)) {
    receive(*policy, message, now, outputs);
  } else if (const auto* changed = std::get_if<wire::PolicyChanged>(&message.body)) {
    if (takes_policy() && is_fresh(message, now)) policy_.hint(changed->version, now.monotonic);
  }
  // The others are for a home agent, or of a later edition.
}

void AgentService::receive(const wire::HomeAddressReply& reply, const wire::AgentServiceMessage& message, TimePoint now) {
  const auto source = std::ranges::find_if(sources_, [&](const Source& item) {
    return item.allocation.source() == reply.source && answers(message, item.exchange);
  });
  if (source == sources_.end()) return;
  offered_ = true;
  if (reply.status == wire::HomeAddressStatus::Pending) {
    source->exchange.unanswered = 0;
    source->exchange.next = source->exchange.polls.sent_at(now);
    return source->allocation.pending("the home agent asks its source");
  }
  source->exchange = {};
  news_ = true;
  if (reply.status == wire::HomeAddressStatus::Allocated && !reply.addresses.empty())
    return source->allocation.arrived(reply.addresses, now);
  std::string reason = "the home agent refused (" + to_string(reply.status) + ")";
  if (!reply.reason.empty()) reason += ": " + printable(reply.reason);
  if (reply.status == wire::HomeAddressStatus::SourceNotOffered || reply.status == wire::HomeAddressStatus::Prohibited)
    source->allocation.failed(std::move(reason), now + kNotOffered);
  else
    source->allocation.refused(std::move(reason), now);
}

void AgentService::take_lifetimes(const std::vector<wire::HomeAddressLifetimes>& addresses, TimePoint now) {
  for (const auto& lifetimes : addresses)
    for (Source& source : sources_)
      if (source.allocation.change(lifetimes, now)) {
        const TimePoint valid_until = end_of_lifetime(lifetimes.valid, now);
        changes_.push_back({.home_address = lifetimes.home_address,
                            .origin = source.allocation.origin(),
                            .preferred_until = std::min(end_of_lifetime(lifetimes.preferred, now), valid_until),
                            .valid_until = valid_until});
      }
}

void AgentService::receive(const wire::HomeAddressRefreshReply& reply, const wire::AgentServiceMessage& message, TimePoint now) {
  if (!answers(message, refreshing_)) return;
  offered_ = true;
  refreshing_ = {};
  const auto told = std::min(refreshed_.size(), wire::kMostAddressesPerMessage);
  refreshed_.erase(refreshed_.begin(), refreshed_.begin() + static_cast<std::ptrdiff_t>(told));
  take_lifetimes(reply.addresses, now);
  if (!refreshed_.empty()) refreshing_ = opened(now);
}

void AgentService::receive(const wire::HomeAddressChange& change, const wire::AgentServiceMessage& message,
                           const CareOf& path, Now now, Outputs& outputs) {
  if (!is_fresh(message, now)) return;
  take_lifetimes(change.addresses, now.monotonic);
  // Else the home agent repeats it.
  if (rate_.permitted_at(now.monotonic) > now.monotonic) return;
  rate_.sent(now.monotonic);
  signalling_.send_agent_service({.transaction = message.transaction, .body = wire::HomeAddressChangeAcknowledgement{}}, path,
                                 now, outputs);
}

void AgentService::receive(const wire::PolicyReply& reply, const wire::AgentServiceMessage& message, Now now, Outputs& outputs) {
  if (!takes_policy() || !answers(message, fetching_)) return;
  offered_ = true;
  fetching_ = {};
  auto outcome = policy_.handle(reply, signalling_.security().association().key, now.monotonic);
  if (outcome.refused != nullptr)
    outputs.notices.push_back({Severity::Warning, "network-policy-refused",
                               std::string("The policy that the home agent serves is not taken: ") + outcome.refused + "."});
  if (!outcome.document) return;
  outputs.notices.push_back({Severity::Info, "network-policy-received",
                             reply.total_length == 0
                                 ? "The home agent has no policy for this mobile node any more, or never had one."
                                 : "The home agent serves a new policy, version " + std::to_string(policy_.known_version()) + "."});
  outputs.kept.push_back({kKeptNetworkPolicy, std::move(*outcome.document)});
}

}  // namespace mipflow::mobile_node
