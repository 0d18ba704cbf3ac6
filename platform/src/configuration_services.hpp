// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "mipflow/home-agent/home_agent.hpp"
#include "toml_reader.hpp"

namespace mipflow::platform {

// [address-service]
void read_address_service(const toml::table& table, home_agent::AddressServiceConfiguration& out, ConfigurationErrors& errors);

// `preference` and the [[home-agent]] entries, for dynamic home agent address discovery. Behind home-agent-address.
void read_home_agents(TomlReader& reader, home_agent::Configuration& out, ConfigurationErrors& errors);

// The policy files that mobile nodes are served: each is read and checked once, however many are served it.
class ServedPolicies {
 public:
  explicit ServedPolicies(ConfigurationErrors& errors) : errors_(errors) {}

  // The text of the file that the reader's key `policy` names; nullptr when there is no such key, or the file has mistakes,
  // which are noted. `beside` is the file that the key stands in.
  std::shared_ptr<const std::string> read(TomlReader& reader, const std::filesystem::path& beside);

 private:
  std::shared_ptr<const std::string> load(TomlReader& reader, const std::filesystem::path& file);

  ConfigurationErrors& errors_;
  std::map<std::filesystem::path, std::shared_ptr<const std::string>> texts_;
};

}  // namespace mipflow::platform
