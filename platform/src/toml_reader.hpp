// SPDX-License-Identifier: GPL-3.0-or-later
// Reading a TOML table key by key: what is wrong is noted with its place and the reading goes on, so that one run tells
// all mistakes. A key that nobody asked for is a mistake as well.
#pragma once

#define TOML_EXCEPTIONS 0
#define TOML_ASSERT(expr) static_assert(true)  // as in flow-separator: its assertions fail on malformed files
#include <toml++/toml.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/platform/configuration.hpp"

namespace mipflow::platform {

ConfigurationError error_at(const toml::node& node, std::string reason);

// Parses the file and merges FILE.d/*.toml into it. nullopt when anything could not be read or is no TOML.
std::optional<toml::table> load_toml(const std::filesystem::path& file, ConfigurationErrors& errors, const UnwrittenFiles& instead = {});
// One file alone, from its text; `name` is for messages.
std::optional<toml::table> parse_toml(const std::string& text, const std::string& name, ConfigurationErrors& errors);

class TomlReader {
 public:
  // `name` is how the table is called in messages: "[timers]", empty for the top of the file.
  TomlReader(const toml::table& table, std::string name, ConfigurationErrors& errors)
      : table_(table), name_(std::move(name)), errors_(errors) {}

  // Each returns nullopt when the key is absent or wrong.
  std::optional<std::string> text(const char* key);
  std::optional<bool> boolean(const char* key);
  std::optional<std::uint64_t> number(const char* key, std::uint64_t least, std::uint64_t most);
  // A number of seconds, or text with a unit: "200ms", "1.5s", "5min", "24h", "30d".
  std::optional<Duration> duration(const char* key, Duration least, Duration most);
  std::optional<Address> address(const char* key);  // unicast, routable
  std::optional<Prefix> prefix(const char* key);
  std::optional<std::vector<std::string>> texts(const char* key);
  // One of the words; returns its position.
  std::optional<std::size_t> word(const char* key, const std::vector<std::string>& words);

  const toml::table* table(const char* key);
  std::vector<const toml::table*> tables(const char* key);  // [[key]]

  // Notes that the key is missing unless it is there.
  bool require(const char* key, const std::string& expected);
  // A mistake about a key that is there, or about the table when it is not.
  void refuse(const char* key, const std::string& reason);
  // Call last: notes the keys that nobody asked for.
  void refuse_unknown_keys();

 private:
  const toml::node* find(const char* key);
  std::string called(const char* key) const;

  const toml::table& table_;
  std::string name_;
  ConfigurationErrors& errors_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace mipflow::platform
