// SPDX-License-Identifier: GPL-3.0-or-later
// Every number and name under which mipflow puts something into the kernel: what is found after a crash and taken
// back is found by these.
#pragma once

#include <cstdint>

namespace mipflow::platform {

// Route protocol number of routes, rules and proxy neighbours. Not in iproute2's rt_protos, above what routing daemons use
// by default there.
inline constexpr std::uint8_t kRouteProtocol = 75;

// The routing table with the default route through mip0.
inline constexpr std::uint32_t kRoutingTable = 6275;
// The routing table of a correspondent node: host routes through mip0 to the home addresses that have a binding.
inline constexpr std::uint32_t kHomeAddressTable = 6276;
// The routing table of host routes that a routing daemon announces; no rule leads there.
inline constexpr std::uint32_t kAnnouncementTable = 6277;
// The routing table of routed home networks: each prefix through mip0.
inline constexpr std::uint32_t kHomeNetworkTable = 6278;

// Preferences of our rules. They stand before those of NetworkManager (30000 and up) and before `main` (32766).
inline constexpr std::uint32_t kRuleHomeAddress = 6269;      // this host's own packets, not the daemon's, to such home addresses
inline constexpr std::uint32_t kRuleHomeAgent = 6270;        // to the home agent: the outer packets and nothing else
inline constexpr std::uint32_t kRuleCareOfAddress = 6271;    // from a care-of address: somebody bound to it, or we did
inline constexpr std::uint32_t kRuleOnLink = 6272;           // what main knows better than by its default route
inline constexpr std::uint32_t kRuleFromHomeAddress = 6273;  // from a home address: the next ones are not for it
inline constexpr std::uint32_t kRuleBypassed = 6274;         // what the policy leaves to the ordinary routing tables
inline constexpr std::uint32_t kRuleMip = 6275;              // everything else that does not carry our mark
inline constexpr std::uint32_t kRuleHomeNetwork = 6276;      // home agent: to a home network, until nobody has bound it

// One bit, chosen outside 0x3f00 and 0xff0000 (Tailscale, mwan3, OpenMPTCProuter) and 0xc000 (Kubernetes): packets of
// the daemon itself, which must use the ordinary routing tables.
inline constexpr std::uint32_t kMark = 0x1000'0000;
// Another: the home agent's data path found no binding for a packet to a routed home network, and lets it be routed without us.
inline constexpr std::uint32_t kUnboundMark = 0x2000'0000;

inline constexpr const char* kNfTable = "mipflow";
inline constexpr const char* kLinkAlias = "mipflow";  // ifalias of the device: says that it is ours whatever its name

}  // namespace mipflow::platform
