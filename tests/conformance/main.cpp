// SPDX-License-Identifier: GPL-3.0-or-later
// conformance_test                     runs every case; fails when one does
// conformance_test CASE...             runs these and tells what was seen
// conformance_test --totals            tells how many passed, by role and class; fails when one does not
// conformance_test --report            writes docs/conformance.md to standard output
// conformance_test --compare FILE      fails when FILE is not what --report writes
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string_view>

#include "conformance/report.hpp"

using namespace mipflow::conformance;

namespace {

int run_cases(std::span<char*> wanted) {
  unsigned passed = 0, failed = 0, not_applicable = 0;
  for (const auto& role : all_roles())
    for (const auto& group : role.groups)
      for (const auto& tried : group.cases) {
        const bool chosen = wanted.empty() || std::ranges::any_of(wanted, [&](const char* id) { return tried.id == id; });
        if (!chosen) continue;
        const Result result = run(tried);
        switch (result.outcome) {
          case Outcome::Pass: ++passed; break;
          case Outcome::NotApplicable: ++not_applicable; break;
          case Outcome::Fail:
            ++failed;
            std::cout << "FAIL " << tried.id << " (" << tried.title << "): " << result.evidence << '\n';
            break;
        }
        if (!wanted.empty() && result.outcome != Outcome::Fail)
          std::cout << (result.outcome == Outcome::Pass ? "pass " : "not applicable ") << tried.id << " (" << tried.title
                    << "): " << (result.outcome == Outcome::Pass ? result.evidence : tried.remark) << '\n';
      }
  std::cout << passed << " passed, " << failed << " failed, " << not_applicable << " not applicable\n";
  return failed == 0 && passed > 0 ? 0 : 1;
}

int show_totals() {
  const auto roles = all_roles();
  const auto results = run_all(roles);
  std::cout << totals(results);
  return std::ranges::all_of(results, [](const RoleResults& of_role) { return of_role.all().at(Outcome::Fail) == 0; }) ? 0 : 1;
}

int compare(const char* path) {
  const auto roles = all_roles();
  std::ifstream file(path);
  const std::string committed{std::istreambuf_iterator<char>(file), {}};
  if (committed == report(run_all(roles))) return 0;
  std::cerr << path << " is not what a run shows: write it anew with the target conformance_report and look at the difference\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments(argv + 1, static_cast<std::size_t>(argc - 1));
  if (arguments.size() == 1 && arguments[0] == std::string_view("--report")) {
    const auto roles = all_roles();
    std::cout << report(run_all(roles));
    return 0;
  }
  if (arguments.size() == 1 && arguments[0] == std::string_view("--totals")) return show_totals();
  if (arguments.size() == 2 && arguments[0] == std::string_view("--compare")) return compare(arguments[1]);
  return run_cases(arguments);
}
