// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "mipflow/base/bytes.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/base/token_bucket.hpp"
#include "mipflow/home-agent/load_sharing.hpp"
#include "sharing/liveness.hpp"

namespace mipflow::home_agent {

// What this node is to everybody it shares load with.
struct OwnEnd {
  Address address;              // of this home agent
  std::uint16_t port = wire::kDefaultForwardingPort;
  std::uint64_t session = 0;    // random, not 0; new with every start of the daemon
  // Begun since then. Each has a session of its own, so that what one was told is not believed by the next one with the
  // same agent: after its key was changed, or it was taken out of the configuration and put back.
  mutable std::uint64_t conversations = 0;
};

// The conversation with one other home agent under the key of the pair: authentication, sessions, replay protection.
//
// A message is believed when its authenticator is right, it carries our session and the other's present one, and its
// sequence number was not seen before. Our session is new with every start, so nothing that was recorded before is believed.
// A message that does not carry it is answered (at a limited rate) by a heartbeat that carries the session of its sender,
// ours, and the sequence number of what it answers. By such an answer the other's session is learned:
//
//   A, restarted                                   B, who knows the session of A before
//    │  heartbeat, session a, for 0 (unknown), 7       │
//    ├────────────────────────────────────────────────►│  not for b
//    │      heartbeat, session b, for a, answers 7     │
//    │◄────────────────────────────────────────────────┤
//    │  a answers 7: B is at b                         │
//    │  heartbeat, session a, for b, answers 1         │
//    ├────────────────────────────────────────────────►│  b answers 1: A is at a
//
// Every heartbeat says what it answers, so that a lost one of these three is made up for by the next.
//
// Only an answer to what was sent since a session was learned last teaches a new one. What the sessions before said was
// said before, so it can not bring them back, whoever recorded it and in whatever order it is played.
class Association {
 public:
  // `key` is that of the pair; `peer` the address of the other one. `own` must outlive it.
  Association(const OwnEnd& own, Address peer, Bytes key);
  // Two with one session would both use its sequence numbers.
  Association(const Association&) = delete;
  Association& operator=(const Association&) = delete;
  Association(Association&&) = default;

  // A packet with the records, to the other one; nullopt while its session is not known, for records that are no heartbeats.
  std::optional<OutgoingPacket> seal(wire::ForwardingRecords records);

  enum class Verdict : std::uint8_t {
    Believed,
    Malformed, Unauthenticated, Replayed,
    UnknownSession,  // right key, but not of or for a present session: nothing to believe
  };
  struct Opened {
    Verdict verdict = Verdict::Malformed;
    wire::ForwardingRecords records{};  // Believed only
    bool session_is_new = false;        // Believed only: the other one has restarted (or this is the first word of it)
    std::optional<OutgoingPacket> answer{};  // has to be sent, also when the message is believed
  };
  Opened open(BytesView payload, TimePoint now);

  bool knows_session() const { return peer_session_ != 0; }
  const Address& peer() const { return peer_; }
  void set_key(Bytes key);  // a changed key ends the conversation: both sessions are learned anew

 private:
  void begin();
  OutgoingPacket seal_for(std::uint64_t receiver_session, wire::ForwardingRecords records);
  OutgoingPacket answer_to(const wire::ForwardingMessage& message);
  bool proves_its_session(const wire::ForwardingMessage& message) const;
  // False: it was there before, or is too old to tell.
  bool note(std::uint64_t sequence);

  const OwnEnd& own_;
  Address peer_;
  Bytes key_;
  std::uint64_t session_ = 0;
  std::uint64_t peer_session_ = 0;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t unproven_from_ = 1;   // the first of our sequence numbers of since a session was learned
  std::uint64_t latest_heartbeat_ = 0;
  std::uint64_t highest_seen_ = 0;  // of the other's session; `seen_` has a bit for it and each of the 63 before
  std::uint64_t seen_ = 0;
  TokenBucket answers_{10, 10};
};

}  // namespace mipflow::home_agent
