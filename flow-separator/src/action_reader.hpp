// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "policy_toml.hpp"

namespace mipflow::flow_separator {

inline constexpr std::array<std::string_view, 5> kActionKeys{"interfaces", "never", "return-after", "home-address",
                                                             "route-optimization"};

// Reads what becomes of the flows of a class.
class ActionReader : TableReader {
 public:
  explicit ActionReader(Mistakes& mistakes) : TableReader(mistakes) {}

  // The keys of kActionKeys, and `bypass` where a class has it.
  void read(const toml::table& table, PolicyClass& result);

 private:
  void read_interfaces(const toml::table& table, const char* key, std::vector<InterfacePreference>& preferences);
  Parsed<InterfacePreference> read_interface(const toml::node& element);
  void read_condition(const toml::node& node, InterfaceCondition& condition);
  std::optional<Duration> read_duration(const toml::table& table, const char* key, Duration least, Duration most,
                                        const char* bounds);
};

}  // namespace mipflow::flow_separator
