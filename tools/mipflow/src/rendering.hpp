// SPDX-License-Identifier: GPL-3.0-or-later
// How values of the control protocol look to a human.
#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "table.hpp"

namespace mipflow::tools {

enum class Look : unsigned char {
  Plain,     // as it is; lists with commas; yes and no; "-" for nothing
  Octets,    // 1.5 MB
  Seconds,   // 90 -> 1m30s
  Measured,  // seconds, 0.0123 -> 12.3 ms
  PerMille,  // 15 -> 1.5%
};

std::string render(const nlohmann::json& value, Look look);

// The value of a key, null when the object has no such key.
const nlohmann::json& field(const nlohmann::json& object, const char* key);

// A column of a table of objects.
struct FieldColumn {
  const char* key;
  const char* title;
  Look look = Look::Plain;
  Table::Align align = Table::Align::Left;
};

// A table of the objects in `rows`; columns whose key no object has are left out.
void print_table(std::ostream& out, bool emphasis, const nlohmann::json& rows, const std::vector<FieldColumn>& columns);

// A line for each field of one object, in the order of `fields`, then those that are not named there.
void print_fields(std::ostream& out, const nlohmann::json& object, const std::vector<FieldColumn>& fields);

void print_json(std::ostream& out, const nlohmann::json& value);
// The same on one line, at once: for programs that read along.
void print_json_line(std::ostream& out, const nlohmann::json& value);

}  // namespace mipflow::tools
