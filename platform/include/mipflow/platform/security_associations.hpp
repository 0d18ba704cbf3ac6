// SPDX-License-Identifier: GPL-3.0-or-later
// The file with the keys:
//   [[association]]
//   identifier = "alice@example.org"
//   spi = 256
//   key = "00112233445566778899aabbccddeeff"     # 16 octets or more in hexadecimal digits
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/platform/configuration.hpp"
#include "mipflow/wire/authentication.hpp"

namespace mipflow::platform {

// Refuses a file that others than its owner can read or write, and one whose owner is neither root nor the user this
// process runs as.
Expected<std::vector<wire::SecurityAssociation>, ConfigurationErrors> load_security_associations(const std::filesystem::path& file);

// The association of the identifier with this SPI; without an SPI the only one of the identifier. nullptr when there is
// none, or more than one to choose from.
const wire::SecurityAssociation* find_association(const std::vector<wire::SecurityAssociation>& associations,
                                                  const std::string& identifier, std::optional<std::uint32_t> spi);

}  // namespace mipflow::platform
