// SPDX-License-Identifier: GPL-3.0-or-later
// What the mobile node does about each Status of a Binding Acknowledgement (RFC 6275 §6.1.8, §11.7.3, RFC 4285 §5, §6).
#pragma once

#include <chrono>
#include <cstdint>

#include "mipflow/base/time.hpp"
#include "mipflow/wire/constants.hpp"

namespace mipflow::mobile_node {

enum class Reaction : std::uint8_t {
  Accept,
  AcceptAndSolicitPrefixes,  // 1
  RetrySoon,                 // 128, 130 and numbers that we do not know: the home agent may be able to do it later
  RetryLate,                 // somebody has to change a configuration: seldom, and the operator is told
  // 134: somebody else has the address. Another one takes its place; only the primary one is asked for again, seldom.
  AbandonAddress,
  Resynchronise,             // 135: go on behind the sequence number that the home agent tells
  AdjustClock,               // 144: go on with the home agent's clock
  // 145, 146: nothing that we send is believed before somebody changes a key or a configuration. Not never again: the
  // home agent's operator may be the one who does, and can not start our daemon again.
  RetrySeldom,
  AvoidCareOfAddress,        // 174: another care-of address has to be found
  AlreadyReleased,           // 133 to a de-registration: there is no binding, which is what was wanted
};

// `releasing`: the acknowledged Binding Update was a de-registration.
Reaction reaction_to(wire::BindingStatus status, bool releasing);

// RetrySoon: as long as the longest retransmission time-out, so that a refusing home agent gets no more messages than a
// silent one.
inline constexpr Duration kRetrySoon = wire::kMaxBindackTimeout;
inline constexpr Duration kRetryLate = std::chrono::minutes{5};
// RetrySeldom: the first wait, doubled after every refusal in a row up to the longest.
inline constexpr Duration kRetrySeldom = std::chrono::minutes{5};
inline constexpr Duration kRetrySeldomAtMost = std::chrono::hours{1};
// How long a care-of address is left alone after status 174.
inline constexpr Duration kAvoidCareOfAddress = std::chrono::minutes{5};

// What the operator can do about a refusal, as half a sentence; empty when there is nothing to do.
const char* advice_about(wire::BindingStatus status);

}  // namespace mipflow::mobile_node
