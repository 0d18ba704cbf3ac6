// SPDX-License-Identifier: GPL-3.0-or-later
// A configuration file as text in which values are replaced: its comments and everything else stay as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/platform/configuration.hpp"

namespace mipflow::platform {

class ConfigurationText {
 public:
  // `name` is the file's, for the mistakes.
  static Expected<ConfigurationText, ConfigurationErrors> parse(std::string text, std::string name);

  // A key of the `index`-th (from 0) table of [[list]]; of the top of the file when `list` is empty.
  struct Place {
    std::string list{};
    std::size_t index = 0;
    std::string key;
  };
  // nullopt when the key is absent or of another type.
  std::optional<std::string> text_at(const Place& place) const;
  std::optional<std::uint64_t> number_at(const Place& place) const;
  std::size_t tables_in(const std::string& list) const;
  // The indices of the tables of [[list]] whose key has this text.
  std::vector<std::size_t> find_tables(const std::string& list, const std::string& key, const std::string& value) const;

  // Replaces the value of the key. One that is absent takes the place of its commented line `# key = …` when there is one
  // in that table, else it gets a line of its own. False, and nothing is changed, when the place is none (there is no such
  // table), the value is no UTF-8, or the table is written in a way that has no lines for keys ({ inline = "tables" }).
  bool set(const Place& place, const std::string& value);
  bool set(const Place& place, std::uint64_t value);

  // One more table of [[list]], at the end of the file. Returns its index.
  std::size_t append_table(const std::string& list);
  // The table becomes comments, with what stands between it and the next one. False when there is none.
  bool comment_out(const std::string& list, std::size_t index);

  const std::string& whole() const { return text_; }

 private:
  explicit ConfigurationText(std::string text, std::string name) : text_(std::move(text)), name_(std::move(name)) {}
  bool set_literal(const Place& place, const std::string& literal);

  std::string text_;
  std::string name_;
};

}  // namespace mipflow::platform
