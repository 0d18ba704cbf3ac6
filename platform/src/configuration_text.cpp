// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/configuration_text.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <utility>

#include "toml_reader.hpp"

namespace mipflow::platform {
namespace {

using Place = ConfigurationText::Place;

// Lines and columns of toml++ count from 1; what is none, 0.
struct Lines {
  std::size_t first = 0;
  std::size_t end = std::numeric_limits<std::size_t>::max();  // the first one that does not belong to it
};

std::optional<toml::table> parsed(const std::string& text) {
  ConfigurationErrors ignored;
  return parse_toml(text, "", ignored);
}

std::size_t start_of_line(const std::string& text, std::size_t line) {
  std::size_t at = 0;
  for (std::size_t each = 1; each < line; ++each) {
    at = text.find('\n', at);
    if (at == std::string::npos) return text.size();
    ++at;
  }
  return at;
}

// Columns count characters, a string octets.
std::size_t offset_of(const std::string& text, const toml::source_position& position) {
  std::size_t at = start_of_line(text, position.line);
  for (std::size_t column = 1; column < position.column && at < text.size(); ++column)
    do ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80);
  return at;
}

std::string replaced(std::string text, const toml::source_region& region, const std::string& literal) {
  const auto begin = offset_of(text, region.begin);
  return text.replace(begin, offset_of(text, region.end) - begin, literal);
}

const toml::table* find_table(const toml::table& top, const std::string& list, std::size_t index) {
  if (list.empty()) return &top;
  const auto* tables = top.get_as<toml::array>(list);
  return tables && tables->is_array_of_tables() && index < tables->size() ? tables->get_as<toml::table>(index) : nullptr;
}

// The lines of all [headers].
void collect_headers(const toml::table& table, std::vector<std::size_t>& lines) {
  const auto take = [&lines](const toml::node& node) {
    const auto* inner = node.as_table();
    if (inner == nullptr || inner->is_inline()) return;
    lines.push_back(node.source().begin.line);
    collect_headers(*inner, lines);
  };
  for (auto&& [key, value] : table) {
    take(value);
    if (const auto* list = value.as_array())
      for (const auto& element : *list) take(element);
  }
}

// Those of the table itself, without the tables that follow it.
Lines lines_of(const toml::table& top, const toml::table& table) {
  std::vector<std::size_t> headers;
  collect_headers(top, headers);
  Lines out{&table == &top ? 0 : table.source().begin.line};
  for (const auto line : headers)
    if (line > out.first) out.end = std::min(out.end, line);
  return out;
}

// The value in a line that only lacks being no comment: `# key = value  # what it means`.
std::optional<std::string> uncommented(const std::string& line, const std::string& key, const std::string& literal) {
  const auto hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line[hash] != '#') return std::nullopt;
  const auto begin = line.find_first_not_of("# \t", hash);
  if (begin == std::string::npos || line.compare(begin, key.size(), key) != 0) return std::nullopt;
  const auto statement = line.substr(begin);
  const auto table = parsed(statement);
  const auto* node = table ? table->get(key) : nullptr;
  return node ? std::optional(replaced(statement, node->source(), literal)) : std::nullopt;
}

// Behind the last key of the table, else behind its header.
std::size_t line_for_new_key(const toml::table& table, const Lines& lines) {
  auto line = lines.first;
  for (auto&& [key, value] : table)
    if (const auto last = value.source().end.line; last > line && last < lines.end) line = last;
  return line + 1;
}

std::string with_key(std::string text, const toml::table& top, const toml::table& table, const std::string& key, const std::string& literal) {
  if (const auto* node = table.get(key)) return replaced(std::move(text), node->source(), literal);
  const auto lines = lines_of(top, table);
  std::size_t line = 1;
  for (std::size_t at = 0; at < text.size() && line < lines.end; ++line) {
    const auto end = std::min(text.find('\n', at), text.size());
    if (line > lines.first)
      if (const auto statement = uncommented(text.substr(at, end - at), key, literal)) return text.replace(at, end - at, *statement);
    at = end + 1;
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text.insert(start_of_line(text, line_for_new_key(table, lines)), key + " = " + literal + "\n");
}

std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + '"';
}

template <class Value>
std::optional<Value> value_at(const std::string& text, const Place& place) {
  const auto top = parsed(text);
  const auto* table = top ? find_table(*top, place.list, place.index) : nullptr;
  const auto* node = table ? table->get(place.key) : nullptr;
  return node ? node->value_exact<Value>() : std::nullopt;
}

}  // namespace

Expected<ConfigurationText, ConfigurationErrors> ConfigurationText::parse(std::string text, std::string name) {
  ConfigurationErrors errors;
  if (!parse_toml(text, name, errors)) return Unexpected{std::move(errors)};
  return ConfigurationText(std::move(text), std::move(name));
}

std::optional<std::string> ConfigurationText::text_at(const Place& place) const { return value_at<std::string>(text_, place); }

std::optional<std::uint64_t> ConfigurationText::number_at(const Place& place) const {
  const auto value = value_at<std::int64_t>(text_, place);
  return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

std::size_t ConfigurationText::tables_in(const std::string& list) const {
  const auto top = parsed(text_);
  const auto* tables = top ? top->get_as<toml::array>(list) : nullptr;
  return tables && tables->is_array_of_tables() ? tables->size() : 0;
}

std::vector<std::size_t> ConfigurationText::find_tables(const std::string& list, const std::string& key, const std::string& value) const {
  std::vector<std::size_t> out;
  const auto top = parsed(text_);
  const auto* tables = top ? top->get_as<toml::array>(list) : nullptr;
  if (!tables || !tables->is_array_of_tables()) return out;
  for (std::size_t index = 0; index < tables->size(); ++index)
    if (const auto* node = tables->get_as<toml::table>(index)->get(key); node && node->value_exact<std::string>() == value) out.push_back(index);
  return out;
}

bool ConfigurationText::set_literal(const Place& place, const std::string& literal) {
  const auto top = parsed(text_);
  const auto* table = top ? find_table(*top, place.list, place.index) : nullptr;
  if (!table || table->is_inline()) return false;
  text_ = with_key(text_, *top, *table, place.key, literal);
  return true;
}

bool ConfigurationText::set(const Place& place, const std::string& value) {
  auto changed = *this;
  if (!changed.set_literal(place, quoted(value)) || changed.text_at(place) != value) return false;
  *this = std::move(changed);
  return true;
}

bool ConfigurationText::set(const Place& place, std::uint64_t value) {
  auto changed = *this;
  if (!changed.set_literal(place, std::to_string(value)) || changed.number_at(place) != value) return false;
  *this = std::move(changed);
  return true;
}

std::size_t ConfigurationText::append_table(const std::string& list) {
  const auto index = tables_in(list);
  while (!text_.empty() && text_.back() == '\n') text_.pop_back();
  if (!text_.empty()) text_ += "\n\n";
  text_ += "[[" + list + "]]\n";
  return index;
}

bool ConfigurationText::comment_out(const std::string& list, std::size_t index) {
  const auto top = parsed(text_);
  const auto* table = top && !list.empty() ? find_table(*top, list, index) : nullptr;
  if (!table || table->is_inline()) return false;
  const auto lines = lines_of(*top, *table);
  std::string out = text_.substr(0, start_of_line(text_, lines.first));
  std::size_t at = out.size();
  for (std::size_t line = lines.first; at < text_.size(); ++line) {
    const auto end = std::min(text_.find('\n', at), text_.size() - 1) + 1;
    const auto content = text_.substr(at, end - at);
    const bool is_statement = line < lines.end && content.find_first_not_of(" \t\n") != std::string::npos && content.front() != '#';
    out += (is_statement ? "# " : "") + content;
    at = end;
  }
  text_ = std::move(out);
  return true;
}

}  // namespace mipflow::platform
