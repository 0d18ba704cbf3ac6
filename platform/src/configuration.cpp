// SPDX-License-Identifier: GPL-3.0-or-later
// What the daemons' configuration files have in common.
#include "mipflow/platform/configuration.hpp"

#include <algorithm>
#include <tuple>

#include "configuration_common.hpp"

namespace mipflow::platform {

std::string to_string(const ConfigurationError& error) {
  std::string out = error.file;
  if (error.line != 0) out += ":" + std::to_string(error.line) + ":" + std::to_string(error.column);
  return out + ": " + error.reason;
}

std::string to_string(const ConfigurationErrors& errors) {
  std::string out;
  for (const auto& error : errors) out += (out.empty() ? "" : "\n") + to_string(error);
  return out;
}

ConfigurationErrors in_order(ConfigurationErrors errors) {
  std::stable_sort(errors.begin(), errors.end(), [](const ConfigurationError& a, const ConfigurationError& b) {
    return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
  });
  return errors;
}

Severity read_log_level(TomlReader& reader) {
  const auto level = reader.word("log-level", {"debug", "info", "warning", "error"});
  return level ? static_cast<Severity>(*level) : Severity::Info;
}

bool read_authentication_is_insecure(TomlReader& reader) {
  return reader.word("authentication", {"rfc4285", "none-insecure"}) == std::optional<std::size_t>{1};
}

std::filesystem::path read_path(TomlReader& reader, const char* key, const std::filesystem::path& beside, std::filesystem::path otherwise) {
  const auto value = reader.text(key);
  if (!value) return otherwise;
  if (value->empty()) reader.refuse(key, "is empty; expected the path of a file or directory");
  // A relative path is meant from the configuration file, wherever the daemon was started.
  return std::filesystem::path(*value).is_absolute() ? std::filesystem::path(*value) : beside.parent_path() / *value;
}

const wire::SecurityAssociation* choose_association(TomlReader& reader, const std::vector<wire::SecurityAssociation>& associations,
                                                    const std::filesystem::path& file, const std::string& identifier) {
  const auto spi = reader.number("spi", wire::kSmallestSpi, 0xffff'ffff);
  const auto wanted = spi ? std::optional{static_cast<std::uint32_t>(*spi)} : std::nullopt;
  const auto* found = find_association(associations, identifier, wanted);
  if (found) return found;
  const bool known = std::any_of(associations.begin(), associations.end(), [&](const wire::SecurityAssociation& association) {
    return association.network_access_identifier == identifier;
  });
  std::string reason = "has no security association";
  if (known) reason = wanted ? "has no security association with SPI " + std::to_string(*wanted) : std::string("has several security associations to choose from by spi = …");
  reader.refuse("identifier", "\"" + identifier + "\" " + reason + " in " + file.string());
  return nullptr;
}

}  // namespace mipflow::platform
