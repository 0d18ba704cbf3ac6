// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/mobile_node/test_exchanges.hpp"

namespace mipflow::conformance::mobile {

namespace {

constexpr unsigned kRepeated = 2;  // MAX_RO_FAILURE is 3

}  // namespace

void home_test_fails(MobileBench& bench, const std::function<void(const Found<wire::HomeTestInit>&)>& reaction) {
  const auto [home, care_of] = bench.inits();
  bench.answer(care_of, kCareOfAnswer);
  expect_fresh_cookies(bench.expect_retransmissions<wire::HomeTestInit>(home, kRepeated, reaction, "HoTI"), home_cookie);
  bench.expect_no_update(1s, "a home test that failed");
  bench.traffic_is_tunnelled();
}

void care_of_test_fails(MobileBench& bench, const std::function<void(const Found<wire::CareOfTestInit>&)>& reaction) {
  const auto [home, care_of] = bench.inits();
  bench.answer(home, kHomeAnswer);
  expect_fresh_cookies(bench.expect_retransmissions<wire::CareOfTestInit>(care_of, kRepeated, reaction, "CoTI"),
                       care_of_cookie);
  bench.expect_no_update(1s, "a care-of test that failed");
  bench.traffic_is_tunnelled();
}

MobilityHeader home_test(std::uint64_t cookie, std::uint16_t index) { return {kHomeTest, test_data(index, cookie, 0x99)}; }
MobilityHeader care_of_test(std::uint64_t cookie, std::uint16_t index) {
  return {kCareOfTest, test_data(index, cookie, 0x99)};
}

}  // namespace mipflow::conformance::mobile
