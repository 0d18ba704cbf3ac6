// SPDX-License-Identifier: GPL-3.0-or-later
// The policy that the home agent serves to its mobile nodes, as it is kept over a restart (Outputs::kept with the name
// kKeptNetworkPolicy).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mipflow/base/expected.hpp"
#include "mipflow/wire/authentication.hpp"

namespace mipflow::mobile_node {

inline constexpr const char* kKeptNetworkPolicy = "network-policy";

struct NetworkPolicy {
  std::uint32_t version = 0;  // a newer one has a greater number
  std::string text;           // TOML of docs/policy.md; empty: the home agent has none for this mobile node
  friend bool operator==(const NetworkPolicy&, const NetworkPolicy&) = default;
};

// The document: a line "mipflow-network-policy 1 VERSION HMAC", then the text as it was served.
std::string write_network_policy(const NetworkPolicy& policy, const Sha256Digest& authenticator);

// What was kept, if who had the key of the association wrote it; else a sentence that says what is wrong.
Expected<NetworkPolicy, std::string> read_network_policy(std::string_view document, const wire::SecurityAssociation& association);

}  // namespace mipflow::mobile_node
