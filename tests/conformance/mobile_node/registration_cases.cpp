// SPDX-License-Identifier: GPL-3.0-or-later
// Binding Updates to correspondent nodes and their acknowledgements.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/test_exchanges.hpp"

namespace mipflow::conformance::mobile {

namespace {

using Update = Found<wire::BindingUpdate>;

Update whole_exchange(MobileBench& bench) {
  const auto [home, care_of] = bench.inits();
  bench.answer(care_of, kCareOfAnswer);
  bench.answer(home, kHomeAnswer);
  return bench.expect_update();
}

// No answer but what `reaction` sends: the update is repeated, its sequence number rises, nothing goes straight.
void update_fails(MobileBench& bench, const std::function<void(const Update&)>& reaction) {
  const auto first = bench.up_to_update();
  const auto updates = bench.expect_retransmissions<wire::BindingUpdate>(first, 2, reaction, "BU");
  for (std::size_t i = 1; i < updates.size(); ++i)
    require(wire::sequence_is_newer(updates[i].message.sequence, updates[i - 1].message.sequence),
            "a repeated BU has no newer sequence number");
  bench.traffic_is_tunnelled();
}

// A packet every minute keeps the flow alive, straight or not.
void keep_flow_alive(MobileBench& bench, Duration duration) {
  const TimePoint end = bench.clock.now() + duration;
  while (bench.clock.now() < end) {
    bench.datagram_by_routing_header();
    bench.wait(std::min<Duration>(1min, end - bench.clock.now()));
  }
  bench.clear();
}

// The correspondent node grants `lifetime` and is silent from then on.
void binding_ends(MobileBench& bench, std::uint16_t lifetime) {
  bench.optimized({.lifetime = lifetime});
  bench.traffic_is_direct();
  keep_flow_alive(bench, lifetime * 4s);
  bench.traffic_is_tunnelled();
}

void refused_for_good(MobileBench& bench) {
  const auto update = bench.up_to_update();
  bench.answer(update, {.status = 128});
  bench.traffic_is_tunnelled();
  const auto again = bench.next<wire::BindingUpdate>(32s, [](const Update&) { return true; });
  require(!again || wire::sequence_is_newer(again->message.sequence, update.message.sequence),
          "another try without a newer sequence number");
  bench.saw(again ? "BU again" : "no other try");
  bench.traffic_is_tunnelled();
}

void sequence_corrected(MobileBench& bench) {
  const auto update = bench.up_to_update();
  const auto last = static_cast<std::uint16_t>(update.message.sequence + 1000);
  bench.answer(update, {.status = 135, .sequence = last});
  bench.traffic_is_tunnelled();
  const auto again = bench.expect_update();
  require(again.message.sequence == static_cast<std::uint16_t>(last + 1),
          "wanted sequence number " + std::to_string(last + 1) + ", got " + std::to_string(again.message.sequence));
  bench.saw("sequence from the answer");
}

// 136, 137, 138: what expired is tested again, and nothing else.
void nonce_expired(MobileBench& bench, std::uint8_t status, bool home, bool care_of) {
  using enum Acknowledgement::Authorization;
  auto update = bench.up_to_update();
  Answer home_answer = kHomeAnswer;
  Answer care_of_answer = kCareOfAnswer;
  for (int i = 0; i < 2; ++i) {
    bench.clear();
    bench.answer(update, {.status = status, .authorization = Missing});
    ++home_answer.index;
    ++care_of_answer.index;
    if (home) bench.answer(bench.expect_home_test_init(), home_answer);
    if (care_of) bench.answer(bench.expect_care_of_test_init(), care_of_answer);
    bench.traffic_is_tunnelled();
    const auto again = bench.expect_update();
    require(wire::sequence_is_newer(again.message.sequence, update.message.sequence), "no newer sequence number");
    const auto other_home = bench.next<wire::HomeTestInit>({}, [](const auto&) { return true; });
    const auto other_care_of = bench.next<wire::CareOfTestInit>({}, [](const auto&) { return true; });
    require((home || !other_home) && (care_of || !other_care_of), "a test of what had not expired");
    update = again;
  }
}

}  // namespace

Group update_cases() {
  return {"Binding Update",
          {mobile_case("MN-3-1-1-2-001", "its format", "11.7.2, 5.2.6, 6.2.6, 6.2.7, 12",
                       [](MobileBench& bench) { whole_exchange(bench); }),
           {"MN-3-1-1-2-002", "without asking for an acknowledgement", "11.7.2", {}, "mipflow always asks for one"},
           mobile_case("MN-3-1-1-2-003", "asking for an acknowledgement", "11.7.2",
                       [](MobileBench& bench) {
                         require(whole_exchange(bench).message.acknowledge, "wanted A = 1");
                         bench.saw("A = 1");
                       }),
           mobile_case("MN-3-1-1-2-004", "it shows the present care-of address", "11.7.2, 5.2.6",
                       [](MobileBench& bench) {
                         const auto update = whole_exchange(bench);
                         require(update.seen.view().source == kLinkX, "wanted the source " + to_string(kLinkX));
                         bench.saw("source is the care-of address");
                       }),
           mobile_case("MN-3-1-1-2-006", "no answer: repeated with growing gaps", "11.8, 11.7.2",
                       [](MobileBench& bench) { update_fails(bench, [](const Update&) {}); })}};
}

Group acknowledgement_cases() {
  using enum Acknowledgement::Authorization;
  const auto ignored = [](std::string id, std::string title, std::string section, const Acknowledgement& wrong) {
    return mobile_case(std::move(id), std::move(title), std::move(section), [wrong](MobileBench& bench) {
      update_fails(bench, [&](const Update& update) {
        Acknowledgement answer = wrong;
        if (answer.sequence) answer.sequence = static_cast<std::uint16_t>(update.message.sequence + *wrong.sequence);
        bench.answer(update, answer);
      });
    });
  };
  return {
      "Binding Acknowledgement",
      {
          mobile_case("MN-3-2-1-2-001", "status 0", "11.7.3",
                      [](MobileBench& bench) {
                        bench.optimized();
                        bench.traffic_is_direct();
                      }),
          mobile_case("MN-3-2-1-2-029", "reserved octet not 0", "6.1.1, 11.7.3",
                      [](MobileBench& bench) {
                        bench.optimized({.reserved = 0xff});
                        bench.traffic_is_direct();
                      }),
          mobile_case("MN-3-2-1-2-017", "less granted than asked for", "11.7.3, 11.1",
                      [](MobileBench& bench) { binding_ends(bench, 10); }),
          mobile_case("MN-3-2-1-2-018", "as much granted as asked for", "11.7.3, 11.1",
                      [](MobileBench& bench) { binding_ends(bench, 105); }),
          mobile_case("MN-3-2-1-2-003", "status 128", "11.7.3", refused_for_good),
          mobile_case("MN-3-2-1-2-010", "status 135", "11.7.3, 11.7.1", sequence_corrected),
          mobile_case("MN-3-2-1-2-011", "status 136", "11.7.3, 9.5.4, 5.2.7",
                      [](MobileBench& bench) { nonce_expired(bench, 136, true, false); }),
          mobile_case("MN-3-2-1-2-012", "status 137", "11.7.3, 9.5.4, 5.2.7",
                      [](MobileBench& bench) { nonce_expired(bench, 137, false, true); }),
          mobile_case("MN-3-2-1-2-013", "status 138", "11.7.3, 9.5.4, 5.2.7",
                      [](MobileBench& bench) { nonce_expired(bench, 138, true, true); }),
          ignored("MN-3-2-1-2-014", "a sequence number that was never sent", "11.7.3", {.sequence = 77}),
          mobile_case("MN-3-2-1-2-023", "Binding Refresh Advice is for home registrations only", "11.7.3, 6.2.4",
                      [](MobileBench& bench) {
                        bench.optimized({.refresh_advice = 20});
                        bench.expect_no_update(85s, "Binding Refresh Advice of 80 s");
                        bench.traffic_is_direct();
                      }),
          ignored("MN-3-2-1-2-024", "wrong Binding Authorization Data", "11.7.3, 6.2.7", {.authorization = Wrong}),
          ignored("MN-3-2-1-2-025", "Binding Authorization Data that is not last", "11.7.3, 6.2.7",
                  {.authorization = NotLast}),
      }};
}

}  // namespace mipflow::conformance::mobile
