// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_transfer.hpp"

#include <algorithm>
#include <utility>

namespace mipflow::mobile_node {

void PolicyTransfer::ask(TimePoint now) { due_ = std::min(due_, now); }

void PolicyTransfer::hint(std::uint32_t version, TimePoint now) {
  if (version > known_version_) ask(now);
}

void PolicyTransfer::give_up(TimePoint retry_at) {
  text_.reset();
  due_ = retry_at;
}

wire::PolicyRequest PolicyTransfer::request() const {
  return {.known_version = known_version_, .offset = text_ ? static_cast<std::uint32_t>(text_->octets.size()) : 0};
}

PolicyTransfer::Outcome PolicyTransfer::refuse(const char* why, TimePoint now) {
  give_up(now + kInterval);
  return {.refused = why};
}

PolicyTransfer::Outcome PolicyTransfer::handle(const wire::PolicyReply& reply, BytesView key, TimePoint now) {
  if (reply.version < known_version_) return refuse("it is older than the one that is known", now);
  if (reply.version == known_version_) {
    give_up(now + kInterval);
    return {};
  }
  if (reply.status != wire::PolicyStatus::Part) return refuse("it is said to be known, but is not", now);
  if (reply.total_length > wire::kLargestPolicy) return refuse("it is larger than 256 KiB", now);

  const bool goes_on = text_ && text_->version == reply.version && text_->total_length == reply.total_length &&
                       text_->authenticator == reply.authenticator;
  // The text changed while it was being fetched.
  if (!goes_on) text_ = Text{reply.version, reply.total_length, reply.authenticator, {}};
  if (reply.offset == text_->octets.size()) {
    const std::size_t missing = text_->total_length - text_->octets.size();
    if (reply.part.size() > missing || (reply.part.empty() && missing > 0))
      return refuse("its parts do not fit together", now);
    text_->octets.append(reply.part.begin(), reply.part.end());
  }
  if (text_->octets.size() < text_->total_length) {
    due_ = now;
    return {};
  }
  if (!equal_in_constant_time(text_->authenticator, wire::policy_authenticator(key, text_->version, text_->octets)))
    return refuse("its authenticator is wrong", now);
  Outcome outcome{.document = write_network_policy({text_->version, std::move(text_->octets)}, text_->authenticator)};
  known_version_ = text_->version;
  give_up(now + kInterval);
  return outcome;
}

}  // namespace mipflow::mobile_node
