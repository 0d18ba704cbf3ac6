// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>

#include "mipflow/platform/security_associations.hpp"
#include "toml_reader.hpp"

namespace mipflow::platform {

// The keys that [[secondary]] and [[primary]] refer to; `keys` is nullptr when they could not be read.
struct AgentKeysFile {
  const std::filesystem::path& file;
  const AgentKeys* keys;
};

// [load-sharing], [[secondary]] and [[primary]], below the top of had.toml.
void read_load_sharing(TomlReader& top, const AgentKeysFile& keys, const Address& home_agent_address, home_agent::LoadSharing& out,
                       ConfigurationErrors& errors);

}  // namespace mipflow::platform
