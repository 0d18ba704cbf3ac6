// SPDX-License-Identifier: GPL-3.0-or-later
// The daemons' configuration files. Everything wrong is reported at once with file, line and column; nothing is used
// when anything is wrong.
//
// Besides FILE.toml the files FILE.d/*.toml are read in the order of their names: a key that is given again replaces the
// former value, [[lists]] of tables are joined.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/base/notice.hpp"
#include "mipflow/flow-separator/policy.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/mn-core/configuration.hpp"

namespace mipflow::platform {

// `line` and `column` count from 1; 0 when the error is about the file as a whole. `reason` says what was found, what was
// expected and, where it is not obvious, what to do.
struct ConfigurationError {
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
  std::string reason;
  friend bool operator==(const ConfigurationError&, const ConfigurationError&) = default;
};
// "file:line:column: reason".
std::string to_string(const ConfigurationError& error);

using ConfigurationErrors = std::vector<ConfigurationError>;

struct MobileNodeSettings {
  mobile_node::Configuration node;
  std::vector<std::string> ignored_interfaces;  // shell patterns
  std::filesystem::path policy_directory = "/etc/mipflow/policy.d";
  Severity log_level = Severity::Info;
};

struct HomeAgentSettings {
  home_agent::Configuration agent;  // home_interface and home_link_layer_address are left for whoever knows the kernel
  std::string home_link;            // interface name, empty = virtual
  std::filesystem::path state_directory = "/var/lib/mipflow";
  Severity log_level = Severity::Info;
};

Expected<MobileNodeSettings, ConfigurationErrors> load_mobile_node_settings(const std::filesystem::path& file);
Expected<HomeAgentSettings, ConfigurationErrors> load_home_agent_settings(const std::filesystem::path& file);

// All *.toml files of the directory in the order of their names, as one policy. A missing directory is the built-in
// policy.
Expected<std::shared_ptr<const flow_separator::Policy>, ConfigurationErrors> load_policy(const std::filesystem::path& directory);

}  // namespace mipflow::platform
