// SPDX-License-Identifier: GPL-3.0-or-later
#include "toml_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>

#include "mipflow/base/toml_text.hpp"

namespace mipflow::platform {

namespace {

std::string type_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none: return "nothing";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "text";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a number";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date and time";
  }
  return "something else";
}

std::optional<Duration> parse_duration(const std::string& text) {
  static const std::vector<std::pair<std::string, Duration>> units{
      {"ms", std::chrono::milliseconds{1}}, {"s", std::chrono::seconds{1}}, {"min", std::chrono::minutes{1}},
      {"h", std::chrono::hours{1}},         {"d", std::chrono::hours{24}}};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value) || value < 0) return std::nullopt;
  const std::string unit(end, text.data() + text.size());
  for (const auto& [name, length] : units) {
    if (unit != name) continue;
    const double nanoseconds = value * static_cast<double>(length.count());
    if (nanoseconds > 9e18) return std::nullopt;
    return Duration{static_cast<Duration::rep>(nanoseconds)};
  }
  return std::nullopt;
}

std::string show(Duration duration) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  if (milliseconds % 1000 != 0) return std::to_string(milliseconds) + "ms";
  return std::to_string(milliseconds / 1000) + "s";
}

// Moves, because a copied node forgets where it stood in its file.
void merge(toml::table& into, toml::table&& from) {
  for (auto&& [key, value] : from) {
    toml::node* present = into.get(key.str());
    if (present && present->is_table() && value.is_table()) {
      merge(*present->as_table(), std::move(*value.as_table()));
    } else if (present && present->is_array_of_tables() && value.is_array_of_tables()) {
      for (auto&& element : *value.as_array()) present->as_array()->push_back(std::move(*element.as_table()));
    } else {
      // clang 14, which builds the fuzz targets, captures no structured binding.
      value.visit([&into, &name = key](auto& concrete) { into.insert_or_assign(name, std::move(concrete)); });
    }
  }
}

std::optional<std::string> read_file(const std::filesystem::path& file, ConfigurationErrors& errors) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    errors.push_back({file.string(), 0, 0, "there is no such file"});
    return std::nullopt;
  }
  std::ifstream stream(file, std::ios::binary);
  if (!std::filesystem::is_regular_file(file, error) || !stream) {
    errors.push_back({file.string(), 0, 0, "cannot be read"});
    return std::nullopt;
  }
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

}  // namespace

ConfigurationError error_at(const toml::node& node, std::string reason) {
  const auto& source = node.source();
  return {source.path ? *source.path : std::string{}, source.begin.line, source.begin.column, std::move(reason)};
}

std::optional<toml::table> parse_toml(const std::string& text, const std::string& name, ConfigurationErrors& errors) {
  if (const auto obstacle = find_obstacle(text)) {
    errors.push_back({name, obstacle->position.line, obstacle->position.column, obstacle->reason});
    return std::nullopt;
  }
  auto parsed = toml::parse(text, name);
  if (!parsed) {
    const auto& error = parsed.error();
    errors.push_back({name, error.source().begin.line, error.source().begin.column, std::string(error.description())});
    return std::nullopt;
  }
  return std::move(parsed).table();
}

std::optional<toml::table> load_toml(const std::filesystem::path& file, ConfigurationErrors& errors, const UnwrittenFiles& instead) {
  std::vector<std::filesystem::path> files{file};
  std::error_code error;
  auto directory = file;
  directory.replace_extension(".d");
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  std::sort(files.begin() + 1, files.end());

  std::optional<toml::table> whole = toml::table{};
  for (const auto& path : files) {
    const auto unwritten = instead.find(path);
    const auto text = unwritten != instead.end() ? std::optional(unwritten->second) : read_file(path, errors);
    auto table = text ? parse_toml(*text, path.string(), errors) : std::nullopt;
    if (!table) {
      whole.reset();
    } else if (whole) {
      if (path == file)
        whole = std::move(*table);
      else
        merge(*whole, std::move(*table));
    }
  }
  return whole;
}

std::string TomlReader::called(const char* key) const { return name_.empty() ? key : name_ + " " + key; }

const toml::node* TomlReader::find(const char* key) {
  asked_.insert(key);
  return table_.get(key);
}

void TomlReader::refuse(const char* key, const std::string& reason) {
  const toml::node* node = table_.get(key);
  errors_.push_back(error_at(node ? *node : static_cast<const toml::node&>(table_), called(key) + ": " + reason));
}

bool TomlReader::require(const char* key, const std::string& expected) {
  if (table_.get(key)) return true;
  refuse(key, "is missing; expected " + expected);
  return false;
}

std::optional<std::string> TomlReader::text(const char* key) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  if (const auto value = node->value_exact<std::string>()) return value;
  refuse(key, "is " + type_of(*node) + "; expected text in quotes");
  return std::nullopt;
}

std::optional<bool> TomlReader::boolean(const char* key) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  if (const auto value = node->value_exact<bool>()) return value;
  refuse(key, "is " + type_of(*node) + "; expected true or false");
  return std::nullopt;
}

std::optional<std::uint64_t> TomlReader::number(const char* key, std::uint64_t least, std::uint64_t most) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  const auto value = node->value_exact<std::int64_t>();
  const std::string range = "expected a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  if (!value) {
    refuse(key, "is " + type_of(*node) + "; " + range);
  } else if (*value < 0 || static_cast<std::uint64_t>(*value) < least || static_cast<std::uint64_t>(*value) > most) {
    refuse(key, "is " + std::to_string(*value) + "; " + range);
  } else {
    return static_cast<std::uint64_t>(*value);
  }
  return std::nullopt;
}

std::optional<Duration> TomlReader::duration(const char* key, Duration least, Duration most) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  std::optional<Duration> value;
  if (const auto seconds = node->value_exact<std::int64_t>(); seconds && *seconds >= 0 && *seconds < 9'000'000'000)
    value = std::chrono::seconds{*seconds};
  else if (const auto words = node->value_exact<std::string>())
    value = parse_duration(*words);
  if (!value) {
    refuse(key, "is no duration; expected a number of seconds or text like \"200ms\", \"1.5s\", \"5min\", \"24h\", \"30d\"");
  } else if (*value < least || *value > most) {
    refuse(key, "is " + show(*value) + "; expected a duration from " + show(least) + " to " + show(most));
  } else {
    return value;
  }
  return std::nullopt;
}

std::optional<Address> TomlReader::address(const char* key) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto address = Address::parse(*value);
  if (!address)
    refuse(key, "\"" + *value + "\" is no IPv6 address; expected one like \"2001:db8::1\"");
  else if (!address->is_unicast_routable())
    refuse(key, "\"" + *value + "\" is multicast, link-local, loopback or unspecified; expected a global unicast address");
  else
    return address;
  return std::nullopt;
}

std::optional<Prefix> TomlReader::prefix(const char* key) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto prefix = Prefix::parse(*value);
  if (!prefix) refuse(key, "\"" + *value + "\" is no prefix; expected one like \"2001:db8:1::/64\" with no bits set behind its length");
  return prefix;
}

std::optional<std::vector<std::string>> TomlReader::texts(const char* key) {
  const auto* node = find(key);
  if (!node) return std::nullopt;
  const auto* list = node->as_array();
  std::vector<std::string> out;
  if (list)
    for (const auto& element : *list)
      if (const auto value = element.value_exact<std::string>()) out.push_back(*value);
  if (!list || out.size() != list->size()) {
    refuse(key, "is no list of texts; expected one like [\"docker*\", \"virbr*\"]");
    return std::nullopt;
  }
  return out;
}

std::optional<std::size_t> TomlReader::word(const char* key, const std::vector<std::string>& words) {
  const auto value = text(key);
  if (!value) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *value);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string expected;
  for (const auto& word : words) expected += (expected.empty() ? "\"" : ", \"") + word + "\"";
  refuse(key, "is \"" + *value + "\"; expected one of " + expected);
  return std::nullopt;
}

const toml::table* TomlReader::table(const char* key) {
  const auto* node = find(key);
  if (!node) return nullptr;
  if (const auto* table = node->as_table()) return table;
  refuse(key, "is " + type_of(*node) + "; expected a table: [" + key + "]");
  return nullptr;
}

std::vector<const toml::table*> TomlReader::tables(const char* key) {
  std::vector<const toml::table*> out;
  const auto* node = find(key);
  if (!node) return out;
  if (const auto* list = node->as_array(); list && (list->empty() || node->is_array_of_tables()))
    for (const auto& element : *list) out.push_back(element.as_table());
  else
    refuse(key, "is " + type_of(*node) + "; expected tables: [[" + std::string(key) + "]]");
  return out;
}

void TomlReader::refuse_unknown_keys() {
  for (const auto& [key, node] : table_) {
    if (asked_.contains(key.str())) continue;
    std::string known;
    for (const auto& name : asked_) known += (known.empty() ? "" : ", ") + name;
    const auto& at = key.source();
    errors_.push_back({at.path ? *at.path : std::string{}, at.begin.line, at.begin.column,
                       called(std::string(key.str()).c_str()) + ": unknown key; expected one of " + known});
  }
}

}  // namespace mipflow::platform
