// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/flow-separator/policy.hpp"
#include "mipflow/mn-core/configuration.hpp"
#include "mipflow/mn-core/network_policy.hpp"
#include "mipflow/platform/configuration.hpp"

namespace mipflow::mnd {

// Everything that the policy is made of: the operator's directory, what the home agent serves, what users want. The last
// two are kept below the state directory, where only root reads and writes.
class PolicySource {
 public:
  static constexpr std::size_t kLongestUserPolicy = flow_separator::Policy::kMaxForeignText;  // octets
  static constexpr std::size_t kMostUserPolicies = 256;

  // `node` proves that a kept network policy is the home agent's.
  PolicySource(std::filesystem::path directory, std::filesystem::path state_directory, mobile_node::Configuration node)
      : directory_(std::move(directory)), state_directory_(std::move(state_directory)), node_(std::move(node)) {}

  using Loaded = Expected<std::shared_ptr<const flow_separator::Policy>, platform::ConfigurationErrors>;
  Loaded load() const;
  // Mistakes in what users or the home agent gave are told in `left_out`: they never take the operator's policy away.
  Loaded load(platform::ConfigurationErrors& left_out) const;
  // As load(), with these files in the place of the operator's.
  Loaded load_instead(std::vector<flow_separator::PolicyFile> operators) const;
  // As load(), with this text, or none, in the place of what the user has. Nothing is written.
  Loaded load_with(std::uint32_t user, const std::optional<std::string>& text) const;

  // On failure what went wrong. nullopt takes the user's policy away.
  Expected<void, std::string> keep_user_policy(std::uint32_t user, const std::optional<std::string>& text) const;
  Expected<void, std::string> keep_network_policy(const std::string& document) const;
  // As it was kept; nullopt when there is none, or none that the key of the security association proves.
  std::optional<mobile_node::NetworkPolicy> network_policy() const;

 private:
  // What was kept and can not be read is told in `unreadable`.
  std::vector<flow_separator::PolicyFile> users_and_network(std::optional<std::uint32_t> without, platform::ConfigurationErrors& unreadable) const;
  Expected<std::optional<mobile_node::NetworkPolicy>, std::string> kept_network_policy() const;
  std::filesystem::path network_file() const { return state_directory_ / mobile_node::kKeptNetworkPolicy; }
  std::filesystem::path user_directory() const { return state_directory_ / "users"; }

  std::filesystem::path directory_;
  std::filesystem::path state_directory_;
  mobile_node::Configuration node_;
};

}  // namespace mipflow::mnd
