// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "conformance/mobile_node/bench.hpp"

namespace mipflow::conformance::mobile {

// What a correspondent node answers when nothing is wrong.
inline const Answer kHomeAnswer{.index = 11, .token = 0x1112131415161718};
inline const Answer kCareOfAnswer{.index = 21, .token = 0x2122232425262728};

// Every later one has another cookie.
template <class Found>
void expect_fresh_cookies(const std::vector<Found>& inits, std::uint64_t (*cookie)(const Found&)) {
  for (std::size_t i = 1; i < inits.size(); ++i)
    for (std::size_t before = 0; before < i; ++before)
      require(cookie(inits[i]) != cookie(inits[before]), "a retransmission has an old cookie");
}
inline std::uint64_t home_cookie(const Found<wire::HomeTestInit>& init) { return init.message.home_init_cookie; }
inline std::uint64_t care_of_cookie(const Found<wire::CareOfTestInit>& init) { return init.message.care_of_init_cookie; }

// The Care-of Test Init is answered, the Home Test Init by nothing but `reaction`: it is repeated and nothing goes straight.
void home_test_fails(MobileBench& bench, const std::function<void(const Found<wire::HomeTestInit>&)>& reaction);
// The other way round.
void care_of_test_fails(MobileBench& bench, const std::function<void(const Found<wire::CareOfTestInit>&)>& reaction);

// A HoT or CoT that the bench does not take for the one whose token counts.
MobilityHeader home_test(std::uint64_t cookie, std::uint16_t index = 99);
MobilityHeader care_of_test(std::uint64_t cookie, std::uint16_t index = 99);

}  // namespace mipflow::conformance::mobile
