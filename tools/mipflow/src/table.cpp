// SPDX-License-Identifier: GPL-3.0-or-later
#include "table.hpp"

#include <algorithm>
#include <ostream>

namespace mipflow::tools {

std::string printable(std::string text) {
  for (auto& letter : text)
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) letter = '?';
  return text;
}

void Table::add_row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (auto& cell : cells) cell = printable(std::move(cell));
  rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out, bool emphasis) const {
  std::vector<std::size_t> widths;
  for (std::size_t index = 0; index < columns_.size(); ++index) {
    std::size_t width = columns_[index].title.size();
    for (const auto& row : rows_) width = std::max(width, row[index].size());
    widths.push_back(width);
  }
  const auto print_line = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t index = 0; index < columns_.size(); ++index) {
      const std::string& cell = cell_of(index);
      const std::string padding(widths[index] - cell.size(), ' ');
      if (index > 0) line += "  ";
      line += columns_[index].align == Align::Right ? padding + cell : cell + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  };
  const auto heading = print_line([&](std::size_t index) -> const std::string& { return columns_[index].title; });
  out << (emphasis ? "\033[1m" + heading + "\033[0m" : heading) << '\n';
  for (const auto& row : rows_)
    out << print_line([&](std::size_t index) -> const std::string& { return row[index]; }) << '\n';
}

}  // namespace mipflow::tools
