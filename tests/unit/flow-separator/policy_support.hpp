// SPDX-License-Identifier: GPL-3.0-or-later
// Policies and flows for the tests of the policy language.
#pragma once

#include <catch2/catch.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::flow_separator::testing {

inline Address address(const char* text) { return Address::parse(text).value(); }

inline std::optional<std::uint32_t> users(std::string_view name) {
  if (name == "alice") return 1000;
  if (name == "root") return 0;
  return std::nullopt;
}

inline std::optional<std::uint32_t> groups(std::string_view name) {
  if (name == "audio") return 29;
  return std::nullopt;
}

inline const NameResolver kNames{.user = users, .group = groups};

inline Policy parse(std::vector<PolicyFile> files) {
  const auto policy = Policy::parse(files, kNames);
  if (!policy)
    for (const PolicyError& error : policy.error()) UNSCOPED_INFO(to_string(error));
  REQUIRE(policy);
  return *policy;
}

inline Policy parse(std::string text) { return parse(std::vector<PolicyFile>{{"policy.toml", std::move(text)}}); }

inline PolicyFile network_file(std::string text) { return {"network", std::move(text), PolicyLayer::Network}; }
inline PolicyFile alices_file(std::string text) { return {"alice.toml", std::move(text), PolicyLayer::User, 1000, "alice"}; }

// What is wrong with the files, as a user reads it; nothing when nothing is.
inline std::vector<std::string> errors_of(const std::vector<PolicyFile>& files) {
  const auto policy = Policy::parse(files, kNames);
  std::vector<std::string> out;
  if (!policy)
    for (const PolicyError& error : policy.error()) out.push_back(to_string(error));
  return out;
}

// A text of an operator's file "p.toml" and what is wrong with it, behind "p.toml:".
struct Golden {
  const char* text;
  const char* message;
};
inline void check(const Golden& row) {
  INFO(row.text);
  CHECK(errors_of({{"p.toml", row.text}}) == std::vector<std::string>{std::string("p.toml:") + row.message});
}

// A policy of one class "x" with this match.
inline Policy matching(const std::string& match) {
  return parse("[[class]]\nname = \"x\"\n[class.match]\n" + match + "\n");
}

inline bool matches(const Policy& policy, const FlowAttributes& attributes) { return policy.classify(attributes).name == "x"; }

inline FlowAttributes flow(std::uint8_t protocol, const char* peer, std::uint16_t port, std::uint16_t local_port = 40'000) {
  return {.key = {.source = address("2001:db8:1::1"),
                  .correspondent = address(peer),
                  .source_port = local_port,
                  .correspondent_port = port,
                  .protocol = protocol}};
}

inline constexpr const char* kPeer = "2001:db8:c::1";

// The preferences of a class as people write them.
inline std::vector<std::string> interfaces_of(const PolicyClass& each) {
  std::vector<std::string> out;
  for (const InterfacePreference& preference : each.interfaces.preferences) out.push_back(to_string(preference));
  return out;
}

}  // namespace mipflow::flow_separator::testing
