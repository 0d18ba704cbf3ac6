// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_toml.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mipflow::flow_separator {

std::string describe(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return quoted(node.as_string()->get());
    case toml::node_type::integer: return std::to_string(node.as_integer()->get());
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return node.as_boolean()->get() ? "true" : "false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return "a date or time";
    case toml::node_type::none: break;
  }
  return "nothing";
}

std::optional<std::uint32_t> integer(const toml::node& node, std::uint32_t largest) {
  const auto* number = node.as_integer();
  if (number == nullptr || number->get() < 0 || number->get() > static_cast<std::int64_t>(largest)) return std::nullopt;
  return static_cast<std::uint32_t>(number->get());
}

void Mistakes::add(const toml::source_position& at, std::string reason) {
  list_.push_back({file_, at.line, at.column, std::move(reason)});
}

std::vector<PolicyError> Mistakes::take() && {
  std::stable_sort(list_.begin(), list_.end(),
                   [](const PolicyError& a, const PolicyError& b) { return std::tie(a.line, a.column) < std::tie(b.line, b.column); });
  return std::move(list_);
}

void TableReader::refuse_unknown_keys(const toml::table& table, std::span<const std::string_view> known, std::string_view where,
                                      std::span<const std::string_view> elsewhere, std::string_view belongs) {
  for (const auto& [key, value] : table) {
    const std::string_view text = key.str();
    if (std::find(known.begin(), known.end(), text) != known.end()) continue;
    std::string reason = "unknown key " + quoted(text) + " in " + std::string(where);
    if (std::find(elsewhere.begin(), elsewhere.end(), text) != elsewhere.end()) {
      reason += "; it belongs into " + std::string(belongs);
    } else if (const auto meant = nearest(text, known)) {
      reason += "; did you mean " + quoted(*meant) + '?';
    } else {
      reason += "; possible are";
      for (const std::string_view each : known) reason += (each == known.front() ? " " : ", ") + std::string(each);
    }
    mistakes_.add(key.source().begin, std::move(reason));
  }
}

std::optional<bool> TableReader::read_truth(const toml::table& table, std::string_view key) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return std::nullopt;
  if (node->is_boolean()) return node->as_boolean()->get();
  fail(*node, quoted(key) + ": expected true or false, found " + describe(*node));
  return std::nullopt;
}

}  // namespace mipflow::flow_separator
