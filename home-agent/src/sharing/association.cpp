// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/association.hpp"

#include <utility>

#include "mipflow/wire/udp.hpp"

namespace mipflow::home_agent {

namespace {

constexpr std::uint64_t kReplayWindow = 64;

const wire::Heartbeat* heartbeat_of(const wire::ForwardingRecords& records) {
  const auto* heartbeats = std::get_if<std::vector<wire::Heartbeat>>(&records);
  return heartbeats == nullptr ? nullptr : &heartbeats->front();
}

}  // namespace

Association::Association(const OwnEnd& own, Address peer, Bytes key) : own_(own), peer_(peer), key_(std::move(key)) { begin(); }

void Association::set_key(Bytes key) {
  if (key == key_) return;
  key_ = std::move(key);
  begin();
}

void Association::begin() {
  do session_ = own_.session + own_.conversations++;
  while (session_ == 0);
  peer_session_ = 0;
  next_sequence_ = unproven_from_ = 1;
  highest_seen_ = seen_ = 0;
}

std::optional<OutgoingPacket> Association::seal(wire::ForwardingRecords records) {
  if (auto* heartbeats = std::get_if<std::vector<wire::Heartbeat>>(&records)) {
    latest_heartbeat_ = heartbeats->front().number;
    heartbeats->front().answers = highest_seen_;
  } else if (!knows_session() && wire::type_of(records) != wire::ForwardingType::HeartbeatAcknowledgement) {
    return std::nullopt;
  }
  return seal_for(peer_session_, std::move(records));
}

OutgoingPacket Association::seal_for(std::uint64_t receiver_session, wire::ForwardingRecords records) {
  const Bytes message =
      wire::encode_forwarding_message({session_, receiver_session, next_sequence_++, std::move(records)}, key_, own_.address, peer_);
  return {.packet = wire::build_udp_packet({.source = own_.address, .destination = peer_}, own_.port, own_.port, message)};
}

// Our latest heartbeat once more, as it was not understood.
OutgoingPacket Association::answer_to(const wire::ForwardingMessage& message) {
  return seal_for(message.sender_session, std::vector{wire::Heartbeat{.number = latest_heartbeat_, .answers = message.sequence}});
}

bool Association::proves_its_session(const wire::ForwardingMessage& message) const {
  const wire::Heartbeat* heartbeat = heartbeat_of(message.records);
  return heartbeat != nullptr && heartbeat->answers >= unproven_from_ && heartbeat->answers < next_sequence_;
}

Association::Opened Association::open(BytesView payload, TimePoint now) {
  auto decoded = wire::decode_forwarding_message(payload, key_, peer_, own_.address);
  if (!decoded) {
    const bool is_forged = decoded.error() == wire::ForwardingDecodeError::AuthenticatorWrong;
    return {.verdict = is_forged ? Verdict::Unauthenticated : Verdict::Malformed};
  }

  const bool is_for_us = decoded->receiver_session == session_;
  if (is_for_us && decoded->sender_session == peer_session_) {
    if (!note(decoded->sequence)) return {.verdict = Verdict::Replayed};
    return {.verdict = Verdict::Believed, .records = std::move(decoded->records)};
  }
  if (is_for_us && proves_its_session(*decoded)) {
    peer_session_ = decoded->sender_session;
    unproven_from_ = next_sequence_;
    highest_seen_ = decoded->sequence;
    seen_ = 1;
    auto answer = answer_to(*decoded);
    return {.verdict = Verdict::Believed, .records = std::move(decoded->records), .session_is_new = true, .answer = std::move(answer)};
  }
  Opened unknown{.verdict = Verdict::UnknownSession};
  if (answers_.take(now)) unknown.answer = answer_to(*decoded);
  return unknown;
}

bool Association::note(std::uint64_t sequence) {
  if (sequence > highest_seen_) {
    const std::uint64_t ahead = sequence - highest_seen_;
    seen_ = ahead < kReplayWindow ? seen_ << ahead | 1 : 1;
    highest_seen_ = sequence;
    return true;
  }
  const std::uint64_t behind = highest_seen_ - sequence;
  if (behind >= kReplayWindow || (seen_ >> behind & 1) != 0) return false;
  seen_ |= std::uint64_t{1} << behind;
  return true;
}

}  // namespace mipflow::home_agent
