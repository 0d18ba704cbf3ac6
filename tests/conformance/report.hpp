// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/harness/case.hpp"

namespace mipflow::conformance {

enum class Outcome { Pass,
                     Fail,
                     NotApplicable };

struct Result {
  const Case* tried = nullptr;
  Outcome outcome = Outcome::NotApplicable;
  std::string evidence;  // what was seen; of a failed case, what was wrong with it
};

Result run(const Case& tried);

// The groups of one role.
struct Role {
  std::string title;
  std::string introduction;
  std::vector<Group> groups;
};
// Everything there is.
std::vector<Role> all_roles();

struct Counts {
  std::array<unsigned, 3> of{};  // by Outcome
  void add(Outcome outcome) { ++of.at(static_cast<std::size_t>(outcome)); }
  unsigned at(Outcome outcome) const { return of.at(static_cast<std::size_t>(outcome)); }
};

// What became of the cases of one role; refers to the role.
struct RoleResults {
  const Role* role = nullptr;
  std::vector<std::vector<Result>> groups;  // as in the role

  Counts all() const;
  std::map<std::string_view, Counts> by_class() const;  // classes.hpp
};
// Runs every case.
std::vector<RoleResults> run_all(const std::vector<Role>& roles);

// docs/conformance.md
std::string report(const std::vector<RoleResults>& results);
// The totals of each role and class, as a table for a terminal.
std::string totals(const std::vector<RoleResults>& results);

}  // namespace mipflow::conformance
