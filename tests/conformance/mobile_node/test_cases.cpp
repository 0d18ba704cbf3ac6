// SPDX-License-Identifier: GPL-3.0-or-later
// Home Test and Care-of Test: which are taken, and which are not.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/test_exchanges.hpp"

namespace mipflow::conformance::mobile {

namespace {

constexpr std::uint64_t kForeignCookie = 0xbadc00c1e;

void answered_in_order(MobileBench& bench, bool home_first, std::uint8_t reserved_of_home = 0,
                       std::uint8_t reserved_of_care_of = 0) {
  const auto [home, care_of] = bench.inits();
  Answer home_answer = kHomeAnswer;
  home_answer.reserved = reserved_of_home;
  Answer care_of_answer = kCareOfAnswer;
  care_of_answer.reserved = reserved_of_care_of;
  if (home_first) bench.answer(home, home_answer);
  bench.answer(care_of, care_of_answer);
  bench.wait(100ms);
  if (!home_first) bench.answer(home, home_answer);
  bench.expect_update();
}

void second_home_test(MobileBench& bench) {
  const auto [home, care_of] = bench.inits();
  bench.answer(home, kHomeAnswer);
  bench.by_tunnel(home_test(home.message.home_init_cookie));
  bench.wait(100ms);
  bench.answer(care_of, kCareOfAnswer);
  bench.expect_update();
}
void second_care_of_test(MobileBench& bench) {
  const auto [home, care_of] = bench.inits();
  bench.answer(care_of, kCareOfAnswer);
  bench.straight(care_of_test(care_of.message.care_of_init_cookie));
  bench.wait(100ms);
  bench.answer(home, kHomeAnswer);
  bench.expect_update();
}

void late_home_test(MobileBench& bench) {
  const auto [home, care_of] = bench.inits();
  bench.answer(care_of, kCareOfAnswer);
  const auto again = bench.expect_home_test_init();
  bench.by_tunnel(home_test(home.message.home_init_cookie));
  bench.expect_no_update(500ms, "the answer to an Init that was repeated");
  bench.answer(again, kHomeAnswer);
  bench.expect_update();
}
void late_care_of_test(MobileBench& bench) {
  const auto [home, care_of] = bench.inits();
  bench.answer(home, kHomeAnswer);
  const auto again = bench.expect_care_of_test_init();
  bench.straight(care_of_test(care_of.message.care_of_init_cookie));
  bench.expect_no_update(500ms, "the answer to an Init that was repeated");
  bench.answer(again, kCareOfAnswer);
  bench.expect_update();
}

void out_of_the_blue(MobileBench& bench, bool bound, bool home) {
  if (bound)
    bench.optimized();
  else
    bench.home_registration();
  if (home)
    bench.by_tunnel(home_test(kForeignCookie));
  else
    bench.straight(care_of_test(kForeignCookie));
  bench.expect_no_return_routability(5s, "a test that nobody asked for");
  bench.expect_no_update(1s, "a test that nobody asked for");
}

}  // namespace

Group home_test_cases() {
  return {"Home Test",
          {mobile_case("MN-2-1-3-2-001", "behind the Care-of Test", "11.6.2, 11.7.2",
                       [](MobileBench& bench) { answered_in_order(bench, false); }),
           mobile_case("MN-2-1-3-2-007", "before the Care-of Test", "11.6.2",
                       [](MobileBench& bench) { answered_in_order(bench, true); }),
           mobile_case("MN-2-1-3-2-015", "reserved octet not 0", "6.1.1, 11.6.2",
                       [](MobileBench& bench) { answered_in_order(bench, false, 0xff); }),
           mobile_case("MN-2-1-3-2-008", "a second one to the same Init is ignored", "11.6.2", second_home_test),
           mobile_case("MN-2-1-3-2-002", "one to an Init that was repeated is ignored", "11.6.2, 11.8", late_home_test),
           mobile_case("MN-2-1-3-2-003", "another cookie", "11.6.2, 11.8",
                       [](MobileBench& bench) {
                         home_test_fails(bench, [&](const auto&) { bench.by_tunnel(home_test(kForeignCookie)); });
                       }),
           mobile_case("MN-2-1-3-2-004", "another source", "11.6.2, 11.8",
                       [](MobileBench& bench) {
                         home_test_fails(bench, [&](const auto& init) {
                           bench.by_tunnel(home_test(home_cookie(init)), kStranger);
                         });
                       }),
           mobile_case("MN-2-1-3-2-011", "nobody asked, a stranger", "11.6.2, 11.7.2",
                       [](MobileBench& bench) { out_of_the_blue(bench, false, true); }),
           mobile_case("MN-2-1-3-2-012", "nobody asked, a correspondent node with a binding", "11.6.2, 11.7.2",
                       [](MobileBench& bench) { out_of_the_blue(bench, true, true); })}};
}

Group care_of_test_cases() {
  return {"Care-of Test",
          {mobile_case("MN-2-1-4-2-001", "before the Home Test", "11.6.2",
                       [](MobileBench& bench) { answered_in_order(bench, false); }),
           mobile_case("MN-2-1-4-2-006", "behind the Home Test", "11.6.2",
                       [](MobileBench& bench) {
                         const auto [home, care_of] = bench.inits();
                         bench.answer(home, kHomeAnswer);
                         bench.wait(100ms);
                         bench.answer(care_of, kCareOfAnswer);
                         bench.expect_update();
                       }),
           mobile_case("MN-2-1-4-2-014", "reserved octet not 0", "6.1.1, 11.6.2",
                       [](MobileBench& bench) { answered_in_order(bench, false, 0, 0xff); }),
           mobile_case("MN-2-1-4-2-007", "a second one to the same Init is ignored", "11.6.2", second_care_of_test),
           mobile_case("MN-2-1-4-2-002", "one to an Init that was repeated is ignored", "11.6.2, 11.8", late_care_of_test),
           mobile_case("MN-2-1-4-2-003", "another cookie", "11.6.2, 11.8",
                       [](MobileBench& bench) {
                         care_of_test_fails(bench, [&](const auto&) { bench.straight(care_of_test(kForeignCookie)); });
                       }),
           mobile_case("MN-2-1-4-2-004", "another source", "11.6.2, 11.8",
                       [](MobileBench& bench) {
                         care_of_test_fails(bench, [&](const auto& init) {
                           bench.straight(care_of_test(care_of_cookie(init)), kStranger);
                         });
                       }),
           mobile_case("MN-2-1-4-2-010", "nobody asked, a stranger", "11.6.2",
                       [](MobileBench& bench) { out_of_the_blue(bench, false, false); }),
           mobile_case("MN-2-1-4-2-011", "nobody asked, a correspondent node with a binding", "11.6.2",
                       [](MobileBench& bench) { out_of_the_blue(bench, true, false); })}};
}

}  // namespace mipflow::conformance::mobile
