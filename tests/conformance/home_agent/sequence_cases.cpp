// SPDX-License-Identifier: GPL-3.0-or-later
// Which sequence number is newer than the last one, modulo 65536.
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"

namespace mipflow::conformance::home {

namespace {

struct Row {
  const char* real_id;
  const char* virtual_id;
  std::uint16_t last, next;
  bool acknowledge;
};

Update second(const Row& row) {
  return {.source = kCareOf2,
          .sequence = row.next,
          .flags = static_cast<std::uint16_t>((row.acknowledge ? kAcknowledge : 0) | kHomeRegistration)};
}

void newer(HomeAgentBench& bench, const Row& row) {
  bench.registers({.sequence = row.last});
  bench.probe_answered(kCareOf1);
  bench.accept(second(row));
  bench.probe_answered(kCareOf2);
}
void stale(HomeAgentBench& bench, const Row& row) {
  bench.registers({.sequence = row.last});
  bench.probe_answered(kCareOf1);
  bench.refuse(second(row), wire::BindingStatus::SequenceNumberOutOfWindow, row.last);
  bench.probe_refused(kCareOf2);
  bench.probe_answered(kCareOf1);
}

Group group_of(const char* title, std::initializer_list<Row> rows, void (*run)(HomeAgentBench&, const Row&)) {
  Group group{title, {}};
  for (const Row& row : rows)
    add_twins(group, row.real_id, row.virtual_id,
              std::to_string(row.last) + ", then " + std::to_string(row.next) + ", A = " + (row.acknowledge ? "1" : "0"),
              "9.5.1, 9.5.4", [row, run](HomeAgentBench& bench) { run(bench, row); });
  return group;
}

}  // namespace

std::vector<Group> sequence_cases() {
  return {group_of("Sequence numbers that are newer",
                   {{"HA_2_5_1", "HA_2_5_3", 15, 16, true},
                    {"HA_2_5_5", "HA_2_5_7", 15, 16, false},
                    {"HA_2_5_2", "HA_2_5_4", 15, 32782, true},
                    {"HA_2_5_6", "HA_2_5_8", 15, 32782, false},
                    {"HA_2_7_1", "HA_2_7_3", 32783, 32784, true},
                    {"HA_2_7_5", "HA_2_7_7", 32783, 32784, false},
                    {"HA_2_7_2", "HA_2_7_4", 32783, 14, true},
                    {"HA_2_7_6", "HA_2_7_8", 32783, 14, false}},
                   newer),
          group_of("Sequence numbers that are stale",
                   {{"HA_2_6_1", "HA_2_6_7", 15, 14, true},
                    {"HA_2_6_4", "HA_2_6_10", 15, 14, false},
                    {"HA_2_6_2", "HA_2_6_8", 15, 15, true},
                    {"HA_2_6_5", "HA_2_6_11", 15, 15, false},
                    {"HA_2_6_3", "HA_2_6_9", 15, 32783, true},
                    {"HA_2_6_6", "HA_2_6_12", 15, 32783, false},
                    {"HA_2_8_1", "HA_2_8_7", 32783, 32782, true},
                    {"HA_2_8_4", "HA_2_8_10", 32783, 32782, false},
                    {"HA_2_8_2", "HA_2_8_8", 32783, 32783, true},
                    {"HA_2_8_5", "HA_2_8_11", 32783, 32783, false},
                    {"HA_2_8_3", "HA_2_8_9", 32783, 15, true},
                    {"HA_2_8_6", "HA_2_8_12", 32783, 15, false}},
                   stale)};
}

}  // namespace mipflow::conformance::home
