// SPDX-License-Identifier: GPL-3.0-or-later
// The messages between home agents that share the load (EP 1134991, Figures 3 and 4: Start Forwarding, Stop Forwarding and
// their acknowledgements), as payloads of UDP. docs/forwarding-protocol.md has the protocol; here are its octets.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//  |        Magic 0x6d46           |    Version    |     Type      |
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//  |            Length             |     Count     |   Reserved    |
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//  |                  Session of the sender (64 bits)              |
//  |                 Session of the receiver (64 bits)             |
//  |                     Sequence Number (64 bits)                 |
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//  |  Count records of the type, all of the same length ...        |
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//  |         Authenticator, 16 octets: HMAC-SHA-256-128            |
//
// Length counts everything from Magic to the end of the Authenticator. The HMAC runs over the sender's address, the
// receiver's address and everything before the Authenticator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/expected.hpp"

namespace mipflow::wire {

inline constexpr std::uint16_t kForwardingMagic = 0x6d46;
inline constexpr std::uint8_t kForwardingVersion = 1;
inline constexpr std::size_t kForwardingHeaderLength = 32;
inline constexpr std::size_t kForwardingAuthenticatorLength = 16;
inline constexpr std::size_t kLongestForwardingMessage = 1'232;  // octets, so that no packet needs more than 1,280 on the way
inline constexpr std::uint16_t kDefaultForwardingPort = 6275;    // UDP, at both ends

enum class ForwardingType : std::uint8_t {
  StartForwarding = 1,
  StartForwardingAcknowledgement = 2,
  StopForwarding = 3,
  StopForwardingAcknowledgement = 4,
  Heartbeat = 5,
  HeartbeatAcknowledgement = 6,
  Report = 7,
};
// For scripts, such as "start-forwarding".
const char* to_string(ForwardingType type);

// Orders what is said about one home address: the higher one is the later word, also over restarts of the primary, which
// starts again above its clock. Never 0.
using DelegationNumber = std::uint64_t;

// "Intercept what is sent to the home address, and tunnel it." Also: "go on", with a later duration or another care-of
// address.
//
//  Home Address (16) · Care-of Address (16) · Tunnel Source (16) · Number (8) · Duration (4, seconds) · Flags (1) · Reserved (3)
struct StartForwarding {
  Address home_address;
  Address care_of_address;
  Address tunnel_source;              // outer source: the primary's address; `::` = the secondary's own
  DelegationNumber number = 0;
  std::uint32_t duration = 0;         // remaining lifetime of the binding, rounded down; 0 is refused
  bool link_local_address_compatibility = false;  // flag 0x80: L of the Binding Update, defend the link-local address as well
  friend bool operator==(const StartForwarding&, const StartForwarding&) = default;
};

enum class ForwardingStatus : std::uint8_t {
  Accepted = 0,              // Start: it forwards from now on. Stop: it has stopped.
  NotForwarding = 1,         // Stop only: it was not forwarding; as good as Accepted
  // Start only: refused, nothing has changed
  NotPermitted = 128,        // the home address is not below a prefix that this primary may delegate
  NoResources = 129,         // as many as it may take
  BadCareOfAddress = 130,    // not unicast and routable, or an address of the agents themselves
  DurationZero = 131,
  Retiring = 132,            // it takes nothing new: it is shutting down
  BadTunnelSource = 133,     // neither `::` nor the primary's address
  ServedForAnother = 134,    // another primary has delegated the home address, or it is bound here
  // Start and Stop
  NumberOld = 135,           // a later word is known already; Number in the acknowledgement tells which
};
inline constexpr bool is_refusal(ForwardingStatus status) { return static_cast<std::uint8_t>(status) >= 128; }
// For operators, such as "not permitted: …".
const char* to_string(ForwardingStatus status);

//  Home Address (16) · Number (8) · Status (1) · Reserved (7)
struct StartForwardingAcknowledgement {
  Address home_address;
  DelegationNumber number = 0;  // of the Start; NumberOld: the highest that is known
  ForwardingStatus status = ForwardingStatus::Accepted;
  friend bool operator==(const StartForwardingAcknowledgement&, const StartForwardingAcknowledgement&) = default;
};

//  Home Address (16) · Number (8)
struct StopForwarding {
  Address home_address;
  DelegationNumber number = 0;  // higher than that of every Start that it takes back
  friend bool operator==(const StopForwarding&, const StopForwarding&) = default;
};

//  Home Address (16) · Number (8) · Packets (8) · Octets (8) · Status (1) · Reserved (7)
struct StopForwardingAcknowledgement {
  Address home_address;
  DelegationNumber number = 0;
  std::uint64_t packets = 0;  // tunnelled for the home address since its delegation began
  std::uint64_t octets = 0;   // of inner packets
  ForwardingStatus status = ForwardingStatus::Accepted;
  friend bool operator==(const StopForwardingAcknowledgement&, const StopForwardingAcknowledgement&) = default;
};

// One record. Sent by a primary all the time; also, by either side, in answer to a message for a session that is not ours.
//  Number (8) · Answers (8)
struct Heartbeat {
  std::uint64_t number = 0;   // comes back in the acknowledgement
  std::uint64_t answers = 0;  // Sequence Number of the message that it answers, which proves that it is no recorded one; 0: none
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};
// One record.
//  Number (8) · Packets (8) · Delegated (4) · Capacity (4) · Flags (1) · Reserved (7)
struct HeartbeatAcknowledgement {
  std::uint64_t number = 0;
  std::uint64_t packets = 0;     // tunnelled for all delegated home addresses since the session began
  std::uint32_t delegated = 0;   // home addresses of this primary that it forwards for
  std::uint32_t capacity = 0;    // how many it would take from it
  bool retiring = false;         // flag 0x80: take everything back, it is shutting down
  friend bool operator==(const HeartbeatAcknowledgement&, const HeartbeatAcknowledgement&) = default;
};

// What the secondary tunnelled lately; not acknowledged, as the next one makes up for it: counts since the delegation began.
//  Home Address (16) · Number (8) · Packets (8) · Octets (8)
struct ForwardingReport {
  Address home_address;
  DelegationNumber number = 0;
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  friend bool operator==(const ForwardingReport&, const ForwardingReport&) = default;
};

// Records of one type; at least one.
using ForwardingRecords =
    std::variant<std::vector<StartForwarding>, std::vector<StartForwardingAcknowledgement>, std::vector<StopForwarding>,
                 std::vector<StopForwardingAcknowledgement>, std::vector<Heartbeat>, std::vector<HeartbeatAcknowledgement>,
                 std::vector<ForwardingReport>>;

// How many records of the type fit into one message; 1 for the heartbeats.
std::size_t most_records(ForwardingType type);
ForwardingType type_of(const ForwardingRecords& records);

struct ForwardingMessage {
  std::uint64_t sender_session = 0;
  std::uint64_t receiver_session = 0;  // 0: not known (yet); in heartbeats and their acknowledgements only
  std::uint64_t sequence = 0;          // of the sender's session, from 1
  ForwardingRecords records;
  friend bool operator==(const ForwardingMessage&, const ForwardingMessage&) = default;
};

// `source` and `destination` are those of the packet. At most most_records() records.
Bytes encode_forwarding_message(const ForwardingMessage& message, BytesView key, const Address& source, const Address& destination);

enum class ForwardingDecodeError : std::uint8_t { NotOurs, Malformed, AuthenticatorWrong };
// Everything is checked, the authenticator first of what costs anything. NotOurs: another magic or version.
Expected<ForwardingMessage, ForwardingDecodeError> decode_forwarding_message(BytesView payload, BytesView key, const Address& source,
                                                                             const Address& destination);
// Without a look at the Authenticator, for showing what is on a wire: nothing in it may be believed.
Expected<ForwardingMessage, ForwardingDecodeError> read_forwarding_message(BytesView payload);

}  // namespace mipflow::wire
