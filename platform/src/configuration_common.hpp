// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mipflow/platform/security_associations.hpp"
#include "toml_reader.hpp"

namespace mipflow::platform {

// Where the keys are when the configuration does not say it.
inline constexpr const char* kAssociationsFile = "/etc/mipflow/security-associations.toml";

// What was read, unless the key is absent or wrong.
template <class Value, class Read>
void take(Value& out, const Read& read) {
  if (read) out = static_cast<Value>(*read);
}

// As a reader goes through the files, whatever order they were found in.
ConfigurationErrors in_order(ConfigurationErrors errors);
Severity read_log_level(TomlReader& reader);
// authentication = "rfc4285" (default) or "none-insecure".
bool read_authentication_is_insecure(TomlReader& reader);
// The keys of a correspondent node, in whichever table they stand.
void read_correspondent_node(TomlReader& reader, correspondent_node::Configuration& out);
// `beside` is the file that the path stands in.
std::filesystem::path read_path(TomlReader& reader, const char* key, const std::filesystem::path& beside, std::filesystem::path otherwise);
// Reads `spi` and finds the association in what was loaded from `file`; notes a mistake and returns nullptr when there
// is none to choose.
const wire::SecurityAssociation* choose_association(TomlReader& reader, const std::vector<wire::SecurityAssociation>& associations,
                                                    const std::filesystem::path& file, const std::string& identifier);

}  // namespace mipflow::platform
