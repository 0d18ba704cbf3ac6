// SPDX-License-Identifier: GPL-3.0-or-later
#include "rendering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ostream>
#include <set>

namespace mipflow::tools {
namespace {

const nlohmann::json kNothing;

std::string render_octets(double value) {
  constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 || value >= 99.5 ? fmt::format("{:.0f} {}", value, kUnits[unit]) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string render_seconds(double value) {
  if (value < 0) return "-" + render_seconds(-value);
  if (value < 10) return fmt::format("{:.1f}s", value);
  const auto seconds = static_cast<long long>(std::llround(value));
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{}d{:02}h", seconds / 86'400, seconds % 86'400 / 3600);
}

std::string render_measured(double seconds) {
  if (seconds >= 1) return fmt::format("{:.1f} s", seconds);
  return seconds >= 0.01 ? fmt::format("{:.0f} ms", seconds * 1e3) : fmt::format("{:.1f} ms", seconds * 1e3);
}

std::string render_list(const nlohmann::json& list) {
  std::string out;
  for (const auto& item : list) {
    if (!out.empty()) out += ", ";
    out += render(item, Look::Plain);
  }
  return out.empty() ? "-" : out;
}

}  // namespace

std::string render(const nlohmann::json& value, Look look) {
  if (value.is_number()) {
    if (look == Look::Octets) return render_octets(value.get<double>());
    if (look == Look::Seconds) return render_seconds(value.get<double>());
    if (look == Look::Measured) return render_measured(value.get<double>());
    if (look == Look::PerMille) return fmt::format("{:.1f}%", value.get<double>() / 10);
    return value.dump();
  }
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) return value.get_ref<const std::string&>().empty() ? "-" : value.get<std::string>();
  if (value.is_array()) return render_list(value);
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

const nlohmann::json& field(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

void print_table(std::ostream& out, bool emphasis, const nlohmann::json& rows, const std::vector<FieldColumn>& columns) {
  std::vector<FieldColumn> shown;
  std::copy_if(columns.begin(), columns.end(), std::back_inserter(shown), [&](const FieldColumn& column) {
    return rows.empty() || std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.contains(column.key); });
  });
  std::vector<Table::Column> headings;
  for (const auto& column : shown) headings.push_back({column.title, column.align});
  Table table(std::move(headings));
  for (const auto& row : rows) {
    std::vector<std::string> cells;
    for (const auto& column : shown) cells.push_back(render(field(row, column.key), column.look));
    table.add_row(std::move(cells));
  }
  table.print(out, emphasis);
}

void print_fields(std::ostream& out, const nlohmann::json& object, const std::vector<FieldColumn>& fields) {
  std::vector<std::pair<std::string, std::string>> lines;
  std::set<std::string> named;
  for (const auto& known : fields) {
    named.insert(known.key);
    if (object.contains(known.key)) lines.emplace_back(known.title, render(object[known.key], known.look));
  }
  // A newer daemon may know more than this command: nothing is kept from the user.
  for (const auto& [key, value] : object.items())
    if (!named.contains(key)) lines.emplace_back(key, render(value, Look::Plain));
  std::size_t width = 0;
  for (const auto& [title, text] : lines) width = std::max(width, title.size());
  for (const auto& [title, text] : lines) out << fmt::format("{:<{}}  {}\n", printable(title) + ":", width + 1, printable(text));
}

void print_json(std::ostream& out, const nlohmann::json& value) {
  out << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void print_json_line(std::ostream& out, const nlohmann::json& value) {
  out << value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
}

}  // namespace mipflow::tools
