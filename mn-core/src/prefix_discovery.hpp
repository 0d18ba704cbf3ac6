// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/backoff.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/icmpv6.hpp"

namespace mipflow::mobile_node {

// Mobile prefix discovery, RFC 6275 §11.4: which prefixes the home network has and for how long.
//  - asks after the first registration, after status 1, after an unsolicited advertisement, and before what it knows ends;
//  - repeats after 3 s, doubling to 32 s;
//  - believes only the answer to the newest question, once.
class PrefixDiscovery {
 public:
  struct KnownPrefix {
    TimePoint preferred_until = kNever;
    TimePoint valid_until = kNever;
    friend bool operator==(const KnownPrefix&, const KnownPrefix&) = default;
  };

  // `random` must outlive the object. `trusted`: the advertisements are authenticated, so that they may shorten a valid
  // lifetime below two hours (RFC 4862 §5.5.3 (e)).
  PrefixDiscovery(RandomSource& random, bool trusted) : random_(random), trusted_(trusted) {}

  // Asks at the next on_deadline(); a question that is out already is not doubled.
  void solicit(TimePoint now);
  bool is_due(TimePoint now) const { return now >= next_; }
  bool has_expired(TimePoint now) const;
  // Returns the identifier of the Mobile Prefix Solicitation to send now, if one is due.
  std::optional<std::uint16_t> on_deadline(TimePoint now);
  TimePoint next_deadline() const;
  // There is no way to ask now: the question is due at resume().
  void postpone();
  void resume(TimePoint now);

  enum class Verdict : std::uint8_t { Taken, Unsolicited };
  // Takes the prefixes of an advertisement that was found authentic. Unsolicited: nothing is taken and a question is due.
  Verdict handle(const wire::MobilePrefixAdvertisement& advertisement, TimePoint now);

  // What is known and valid, by prefix. Only prefixes that allow autoconfiguration (A flag).
  const std::map<Prefix, KnownPrefix>& prefixes() const { return prefixes_; }
  // The prefixes that ended since the last call.
  std::vector<Prefix> take_expired(TimePoint now);
  bool answered() const { return answered_; }
  // Solicitations without an answer.
  unsigned unanswered() const { return asking_ ? backoff_.transmissions() : 0; }

  // More prefixes than that are ignored: they come from the network.
  static constexpr std::size_t kMaxPrefixes = 16;
  // A flood of unsolicited advertisements starts no flood of questions.
  static constexpr Duration kShortestInterval = std::chrono::seconds{1};

 private:
  void take(const wire::PrefixInformation& information, TimePoint now);
  void schedule_renewal(TimePoint now);

  RandomSource& random_;
  bool trusted_;
  std::map<Prefix, KnownPrefix> prefixes_;
  Backoff backoff_{wire::kInitialSolicitTimer, wire::kMaxBindackTimeout};
  bool asking_ = false;
  bool postponed_ = false;
  std::optional<std::uint16_t> identifier_;  // of the newest question, until it is answered
  TimePoint last_sent_ = TimePoint::min();
  TimePoint next_ = kNever;
  bool answered_ = false;
};

}  // namespace mipflow::mobile_node
