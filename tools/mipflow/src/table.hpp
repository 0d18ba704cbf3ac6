// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace mipflow::tools {

// Control characters become '?': a terminal must not obey a name.
std::string printable(std::string text);

// Text in columns, two spaces apart, each as wide as its longest cell.
class Table {
 public:
  enum class Align : unsigned char { Left, Right };
  struct Column {
    std::string title;
    Align align = Align::Left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // One cell per column, made printable.
  void add_row(std::vector<std::string> cells);
  // `emphasis`: the heading stands out by escape sequences.
  void print(std::ostream& out, bool emphasis) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace mipflow::tools
