// SPDX-License-Identifier: GPL-3.0-or-later
// The address and policy service between a mobile node and its home agent: our own messages, carried as Mobility Header
// type 11 (RFC 5096, Experimental). docs/agent-service.md has the protocol; here are its octets.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//                                  |    Version    |   Operation   |
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//  |                          Transaction                          |
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//  |          Body Length          |            Body ...           |
//  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//  |  Mobility options: identifier, timestamp, MN-HA authentication
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/crypto.hpp"
#include "mipflow/wire/options.hpp"

namespace mipflow::wire {

// Other versions are somebody else's experiment: they decode to UnknownMobilityType, which is answered by a Binding Error.
inline constexpr std::uint8_t kAgentServiceVersion = 1;
inline constexpr std::size_t kMostAddressesPerMessage = 16;
inline constexpr std::size_t kLongestReason = 200;           // octets of UTF-8
inline constexpr std::size_t kLargestPolicyPart = 1'000;     // octets, so that no message needs more than 1,280 on the way
inline constexpr std::size_t kLargestPolicy = 256 * 1'024;   // octets
inline constexpr std::uint32_t kInfiniteLifetime = 0xffff'ffff;  // seconds, as in RFC 4861 §4.6.2

enum class AgentServiceOperation : std::uint8_t {
  HomeAddressRequest = 1,
  HomeAddressReply = 2,
  HomeAddressRelease = 3,
  HomeAddressReleaseAcknowledgement = 4,
  HomeAddressChange = 5,
  HomeAddressChangeAcknowledgement = 6,
  PolicyRequest = 7,
  PolicyReply = 8,
  PolicyChanged = 9,
  HomeAddressRefresh = 10,
  HomeAddressRefreshReply = 11,
};

// Who chooses the address (WO 2004/057826).
enum class HomeAddressSource : std::uint8_t { Agent = 1, Dhcpv6 = 2 };

enum class HomeAddressStatus : std::uint8_t {
  Allocated = 0,         // the addresses are the mobile node's
  Pending = 1,           // the source was asked and has not answered; the reply follows, and asking again costs nothing
  SourceNotOffered = 128,
  LimitReached = 129,    // the mobile node has as many home addresses as it may
  SourceRefused = 130,   // the source has none; the reason says why
  Prohibited = 131,      // this mobile node may not have others than its primary one
};

// Why a home address is given back.
enum class HomeAddressReleaseReason : std::uint8_t {
  NotNeeded = 0,
  Duplicate = 1,  // somebody else uses it: it must not be given out again
};

// A home address with its lifetimes from now on, in seconds; kInfiniteLifetime is no end. Valid for 0: it is lost.
struct HomeAddressLifetimes {
  Address home_address;
  std::uint32_t preferred = 0;
  std::uint32_t valid = 0;
  friend bool operator==(const HomeAddressLifetimes&, const HomeAddressLifetimes&) = default;
};

//  |    Source     |     Count     |
struct HomeAddressRequest {
  HomeAddressSource source = HomeAddressSource::Agent;
  std::uint8_t count = 1;
  friend bool operator==(const HomeAddressRequest&, const HomeAddressRequest&) = default;
};
//  |    Source     |    Status     |     Count     | Reason Length |  then Count times
//  |  Home Address (16)  |  Preferred Lifetime (4)  |  Valid Lifetime (4)  |  then the reason
struct HomeAddressReply {
  HomeAddressSource source = HomeAddressSource::Agent;
  HomeAddressStatus status = HomeAddressStatus::Allocated;
  std::vector<HomeAddressLifetimes> addresses{};  // at most kMostAddressesPerMessage
  std::string reason{};                           // UTF-8, for the operator; at most kLongestReason
  friend bool operator==(const HomeAddressReply&, const HomeAddressReply&) = default;
};
//  |    Reason     |     Count     |  then Count times  |  Home Address (16)  |
struct HomeAddressRelease {
  HomeAddressReleaseReason reason = HomeAddressReleaseReason::NotNeeded;
  std::vector<Address> addresses{};
  friend bool operator==(const HomeAddressRelease&, const HomeAddressRelease&) = default;
};
struct HomeAddressReleaseAcknowledgement {
  friend bool operator==(const HomeAddressReleaseAcknowledgement&, const HomeAddressReleaseAcknowledgement&) = default;
};
//  |     Count     |   Reserved    |  then Count times as in the reply
struct HomeAddressChange {
  std::vector<HomeAddressLifetimes> addresses{};
  friend bool operator==(const HomeAddressChange&, const HomeAddressChange&) = default;
};
struct HomeAddressChangeAcknowledgement {
  friend bool operator==(const HomeAddressChangeAcknowledgement&, const HomeAddressChangeAcknowledgement&) = default;
};
//  |                         Known Version                         |                            Offset                             |
struct PolicyRequest {
  std::uint32_t known_version = 0;  // 0: none
  std::uint32_t offset = 0;         // of the part that is asked for
  friend bool operator==(const PolicyRequest&, const PolicyRequest&) = default;
};
enum class PolicyStatus : std::uint8_t { Part = 0, Unchanged = 1 };
//  |    Status     |   Reserved    |  Part Length (2)  |  Version (4)  |  Total Length (4)  |  Offset (4)  |
//  |  HMAC-SHA-256 (32)  |  Part ...
struct PolicyReply {
  PolicyStatus status = PolicyStatus::Part;
  std::uint32_t version = 0;
  std::uint32_t total_length = 0;   // octets; 0: there is no policy for this mobile node
  std::uint32_t offset = 0;
  Sha256Digest authenticator{};     // of the whole text: policy_authenticator()
  Bytes part{};                     // at most kLargestPolicyPart
  friend bool operator==(const PolicyReply&, const PolicyReply&) = default;
};
//  |                            Version                            |
struct PolicyChanged {
  std::uint32_t version = 0;
  friend bool operator==(const PolicyChanged&, const PolicyChanged&) = default;
};
// The mobile node still has these, although it has not registered them: it is at home, for instance.
//  |     Count     |   Reserved    |  then Count times  |  Home Address (16)  |
struct HomeAddressRefresh {
  std::vector<Address> addresses{};
  friend bool operator==(const HomeAddressRefresh&, const HomeAddressRefresh&) = default;
};
//  |     Count     |   Reserved    |  then Count times as in the reply to a request; valid for 0: not the mobile node's
struct HomeAddressRefreshReply {
  std::vector<HomeAddressLifetimes> addresses{};
  friend bool operator==(const HomeAddressRefreshReply&, const HomeAddressRefreshReply&) = default;
};
// An operation of a later edition of this version. Nobody answers it.
struct UnknownOperation {
  std::uint8_t operation = 0;
  Bytes body{};
  friend bool operator==(const UnknownOperation&, const UnknownOperation&) = default;
};

using AgentServiceBody =
    std::variant<HomeAddressRequest, HomeAddressReply, HomeAddressRelease, HomeAddressReleaseAcknowledgement,
                 HomeAddressChange, HomeAddressChangeAcknowledgement, PolicyRequest, PolicyReply, PolicyChanged,
                 HomeAddressRefresh, HomeAddressRefreshReply, UnknownOperation>;

struct AgentServiceMessage {
  std::uint32_t transaction = 0;  // chosen by who asks, the same in every repetition and in the answer
  AgentServiceBody body{};
  MobilityOptions options{};
  friend bool operator==(const AgentServiceMessage&, const AgentServiceMessage&) = default;
};

std::uint8_t operation_of(const AgentServiceBody& body);
// Stable lower-case names with dashes; "operation-N", "source-N", "status-N" for numbers without one.
std::string to_string(AgentServiceOperation operation);
std::string to_string(HomeAddressSource source);
std::string to_string(HomeAddressStatus status);

// HMAC-SHA-256(key, "mipflow network policy" | version (4 octets) | text): who has the key of the security association
// wrote this text as this version.
Sha256Digest policy_authenticator(BytesView key, std::uint32_t version, std::string_view text);

}  // namespace mipflow::wire
