// SPDX-License-Identifier: GPL-3.0-or-later
// De-registration from abroad and from the home link.
#include "conformance/harness/describe.hpp"
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"

namespace mipflow::conformance::home {

namespace {

using enum wire::BindingStatus;

constexpr std::uint16_t flags(bool acknowledge) {
  return static_cast<std::uint16_t>((acknowledge ? kAcknowledge : 0) | kHomeRegistration);
}
std::string with_flag(bool acknowledge) { return std::string(", A = ") + (acknowledge ? "1" : "0"); }

// A Binding Update from the home link.
struct AtHome {
  bool acknowledge;
  bool lifetime_zero;
  bool home_address_option;
  Update update(std::uint16_t sequence) const {
    Update out = Update{}.deletion_at_home(home_address_option);
    out.sequence = sequence;
    out.flags = flags(acknowledge);
    if (!lifetime_zero) out.lifetime = kRegistrationLifetime;
    return out;
  }
  std::string text() const {
    return std::string(lifetime_zero ? "" : "lifetime 105, ") + (home_address_option ? "with" : "without") +
           " Home Address option" + with_flag(acknowledge);
  }
};

void interception_has_ended(HomeAgentBench& bench) {
  require(bench.node.tunnelled_to(kHome).is_unspecified() && !bench.node.answers_for(kHome),
          "packets to the home address are still intercepted");
}

void abroad(HomeAgentBench& bench, bool acknowledge) {
  bench.registers();
  bench.probe_answered();
  Update deletion = Update{}.deletion();
  deletion.flags = flags(acknowledge);
  bench.accept(deletion);
  interception_has_ended(bench);
  bench.probe_refused();
}
void nothing_registered(HomeAgentBench& bench, bool acknowledge) {
  Update deletion = Update{}.deletion();
  deletion.flags = flags(acknowledge);
  bench.refuse(deletion, NotHomeAgentForThisMobileNode);
  bench.probe_refused();
}

// RFC 6275 deletes on Lifetime 0 only, and a care-of address that is the home address is none; without a Home Address option the
// Binding Update is no home registration at all.
void not_a_deletion(HomeAgentBench& bench, const AtHome& row, std::uint16_t sequence) {
  if (row.home_address_option)
    bench.refuse(row.update(sequence), InvalidCareOfAddress);
  else
    bench.ignore(row.update(sequence), "a registration without Home Address option");
}

void at_home(HomeAgentBench& bench, const AtHome& row) {
  bench.registers();
  bench.probe_answered();
  if (!row.lifetime_zero) {
    not_a_deletion(bench, row, 16);
    return bench.probe_answered();
  }
  bench.accept(row.update(16));
  interception_has_ended(bench);
  bench.probe_refused();
}
void at_home_nothing_registered(HomeAgentBench& bench, const AtHome& row) {
  if (row.lifetime_zero)
    bench.refuse(row.update(16), NotHomeAgentForThisMobileNode);
  else
    not_a_deletion(bench, row, 16);
  bench.probe_refused();
}
void at_home_stale(HomeAgentBench& bench, const AtHome& row) {
  bench.registers();
  bench.probe_answered();
  if (row.lifetime_zero || row.home_address_option)
    bench.refuse(row.update(14), SequenceNumberOutOfWindow, kRegistrationSequence);
  else
    not_a_deletion(bench, row, 14);
  bench.probe_answered();
}

struct Row {
  const char* id;
  AtHome at_home;
};

void add(Group& group, std::initializer_list<Row> rows, const std::string& section, void (*run)(HomeAgentBench&, const AtHome&)) {
  constexpr const char* kNoDeletion =
      "RFC 3775 took a care-of address that is the home address for a deletion; RFC 6275 deletes on Lifetime 0 only (§6.1.7, "
      "§9.5.1)";
  constexpr const char* kNoRegistration =
      "No deletion by RFC 6275, which deletes on Lifetime 0 only; and a registration has a Home Address option (§10.3.1)";
  const auto remark = [&](const AtHome& row) {
    if (row.lifetime_zero || (row.home_address_option && run == at_home_stale)) return "";
    return row.home_address_option ? kNoDeletion : kNoRegistration;
  };
  for (const Row& row : rows)
    group.cases.push_back(home_agent_case(
        row.id, "at home, " + row.at_home.text(), section, Link::Real,
        [row, run](HomeAgentBench& bench) { run(bench, row.at_home); },
        remark(row.at_home)));
}

}  // namespace

std::vector<Group> deregistration_cases() {
  Group registered{"De-registration", {}};
  Group nothing{"De-registration of nothing", {}};
  Group stale{"De-registration with a stale sequence number", {}};
  const auto from_abroad = [](Group& group, const char* real_id, const char* virtual_id, bool acknowledge,
                              void (*run)(HomeAgentBench&, bool)) {
    add_twins(group, real_id, virtual_id, "abroad" + with_flag(acknowledge), "10.3.2",
              [=](HomeAgentBench& bench) { run(bench, acknowledge); });
  };
  from_abroad(registered, "HA_3_1_1", "HA_3_1_11", true, abroad);
  from_abroad(registered, "HA_3_1_6", "HA_3_1_12", false, abroad);
  add(registered,
      {{"HA_3_1_2", {true, true, true}},
       {"HA_3_1_7", {false, true, true}},
       {"HA_3_1_3", {true, false, true}},
       {"HA_3_1_8", {false, false, true}},
       {"HA_3_1_4", {true, true, false}},
       {"HA_3_1_9", {false, true, false}},
       {"HA_3_1_5", {true, false, false}},
       {"HA_3_1_10", {false, false, false}}},
      "10.3.2, 9.5.4", at_home);
  from_abroad(nothing, "HA_3_2_1", "HA_3_2_11", true, nothing_registered);
  from_abroad(nothing, "HA_3_2_6", "HA_3_2_12", false, nothing_registered);
  add(nothing,
      {{"HA_3_2_2", {true, true, true}},
       {"HA_3_2_7", {false, true, true}},
       {"HA_3_2_3", {true, false, true}},
       {"HA_3_2_8", {false, false, true}},
       {"HA_3_2_4", {true, true, false}},
       {"HA_3_2_9", {false, true, false}},
       {"HA_3_2_5", {true, false, false}},
       {"HA_3_2_10", {false, false, false}}},
      "10.3.2, 9.5.4", at_home_nothing_registered);
  add(stale,
      {{"HA_3_3_1", {true, true, true}},
       {"HA_3_3_2", {false, true, true}},
       {"HA_3_3_5", {true, false, true}},
       {"HA_3_3_6", {false, false, true}},
       {"HA_3_3_3", {true, true, false}},
       {"HA_3_3_4", {false, true, false}},
       {"HA_3_3_7", {true, false, false}},
       {"HA_3_3_8", {false, false, false}}},
      "9.5.1, 9.5.4, 10.3.2", at_home_stale);
  return {registered, nothing, stale};
}

}  // namespace mipflow::conformance::home
