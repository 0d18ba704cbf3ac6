// SPDX-License-Identifier: GPL-3.0-or-later
// Proxy neighbour discovery: who is answered for, and until when.
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"

namespace mipflow::conformance::home {

namespace {

using enum HomeAgentBench::Solicitation;

constexpr Duration kAllAnnounced = 4s;
const Address kStrangerLinkLocal = *Address::parse("fe80::300");
const Address kStranger = *Address::parse("2001:db8:100::300");

Update registration(bool compatible) {
  Update out;
  if (compatible) out.flags |= kLinkLocalCompatibility;
  return out;
}

void service_starts(HomeAgentBench& bench, bool compatible) {
  bench.accept(registration(compatible));
  bench.wait(kAllAnnounced);
  const unsigned home = bench.announcements(kHome), link_local = bench.announcements(kHomeLinkLocal);
  require(home >= 1 && home <= 3, "wanted one to three advertisements of the home address, heard " + std::to_string(home));
  require(link_local == (compatible ? home : 0u),
          "heard " + std::to_string(link_local) + " advertisements of the link-local address");
  bench.saw(compatible ? "NA for home address and link-local address" : "NA for the home address");
}

struct Row {
  const char* id;
  HomeAgentBench::Solicitation form;
  bool compatible;
  const Address& target;
};

std::string text(const Row& row) {
  std::string out;
  switch (row.form) {
    case Multicast: out = "multicast"; break;
    case Unicast: out = "unicast"; break;
    case UnicastWithoutAddress: out = "unicast without link-layer address"; break;
    case Detection: out = "duplicate address detection"; break;
  }
  out += " for ";
  if (&row.target == &kHome) out += "the home address";
  if (&row.target == &kHomeLinkLocal) out += "its link-local address";
  if (&row.target == &kStranger) out += "another address";
  if (&row.target == &kStrangerLinkLocal) out += "another link-local address";
  return out + ", L = " + (row.compatible ? "1" : "0");
}

void prepare(HomeAgentBench& bench, const Row& row) {
  bench.registers(registration(row.compatible));
  bench.probe_answered();
  bench.wait(kAllAnnounced);
}
void answered(HomeAgentBench& bench, const Row& row) {
  prepare(bench, row);
  bench.solicitation_answered(row.target, row.form);
}
void ignored(HomeAgentBench& bench, const Row& row) {
  prepare(bench, row);
  bench.solicitation_ignored(row.target, row.form);
}
void until_the_end(HomeAgentBench& bench, const Row& row) {
  prepare(bench, row);
  bench.solicitation_answered(row.target, row.form);
  bench.accept(registration(row.compatible).deletion());
  bench.solicitation_ignored(row.target, row.form);
}

Group group_of(const char* title, const char* section, std::initializer_list<Row> rows,
               void (*run)(HomeAgentBench&, const Row&)) {
  Group group{title, {}};
  for (const Row& row : rows)
    group.cases.push_back(
        home_agent_case(row.id, text(row), section, Link::Real, [row, run](HomeAgentBench& bench) { run(bench, row); }));
  return group;
}

}  // namespace

std::vector<Group> neighbour_cases() {
  Group starts{"Interception begins", {}};
  starts.cases.push_back(home_agent_case("HA_4_1_1", "all nodes are told of the home address", "10.4.1", Link::Real,
                                         [](HomeAgentBench& bench) { service_starts(bench, false); }));
  starts.cases.push_back(home_agent_case("HA_4_1_2", "with L of the link-local address too", "10.4.1", Link::Real,
                                         [](HomeAgentBench& bench) { service_starts(bench, true); }));
  Group answers = group_of("Solicitations that are answered for the mobile node", "10.4.1",
                           {{"HA_4_2_1", Multicast, false, kHome},
                            {"HA_4_2_2", Unicast, false, kHome},
                            {"HA_4_2_13", UnicastWithoutAddress, false, kHome},
                            {"HA_4_2_3", Detection, false, kHome},
                            {"HA_4_2_4", Multicast, true, kHome},
                            {"HA_4_2_5", Unicast, true, kHome},
                            {"HA_4_2_14", UnicastWithoutAddress, true, kHome},
                            {"HA_4_2_6", Detection, true, kHome},
                            {"HA_4_2_7", Multicast, true, kHomeLinkLocal},
                            {"HA_4_2_8", Unicast, true, kHomeLinkLocal},
                            {"HA_4_2_15", UnicastWithoutAddress, true, kHomeLinkLocal},
                            {"HA_4_2_9", Detection, true, kHomeLinkLocal}},
                           answered);
  Group not_answered = group_of("Solicitations that are not answered", "10.3.1, 10.4.1",
                                {{"HA_4_2_10", Multicast, false, kHomeLinkLocal},
                                 {"HA_4_2_11", Unicast, false, kHomeLinkLocal},
                                 {"HA_4_2_16", UnicastWithoutAddress, false, kHomeLinkLocal},
                                 {"HA_4_2_12", Detection, false, kHomeLinkLocal},
                                 {"HA_4_3_1", Multicast, false, kStranger},
                                 {"HA_4_3_2", Unicast, false, kStranger},
                                 {"HA_4_3_13", UnicastWithoutAddress, false, kStranger},
                                 {"HA_4_3_3", Detection, false, kStranger},
                                 {"HA_4_3_10", Multicast, false, kStrangerLinkLocal},
                                 {"HA_4_3_11", Unicast, false, kStrangerLinkLocal},
                                 {"HA_4_3_16", UnicastWithoutAddress, false, kStrangerLinkLocal},
                                 {"HA_4_3_12", Detection, false, kStrangerLinkLocal},
                                 {"HA_4_3_4", Multicast, true, kStranger},
                                 {"HA_4_3_5", Unicast, true, kStranger},
                                 {"HA_4_3_14", UnicastWithoutAddress, true, kStranger},
                                 {"HA_4_3_6", Detection, true, kStranger},
                                 {"HA_4_3_7", Multicast, true, kStrangerLinkLocal},
                                 {"HA_4_3_8", Unicast, true, kStrangerLinkLocal},
                                 {"HA_4_3_15", UnicastWithoutAddress, true, kStrangerLinkLocal},
                                 {"HA_4_3_9", Detection, true, kStrangerLinkLocal}},
                                ignored);
  Group ends = group_of("Interception ends with de-registration", "10.3.2, 10.4.1",
                        {{"HA_4_4_1", Multicast, false, kHome},
                         {"HA_4_4_2", Unicast, false, kHome},
                         {"HA_4_4_13", UnicastWithoutAddress, false, kHome},
                         {"HA_4_4_3", Detection, false, kHome},
                         {"HA_4_4_4", Multicast, true, kHome},
                         {"HA_4_4_5", Unicast, true, kHome},
                         {"HA_4_4_14", UnicastWithoutAddress, true, kHome},
                         {"HA_4_4_6", Detection, true, kHome},
                         {"HA_4_4_7", Multicast, true, kHomeLinkLocal},
                         {"HA_4_4_8", Unicast, true, kHomeLinkLocal},
                         {"HA_4_4_15", UnicastWithoutAddress, true, kHomeLinkLocal},
                         {"HA_4_4_9", Detection, true, kHomeLinkLocal}},
                        until_the_end);
  return {starts, answers, not_answered, ends};
}

}  // namespace mipflow::conformance::home
