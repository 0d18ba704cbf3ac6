// SPDX-License-Identifier: GPL-3.0-or-later
// The file with the keys:
//   [[association]]
//   identifier = "alice@example.org"
//   spi = 256
//   key = "00112233445566778899aabbccddeeff"     # 16 octets or more in hexadecimal digits
//   [[agent]]                                    # another home agent, to share the load with
//   address = "2001:db8:1::3"
//   key = "00112233445566778899aabbccddeeff"
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/platform/configuration.hpp"
#include "mipflow/wire/authentication.hpp"

namespace mipflow::platform {

using AgentKeys = std::map<Address, Bytes>;  // by the other home agent's address
struct SecretKeys {
  std::vector<wire::SecurityAssociation> associations;
  AgentKeys agents;
};

// Why a file must not hold keys: others than its owner can read or write it, or its owner is neither root nor the user this process
// runs as. One of root's may be readable for the group `readers`. nullopt: it may.
std::optional<std::string> objection_to_key_file(const struct stat& status, const std::filesystem::path& file, std::optional<gid_t> readers);

// Refuses a file with an objection_to_key_file(); group_of_keys() may read it.
Expected<SecretKeys, ConfigurationErrors> load_secret_keys(const std::filesystem::path& file, const UnwrittenFiles& instead = {});
// The associations alone; what else is in the file has to be right as well.
Expected<std::vector<wire::SecurityAssociation>, ConfigurationErrors> load_security_associations(const std::filesystem::path& file,
                                                                                                 const UnwrittenFiles& instead = {});

// The association of the identifier with this SPI; without an SPI the only one of the identifier. nullptr when there is
// none, or more than one to choose from.
const wire::SecurityAssociation* find_association(const std::vector<wire::SecurityAssociation>& associations,
                                                  const std::string& identifier, std::optional<std::uint32_t> spi);

}  // namespace mipflow::platform
