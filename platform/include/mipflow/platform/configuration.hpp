// SPDX-License-Identifier: GPL-3.0-or-later
// The daemons' configuration files. Everything wrong is reported at once with file, line and column; nothing is used
// when anything is wrong.
//
// Besides FILE.toml the files FILE.d/*.toml are read in the order of their names: a key that is given again replaces the
// former value, [[lists]] of tables are joined.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/base/notice.hpp"
#include "mipflow/correspondent-node/correspondent_node.hpp"
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
// One line per mistake.
std::string to_string(const ConfigurationErrors& errors);

struct MobileNodeSettings {
  mobile_node::Configuration node;
  std::vector<std::string> ignored_interfaces;  // shell patterns
  std::filesystem::path policy_directory = "/etc/mipflow/policy.d";
  std::filesystem::path state_directory = "/var/lib/mipflow";
  Severity log_level = Severity::Info;
};

struct HomeAgentSettings {
  home_agent::Configuration agent;  // home_interface and home_link_layer_address are left for whoever knows the kernel
  std::string home_link;            // interface name, empty = virtual
  std::filesystem::path state_directory = "/var/lib/mipflow";
  Severity log_level = Severity::Info;
};

struct CorrespondentNodeSettings {
  correspondent_node::Configuration node;
  Severity log_level = Severity::Info;
};

// Texts that are read instead of the files of these names: what somebody is about to write is judged like what is there.
using UnwrittenFiles = std::map<std::filesystem::path, std::string>;

Expected<MobileNodeSettings, ConfigurationErrors> load_mobile_node_settings(const std::filesystem::path& file, const UnwrittenFiles& instead = {});
Expected<HomeAgentSettings, ConfigurationErrors> load_home_agent_settings(const std::filesystem::path& file, const UnwrittenFiles& instead = {});
Expected<CorrespondentNodeSettings, ConfigurationErrors> load_correspondent_node_settings(const std::filesystem::path& file);

inline constexpr const char* kVendorPolicyDirectory = "/usr/lib/mipflow/policy.d";

// The users and groups of this host, for flow_separator::Policy::parse().
flow_separator::NameResolver host_names();

// All *.toml files of both directories in the order of their names, as the operator's. A file of `directory` takes the place
// of the vendor's of the same name; a link to /dev/null takes it away. Missing directories have no files.
Expected<std::vector<flow_separator::PolicyFile>, ConfigurationErrors> read_policy_files(
    const std::filesystem::path& directory, const std::filesystem::path& vendor_directory = kVendorPolicyDirectory);

using LoadedPolicy = Expected<std::shared_ptr<const flow_separator::Policy>, ConfigurationErrors>;

// With the names of this host; a user's file without `user_name` gets the one that belongs to the number.
LoadedPolicy parse_policy(std::vector<flow_separator::PolicyFile> files);

// The files of read_policy_files(), and what users and the network gave, as one policy. Without any file it is the built-in
// one.
LoadedPolicy load_policy(const std::filesystem::path& directory, std::vector<flow_separator::PolicyFile> foreign = {});

// As load_policy(), but foreign files with mistakes are left out, so that no user and no home agent can take the operator's
// policy away; their mistakes are added to `left_out`. Fails for mistakes of the operator's.
LoadedPolicy load_policy_leaving_out(const std::filesystem::path& directory, std::vector<flow_separator::PolicyFile> foreign,
                                     ConfigurationErrors& left_out);

}  // namespace mipflow::platform
