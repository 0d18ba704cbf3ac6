// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mipflow/flow-separator/policy.hpp"
#include "policy_index.hpp"

namespace mipflow::flow_separator {

// Stands before the names that a file of the network gives; before a user's stands the user's name and a colon.
inline constexpr std::string_view kNetworkPrefix = "network:";

// How much of the bounds of Policy is used up.
struct PolicyVolume {
  std::size_t classes = 0;
  std::size_t exceptions = 0;
  std::size_t ranges = 0;
  std::size_t pattern_text = 0;
};

// What policy files say, before it is compiled.
struct PolicyDraft {
  struct Class {
    PolicyClass policy_class;
    ClassMatch match;
  };
  std::vector<Class> classes;  // in the order of files and text
  std::optional<PolicyClass> default_class;
  std::unordered_map<std::string, std::string> origins;  // of classes, by name
  std::unordered_map<std::string, std::size_t> numbers;  // of classes so far, by what stands before their names
  PolicyVolume volume;                                   // of all files
  std::map<std::uint32_t, PolicyVolume> of_users;
  std::vector<PolicyError> errors;
};

}  // namespace mipflow::flow_separator
