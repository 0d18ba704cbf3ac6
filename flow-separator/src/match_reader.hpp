// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <string_view>

#include "policy_draft.hpp"
#include "policy_toml.hpp"

namespace mipflow::flow_separator {

inline constexpr std::array<std::string_view, 14> kMatchKeys{
    "protocol",         "peer", "port",  "local-port", "dscp",   "flow-label", "icmp-type",
    "extension-header", "user", "group", "program",    "cgroup", "unit",       "time"};

// Reads the `match` and `except` of a class.
class MatchReader : TableReader {
 public:
  MatchReader(const PolicyFile& file, const NameResolver& names, PolicyDraft& draft, Mistakes& mistakes)
      : TableReader(mistakes), file_(file), names_(names), draft_(draft) {}

  void read_match(const toml::node& node, FlowMatch& match);
  // One table or a list of them.
  void read_exceptions(const toml::node& node, std::vector<FlowMatch>& exceptions);

 private:
  void read_exception(const toml::node& node, std::vector<FlowMatch>& exceptions);
  void read(const toml::table& table, std::string_view where, FlowMatch& match);
  void read_packet(const toml::table& table, FlowMatch& match);
  void read_owner(const toml::table& table, FlowMatch& match);
  void read_times(const toml::table& table, FlowMatch& match);
  void refuse_what_never_matches(const toml::table& table, const FlowMatch& match);

  // Adds what `parse` makes of each value to `values`, as far as there is room.
  template <class Value, class Parse>
  void read_values(const toml::table& table, std::string_view key, std::vector<Value>& values, Parse&& parse);
  void read_texts(const toml::table& table, const char* key, const char* expected, Parsed<std::string> (*parse)(std::string_view),
                  std::vector<std::string>& texts);
  Parsed<Range<std::uint32_t>> read_id(const toml::node& element, const char* what, const NameResolver::Resolver& resolve) const;
  Parsed<Range<std::uint32_t>> read_own_user(const toml::node& element) const;

  std::optional<std::string> take_room_for_value();
  std::optional<std::string> take_room_for_pattern(std::string_view text);

  const PolicyFile& file_;
  const NameResolver& names_;
  PolicyDraft& draft_;
};

}  // namespace mipflow::flow_separator
