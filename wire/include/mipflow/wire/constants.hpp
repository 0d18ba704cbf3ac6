// SPDX-License-Identifier: GPL-3.0-or-later
// The tables of RFC 6275 §12 and §13 and the registries that go with them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "mipflow/base/time.hpp"

namespace mipflow::wire {

// RFC 6275 §12 Protocol Constants
inline constexpr unsigned kDhaadRetries = 4;                                              // DHAAD_RETRIES
inline constexpr Duration kInitialBindackTimeout = std::chrono::seconds{1};               // INITIAL_BINDACK_TIMEOUT
inline constexpr Duration kInitialDhaadTimeout = std::chrono::seconds{3};                 // INITIAL_DHAAD_TIMEOUT
inline constexpr Duration kInitialSolicitTimer = std::chrono::seconds{3};                 // INITIAL_SOLICIT_TIMER
inline constexpr Duration kMaxBindackTimeout = std::chrono::seconds{32};                  // MAX_BINDACK_TIMEOUT
inline constexpr Duration kMaxDeleteBceTimeout = std::chrono::seconds{10};                // MAX_DELETE_BCE_TIMEOUT
inline constexpr Duration kMaxNonceLifetime = std::chrono::seconds{240};                  // MAX_NONCE_LIFETIME
inline constexpr Duration kMaxTokenLifetime = std::chrono::seconds{210};                  // MAX_TOKEN_LIFETIME
inline constexpr unsigned kMaxRoFailure = 3;                                              // MAX_RO_FAILURE
inline constexpr Duration kMaxRrBindingLifetime = std::chrono::seconds{420};              // MAX_RR_BINDING_LIFETIME
inline constexpr unsigned kMaxUpdateRate = 3;                                             // MAX_UPDATE_RATE, per second
inline constexpr unsigned kPrefixAdvRetries = 3;                                          // PREFIX_ADV_RETRIES
inline constexpr Duration kPrefixAdvTimeout = std::chrono::seconds{3};                    // PREFIX_ADV_TIMEOUT
// RFC 6275 §13 Protocol Configuration Variables (defaults)
inline constexpr Duration kMaxMobPfxAdvInterval = std::chrono::seconds{86'400};           // MaxMobPfxAdvInterval
inline constexpr Duration kMinMobPfxAdvInterval = std::chrono::seconds{600};              // MinMobPfxAdvInterval
inline constexpr Duration kMinDelayBetweenRas = std::chrono::seconds{3};                  // MinDelayBetweenRAs
inline constexpr Duration kInitialBindackTimeoutFirstReg = std::chrono::milliseconds{1'500};  // InitialBindackTimeoutFirstReg

// RFC 6275 §6.1.7, §6.1.8: lifetimes of Binding Update, Binding Acknowledgement and Binding Refresh Advice.
inline constexpr Duration kLifetimeUnit = std::chrono::seconds{4};

// RFC 4285 §5: SPIs 0-255 are reserved; the default window of the timestamp option.
inline constexpr std::uint32_t kSmallestSpi = 256;
inline constexpr Duration kDefaultTimestampWindow = std::chrono::seconds{7};

// RFC 6275 §6.1.2-6.1.9, and RFC 5096 for the type of all experiments, which is that of agent_service.hpp.
enum class MobilityType : std::uint8_t {
  BindingRefreshRequest = 0,
  HomeTestInit = 1,
  CareOfTestInit = 2,
  HomeTest = 3,
  CareOfTest = 4,
  BindingUpdate = 5,
  BindingAcknowledgement = 6,
  BindingError = 7,
  Experimental = 11,
};

// Binding Acknowledgement Status: RFC 6275 §6.1.8 and, from 144 on, RFC 4285 §6 and later registrations.
// Values below 128 accept.
enum class BindingStatus : std::uint8_t {
  Accepted = 0,
  AcceptedPrefixDiscoveryNecessary = 1,
  ReasonUnspecified = 128,
  AdministrativelyProhibited = 129,
  InsufficientResources = 130,
  HomeRegistrationNotSupported = 131,
  NotHomeSubnet = 132,
  NotHomeAgentForThisMobileNode = 133,
  DuplicateAddressDetectionFailed = 134,
  SequenceNumberOutOfWindow = 135,
  ExpiredHomeNonceIndex = 136,
  ExpiredCareOfNonceIndex = 137,
  ExpiredNonces = 138,
  RegistrationTypeChangeDisallowed = 139,
  MobileRouterOperationNotPermitted = 140,
  MipV6IdMismatch = 144,
  MipV6MesgIdReqd = 145,
  MipV6AuthFail = 146,
  InvalidCareOfAddress = 174,
};
inline constexpr bool accepts(BindingStatus status) { return static_cast<std::uint8_t>(status) < 128; }
// Stable lower-case name with dashes: "binding-update"; "unknown" for a number without a name here.
const char* to_string(MobilityType type);
// Stable lower-case name with dashes, "status-N" for a number without a name here.
std::string to_string(BindingStatus status);

// RFC 6275 §6.1.9
enum class BindingErrorStatus : std::uint8_t { UnknownBinding = 1, UnrecognizedMobilityType = 2 };
std::string to_string(BindingErrorStatus status);

// ICMPv6 types that Mobile IPv6 uses (RFC 6275 §6.5-6.8, RFC 4861, RFC 4443).
inline constexpr std::uint8_t kIcmpv6DestinationUnreachable = 1;
inline constexpr std::uint8_t kIcmpv6PacketTooBig = 2;
inline constexpr std::uint8_t kIcmpv6TimeExceeded = 3;
inline constexpr std::uint8_t kIcmpv6ParameterProblem = 4;
inline constexpr std::uint8_t kIcmpv6EchoRequest = 128;
inline constexpr std::uint8_t kIcmpv6EchoReply = 129;
inline constexpr std::uint8_t kIcmpv6RouterAdvertisement = 134;
inline constexpr std::uint8_t kIcmpv6NeighborSolicitation = 135;
inline constexpr std::uint8_t kIcmpv6NeighborAdvertisement = 136;
inline constexpr std::uint8_t kIcmpv6HomeAgentAddressDiscoveryRequest = 144;
inline constexpr std::uint8_t kIcmpv6HomeAgentAddressDiscoveryReply = 145;
inline constexpr std::uint8_t kIcmpv6MobilePrefixSolicitation = 146;
inline constexpr std::uint8_t kIcmpv6MobilePrefixAdvertisement = 147;

}  // namespace mipflow::wire
