// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/report.hpp"

#include <iomanip>
#include <sstream>

#include "conformance/classes.hpp"

namespace mipflow::conformance {

namespace {

const char* name(Outcome outcome) {
  switch (outcome) {
    case Outcome::Pass: return "pass";
    case Outcome::Fail: return "**fail**";
    case Outcome::NotApplicable: return "not applicable";
  }
  return "";
}

std::string evidence_and_remark(const Result& result) {
  const std::string& remark = result.tried->remark;
  if (result.outcome == Outcome::NotApplicable) return remark;
  return remark.empty() ? result.evidence : result.evidence + ". " + remark;
}

void write_role(std::ostream& out, const RoleResults& results) {
  const Role& role = *results.role;
  out << "\n## " << role.title << "\n\n"
      << role.introduction << '\n';
  for (std::size_t i = 0; i < role.groups.size(); ++i) {
    out << "\n### " << role.groups[i].title << "\n\n| Case | What | Result | Seen | RFC 6275 |\n|---|---|---|---|---|\n";
    for (const auto& result : results.groups[i])
      out << "| " << result.tried->id << " | " << result.tried->title << " | " << name(result.outcome) << " | "
          << evidence_and_remark(result) << " | " << result.tried->section << " |\n";
  }
}

// Of every role the sum of its classes, then each class: write(role, class, counts).
template <typename Write>
void each_total(const std::vector<RoleResults>& results, std::string_view name_of_sum, const Write& write) {
  for (const auto& of_role : results) {
    write(of_role.role->title, name_of_sum, of_role.all());
    for (const auto& [name, counts] : of_role.by_class()) write(of_role.role->title, name, counts);
  }
}

}  // namespace

Counts RoleResults::all() const {
  Counts counts;
  for (const auto& group : groups)
    for (const auto& result : group) counts.add(result.outcome);
  return counts;
}

std::map<std::string_view, Counts> RoleResults::by_class() const {
  std::map<std::string_view, Counts> classes;
  for (const auto& group : groups)
    for (const auto& result : group) classes[class_of(result.tried->id)].add(result.outcome);
  return classes;
}

std::vector<RoleResults> run_all(const std::vector<Role>& roles) {
  std::vector<RoleResults> all;
  for (const auto& role : roles) {
    auto& results = all.emplace_back(RoleResults{.role = &role, .groups = {}});
    for (const auto& group : role.groups) {
      auto& of_group = results.groups.emplace_back();
      for (const auto& tried : group.cases) of_group.push_back(run(tried));
    }
  }
  return all;
}

Result run(const Case& tried) {
  Result result{.tried = &tried, .outcome = Outcome::NotApplicable, .evidence = {}};
  if (!tried.run) return result;
  Record record;
  try {
    tried.run(record);
    result.outcome = Outcome::Pass;
    result.evidence = record.text();
  } catch (const std::exception& failure) {
    result.outcome = Outcome::Fail;
    result.evidence = failure.what();
    if (const auto before = record.text(); !before.empty()) result.evidence += " (before that: " + before + ")";
  }
  return result;
}

std::string report(const std::vector<RoleResults>& results) {
  std::ostringstream out;
  out << "# Conformance to RFC 6275, case by case\n\n"
         "Written by `tests/conformance/`; do not edit. `cmake --build build/dev --target conformance_report` writes it anew,\n"
         "and a test looks whether what stands here is what a run shows.\n\n"
         "Case numbers are those of the IPv6 Ready Logo suites for RFC 3775 (`ct-mipv6-cn` 4.0.2, `ct-mipv6-mn` 4.0.5,\n"
         "`ct-mipv6-ha` 4.0.7), so that results can be compared; X- and A- cases are in no suite. The tester plays everything but\n"
         "the node under test, with real octets and in virtual time. *Seen* is what the run itself noted, in order: BA 0 is a Binding\n"
         "Acknowledgement of status 0 with everything around it as it should be (addresses, type 2 routing header, sequence\n"
         "number, Binding Authorization Data), BE 1 a Binding Error of status 1.\n\n"
         "Classes are the suites' own: RHL needs a real home link, RR return routability, MPD and DHAAD are the discovery of\n"
         "prefixes and of home agents, M2M has two mobile nodes, BRR is the Binding Refresh Request; *further* is in no suite.\n\n"
         "| Role | Class | Pass | Fail | Not applicable |\n|---|---|---|---|---|\n";
  each_total(results, "**all**", [&](std::string_view role, std::string_view name, const Counts& counts) {
    out << "| " << role << " | " << name << " | " << counts.at(Outcome::Pass) << " | " << counts.at(Outcome::Fail) << " | "
        << counts.at(Outcome::NotApplicable) << " |\n";
  });
  for (const auto& of_role : results) write_role(out, of_role);
  return out.str();
}

std::string totals(const std::vector<RoleResults>& results) {
  std::ostringstream out;
  const auto line = [&](std::string_view role, std::string_view name, auto pass, auto fail, auto not_applicable) {
    out << std::left << std::setw(20) << role << std::setw(11) << name << std::right << std::setw(6) << pass << std::setw(6) << fail
        << std::setw(16) << not_applicable << '\n';
  };
  line("ROLE", "CLASS", "PASS", "FAIL", "NOT APPLICABLE");
  each_total(results, "all", [&](std::string_view role, std::string_view name, const Counts& counts) {
    line(role, name, counts.at(Outcome::Pass), counts.at(Outcome::Fail), counts.at(Outcome::NotApplicable));
  });
  return out.str();
}

}  // namespace mipflow::conformance
