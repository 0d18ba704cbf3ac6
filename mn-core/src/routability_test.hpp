// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "mipflow/base/backoff.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/mobility_header.hpp"

namespace mipflow::mobile_node {

// A keygen token and the nonce index that goes with it: every token keeps its own, because correspondent nodes change
// nonces while older tokens are still good.
struct HeldToken {
  wire::KeygenToken token = 0;
  std::uint16_t nonce_index = 0;
  TimePoint received_at{};
};

// One half of return routability, RFC 6275 §5.2.5 and §11.6: a Home Test Init or Care-of Test Init until its answer, and
// the token that came of it. A token that is being refreshed can be used until the new one is there or its time is over.
class RoutabilityTest {
 public:
  // Refreshed that long after it came: what remains of MAX_TOKEN_LIFETIME is enough for three Inits and their answers.
  static constexpr Duration kRefreshAfter = std::chrono::seconds{180};
  // A refresh that nobody answered is not tried again at once.
  static constexpr Duration kRetryRefresh = std::chrono::seconds{20};

  // Begins when no Init is out.
  void start(TimePoint now) {
    if (running()) return;
    backoff_.reset();
    failed_ = false;
    next_transmission_ = now;
  }
  void stop() {
    next_transmission_ = kNever;
    cookie_.reset();
  }
  bool running() const { return next_transmission_ != kNever; }
  // When the next Init may leave, or the test is to be given up with on_time_out(); kNever while none is running.
  TimePoint next_transmission() const { return next_transmission_; }
  // The rate limit of RFC 6275 §11.8 does not permit an Init before.
  void postpone(TimePoint until) { next_transmission_ = until; }

  // RFC 6275 §5.2.9: MAX_RO_FAILURE Inits without an answer end it. True when it has ended.
  bool give_up_when_unanswered(TimePoint now) {
    if (backoff_.transmissions() < wire::kMaxRoFailure) return false;
    stop();
    failed_ = true;
    given_up_at_ = now;
    return true;
  }
  // The cookie for the Init that leaves now: another one each time, so that a late answer to an earlier one says nothing.
  wire::Cookie transmit(TimePoint now, RandomSource& random) {
    cookie_ = random.next_u64();
    sent_at_ = now;
    next_transmission_ = backoff_.sent_at(now);
    return *cookie_;
  }

  // The newest Init, not answered yet, has this cookie.
  bool awaits(wire::Cookie cookie) const { return cookie_ == cookie; }

  // RFC 6275 §11.6.2: taken when the cookie is that of the newest Init, which then is answered; ignored (false) otherwise.
  bool receive(wire::Cookie cookie, std::uint16_t nonce_index, wire::KeygenToken token, TimePoint now) {
    if (!awaits(cookie)) return false;
    round_trip_ = now - sent_at_;
    // The token was made between our Init and its answer; the earlier time is the safe one.
    held_ = HeldToken{token, nonce_index, sent_at_};
    failed_ = false;
    stop();
    return true;
  }

  // nullptr when there is none that may be used (MAX_TOKEN_LIFETIME).
  const HeldToken* token(TimePoint now) const {
    return held_ && now < held_->received_at + wire::kMaxTokenLifetime ? &*held_ : nullptr;
  }
  void discard_token() { held_.reset(); }
  // When to start() again so that there always is a token; now when there is none.
  TimePoint refresh_at() const {
    const TimePoint wish = held_ ? held_->received_at + kRefreshAfter : TimePoint::min();
    return failed_ ? std::max(wish, given_up_at_ + kRetryRefresh) : wish;
  }
  // The last test ended without an answer.
  bool failed() const { return failed_; }
  std::optional<Duration> round_trip() const { return round_trip_; }

 private:
  Backoff backoff_{wire::kInitialBindackTimeout, wire::kMaxBindackTimeout};
  TimePoint next_transmission_ = kNever;
  std::optional<wire::Cookie> cookie_;
  TimePoint sent_at_{};
  std::optional<HeldToken> held_;
  bool failed_ = false;
  TimePoint given_up_at_{};
  std::optional<Duration> round_trip_;
};

}  // namespace mipflow::mobile_node
