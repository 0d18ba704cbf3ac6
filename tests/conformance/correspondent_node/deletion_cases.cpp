// SPDX-License-Identifier: GPL-3.0-or-later
// Deletion of a binding, from abroad and from the home link.
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/correspondent_node/groups.hpp"

namespace mipflow::conformance {

namespace {

constexpr const char* kSections = "9.5.1, 9.5.3, 9.5.4, 5.2.6";
constexpr const char* kNoDeletionByAddress =
    "The suite, after RFC 3775, wants a deletion because the care-of address is the home address. RFC 6275 §6.1.7 and "
    "§9.5.1 delete by Lifetime 0 alone, so an update with the key of a deletion and another lifetime is dropped";

struct Row {
  const char* id;
  const char* what;
  bool home_address_option;
  bool alternate_is_home_address;
  std::uint16_t lifetime;
  bool fresh_token;
};

std::string title_of(const char* where, const Row& row) {
  return std::string(where) + ": " + row.what + ", Lifetime " + (row.lifetime == 0 ? "0" : "not 0") + ", " +
         (row.fresh_token ? "new" : "old") + " home token";
}

Update change(Update deletion, const Row& row) {
  deletion.lifetime = row.lifetime;
  deletion.home_token_only = true;
  deletion.home_address_option = row.home_address_option;
  if (row.alternate_is_home_address) deletion.alternate = kHome;
  return deletion;
}

Case from_abroad(const Row& row) {
  return correspondent_case(
      row.id, title_of("abroad", row), kSections,
      [row](CorrespondentBench& bench) {
        const Update bound = bench.bound();
        bench.probe_answered();
        const Update deletion = change(bench.deletion(bound, row.fresh_token), row);
        if (row.lifetime == 0) {
          bench.accept(deletion);
          bench.probe_refused();
        } else {
          bench.ignore(deletion, "an update with the key of a deletion");
          bench.probe_answered();
        }
      },
      row.lifetime == 0 ? "" : kNoDeletionByAddress);
}

Case from_home(const Row& row) {
  return correspondent_case(
      row.id, title_of("at home", row), kSections,
      [row](CorrespondentBench& bench) {
        const Update bound = bench.bound();
        bench.probe_answered();
        const Update deletion = change(bench.deletion_at_home(bound, row.fresh_token), row);
        if (row.lifetime == 0) {
          bench.accept(deletion);
          bench.answered_at_home();
        } else {
          bench.ignore(deletion, "an update with the key of a deletion");
          bench.answered_by_routing_header(kHome, kCareOf);
        }
      },
      row.lifetime == 0 ? "" : kNoDeletionByAddress);
}

}  // namespace

Group deletion_cases() {
  constexpr const char* kPlain = "no Home Address option, no alternate";
  constexpr const char* kOption = "Home Address option";
  constexpr const char* kAlternate = "alternate care-of address = home address";
  constexpr const char* kBoth = "Home Address option, alternate = home address";
  Group group{"Deletion", {}};
  for (const Row& row : {Row{"CN-3-3-1-1", kOption, true, false, 0, true}, {"CN-3-3-1-2", kOption, true, false, 0, false}, {"CN-3-3-1-3", kBoth, true, true, 0, true}, {"CN-3-3-1-4", kBoth, true, true, 0, false}, {"CN-3-3-1-5", kBoth, true, true, 105, true}, {"CN-3-3-1-6", kBoth, true, true, 105, false}})
    group.cases.push_back(from_abroad(row));
  for (const Row& row :
       {Row{"CN-3-3-2-1", kPlain, false, false, 0, true}, {"CN-3-3-2-2", kPlain, false, false, 0, false}, {"CN-3-3-2-3", kOption, true, false, 0, true}, {"CN-3-3-2-4", kOption, true, false, 0, false}, {"CN-3-3-2-5", kAlternate, false, true, 0, true}, {"CN-3-3-2-6", kAlternate, false, true, 0, false}, {"CN-3-3-2-7", kBoth, true, true, 0, true}, {"CN-3-3-2-8", kBoth, true, true, 0, false}, {"CN-3-3-2-9", kPlain, false, false, 105, true}, {"CN-3-3-2-10", kPlain, false, false, 105, false}, {"CN-3-3-2-11", kOption, true, false, 105, true}, {"CN-3-3-2-12", kOption, true, false, 105, false}, {"CN-3-3-2-13", kAlternate, false, true, 105, true}, {"CN-3-3-2-14", kAlternate, false, true, 105, false}, {"CN-3-3-2-15", kBoth, true, true, 105, true}, {"CN-3-3-2-16", kBoth, true, true, 105, false}})
    group.cases.push_back(from_home(row));
  group.cases.push_back(correspondent_case("CN-3-3-3", "at home, with an old sequence number", "9.5.1, 9.5.4",
                                           [](CorrespondentBench& bench) {
                                             const Update bound = bench.bound();
                                             Update deletion = bench.deletion_at_home(bound, true);
                                             deletion.sequence = bound.sequence;
                                             bench.refuse(deletion, wire::BindingStatus::SequenceNumberOutOfWindow,
                                                          bound.sequence);
                                             bench.answered_by_routing_header(kHome, kCareOf);
                                           }));
  return group;
}

}  // namespace mipflow::conformance
