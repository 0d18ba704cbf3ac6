// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "mipflow/base/backoff.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/icmpv6.hpp"

namespace mipflow::mobile_node {

// Dynamic home agent address discovery, RFC 6275 §11.4.1: one request, the same four times more (DHAAD_RETRIES) after 3, 6, 12
// and 24 s (INITIAL_DHAAD_TIMEOUT), and 48 s of hope behind the last. State only; the search for a home agent sends.
//
// Nothing authenticates a reply, so it may be anybody's who saw the request or guessed its identifier. Therefore the first one
// does not end it: more answers to the same request are listened to until stop().
class AgentDiscovery {
 public:
  // `random` must outlive the object.
  explicit AgentDiscovery(RandomSource& random) : random_(random) {}

  // A new request, with a new identifier, is due now.
  void start(TimePoint now);
  // Nobody needs an answer any more.
  void stop();
  // A usable answer came: no retransmission.
  void answered();

  // The request to send now, if one is due.
  std::optional<wire::HomeAgentAddressDiscoveryRequest> on_deadline(TimePoint now);
  TimePoint next_deadline() const { return next_; }
  // There is no care-of address to ask from: the next request is due at resume().
  void postpone();
  void resume(TimePoint now);

  bool answers(const wire::HomeAgentAddressDiscoveryReply& reply) const { return identifier_ == reply.identifier; }
  // The last request stayed without an answer for as long as it could have one.
  bool has_failed(TimePoint now) const { return is_last() && now >= next_; }
  // Requests that left since start().
  unsigned transmissions() const { return backoff_.transmissions(); }

 private:
  bool is_last() const { return backoff_.transmissions() > wire::kDhaadRetries; }

  RandomSource& random_;
  Backoff backoff_{wire::kInitialDhaadTimeout, wire::kInitialDhaadTimeout * (1U << wire::kDhaadRetries)};
  std::optional<std::uint16_t> identifier_;  // of the request that may still be answered
  TimePoint next_ = kNever;
  bool postponed_ = false;
};

}  // namespace mipflow::mobile_node
