// SPDX-License-Identifier: GPL-3.0-or-later
// Home Tests and their Inits go through the home agent, RFC 6275 §10.4.6.
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"

namespace mipflow::conformance::home {

namespace {

constexpr std::uint64_t kCookie = 0x1122334455667788, kToken = 0x99aabbccddeeff00;

Bytes init() {
  return MobilityHeader(kHomeTestInit, test_init_data(kCookie)).packet({.source = kHome, .destination = kCorrespondent});
}
Bytes test() {
  return MobilityHeader(kHomeTest, test_data(1, kCookie, kToken)).packet({.source = kCorrespondent, .destination = kHome});
}

void init_through(HomeAgentBench& bench) {
  bench.registers();
  bench.reverse_tunnelled(kCareOf1, init());
}
void init_after_a_move(HomeAgentBench& bench) {
  init_through(bench);
  bench.registers(Update{}.from(kCareOf2));
  bench.reverse_tunnelled(kCareOf2, init());
  bench.wait(2s);  // packets that were under way when it moved are still accepted
  bench.reverse_tunnel_refused(kCareOf1, init());
}
void test_through(HomeAgentBench& bench) {
  bench.registers();
  bench.intercepted(kCareOf1, test());
}
void test_after_a_move(HomeAgentBench& bench) {
  test_through(bench);
  bench.registers(Update{}.from(kCareOf2));
  bench.intercepted(kCareOf2, test());
}

}  // namespace

std::vector<Group> return_routability_cases() {
  constexpr const char* kProtected =
      "Needs IPsec between mobile node and home agent, which mipflow leaves to others; without it there is no protection to miss";
  Group group{"Home tests through the home agent", {}};
  add_twins(group, "HA_6_3_1", "HA_6_3_5", "a Home Test Init goes out", "10.4.6, 10.4.5", init_through);
  add_twins(group, "HA_6_3_2", "HA_6_3_6", "and from the new care-of address after a move", "10.4.6", init_after_a_move);
  add_twins(group, "HA_6_3_3", "HA_6_3_7", "a Home Test comes in", "10.4.6", test_through);
  add_twins(group, "HA_6_3_4", "HA_6_3_8", "and to the new care-of address after a move", "10.4.6", test_after_a_move);
  for (const char* id : {"HA_6_3_9", "HA_6_3_10"})
    group.cases.push_back(
        not_applicable(id, "a Home Test Init in a tunnel without protection", "10.4.5, 10.4.6", kProtected));
  return {group};
}

}  // namespace mipflow::conformance::home
