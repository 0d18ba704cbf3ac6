// SPDX-License-Identifier: GPL-3.0-or-later
// The life of a registration: refresh, move, Binding Refresh Request, the way home.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/test_exchanges.hpp"

namespace mipflow::conformance::mobile {

namespace {

void refresh(MobileBench& bench) {
  constexpr Duration kGranted = 120s;
  const auto first = bench.optimized({.lifetime = 30});
  bench.traffic_is_direct();
  bench.correspondent_answers = true;
  const TimePoint end = first.seen.at + kGranted;
  while (bench.clock.now() + 10s < end) {
    bench.quietly([&] { bench.traffic_is_direct(); });
    bench.wait(9s);
    const auto again = bench.next<wire::BindingUpdate>({}, [](const auto&) { return true; });
    if (!again) continue;
    require(wire::sequence_is_newer(again->message.sequence, first.message.sequence), "no newer sequence number");
    return bench.saw("BU before the binding ends");
  }
  throw Failed("no BU before the binding ends");
}

Found<wire::BindingUpdate> update_after_move(MobileBench& bench) {
  const auto before = bench.optimized();
  bench.traffic_is_direct();
  bench.move();
  Answer answer = kCareOfAnswer;
  ++answer.index;
  bench.answer(bench.expect_care_of_test_init(), answer);
  const auto update = bench.expect_update();
  require(wire::sequence_is_newer(update.message.sequence, before.message.sequence), "no newer sequence number");
  return update;
}

void refresh_requested(MobileBench& bench, std::uint8_t reserved) {
  const auto before = bench.optimized();
  bench.traffic_is_direct();
  bench.correspondent_answers = true;
  bench.by_tunnel(MobilityHeader(kBindingRefreshRequest, Bytes(2)).reserved(reserved));
  const auto update = bench.expect_update(5s);
  require(wire::sequence_is_newer(update.message.sequence, before.message.sequence), "no newer sequence number");
}

void removed_at_home(MobileBench& bench) {
  bench.optimized();
  bench.quietly([&] { bench.traffic_is_direct(); });
  bench.go_home();
  const auto home =
      bench.next<wire::HomeTestInit>(20s, [](const auto& it) { return it.seen.view().destination == kCorrespondent; });
  std::uint64_t token = kHomeAnswer.token;
  std::uint16_t index = kHomeAnswer.index;
  if (home) {
    require(!home->seen.tunnel && home->seen.view().source == kHome, "wanted a HoTI straight from the home address, got " +
                                                                         home->seen.text());
    bench.saw("HoTI straight");
    token = 0x4444;
    index = 44;
    bench.answer(*home, {.index = index, .token = token, .tunnelled = false});
  }
  const auto update = bench.next<wire::BindingUpdate>(20s, [](const auto& it) {
    return it.seen.view().destination == kCorrespondent && it.message.lifetime_units == 0;
  });
  require(update.has_value(), "no BU of lifetime 0 to the correspondent node when home again, got " + bench.rest());
  const auto view = update->seen.view();
  const auto& message = update->message;
  const auto* indices = wire::find_option<wire::NonceIndices>(message.options);
  require(message.lifetime_units == 0 && !message.home_registration && !message.key_management_mobility_capability &&
              !update->seen.tunnel && view.source == kHome && !view.home_address_option,
          "wanted a BU of lifetime 0 straight from the home address, got " + update->seen.text());
  require(indices != nullptr && indices->home_nonce_index == index, "wanted the home nonce index " + std::to_string(index));
  require(is_authorized(view.payload, binding_management_key(token, std::nullopt), kHome, kCorrespondent),
          "wanted an authenticator of the home token alone");
  bench.saw("BU lifetime 0 from the home address");
}

}  // namespace

Group walk_cases() {
  return {"From link to link and home",
          {mobile_case("MN-0-0-0-2-001", "with a correspondent node all the way", "11.6, 11.7.2, 11.5.5",
                       [](MobileBench& bench) {
                         const auto update = update_after_move(bench);
                         bench.answer(update);
                         bench.wait(1s);
                         bench.traffic_is_direct();
                         bench.go_home();
                         bench.correspondent_answers = true;
                         const auto deletion = bench.next<wire::BindingUpdate>(20s, [](const auto& it) {
                           return it.seen.view().destination == kCorrespondent && it.message.lifetime_units == 0;
                         });
                         require(deletion.has_value(),
                                 "wanted a BU of lifetime 0 to the correspondent node when home again, got " + bench.rest());
                         bench.saw("at home BU lifetime 0");
                       })}};
}

Group re_registration_cases() {
  return {"Later registrations, deletion, Binding Refresh Request",
          {mobile_case("MN-3-1-2-2-006", "refreshed before it ends", "11.7.2, 11.7.3", refresh),
           mobile_case("MN-3-1-2-2-004", "after a move", "11.7.2, 5.2.6",
                       [](MobileBench& bench) {
                         bench.answer(update_after_move(bench));
                         bench.wait(1s);
                         bench.traffic_is_direct();
                       }),
           mobile_case("MN-3-1-2-2-002", "after a move it shows the new care-of address", "11.7.2",
                       [](MobileBench& bench) {
                         require(update_after_move(bench).seen.view().source == kLinkY, "wanted the source " + to_string(kLinkY));
                         bench.saw("source is the new care-of address");
                       }),
           mobile_case("MN-3-1-3-2-001", "deleted when home again", "11.7.2, 11.6.1, 5.2.5, 11.5.5", removed_at_home),
           mobile_case("MN-3-4-1-2-001", "Binding Refresh Request", "11.7.4",
                       [](MobileBench& bench) { refresh_requested(bench, 0); }),
           mobile_case("MN-3-4-1-2-006", "Binding Refresh Request, reserved octet not 0", "6.1.1, 6.1.2, 11.7.4",
                       [](MobileBench& bench) { refresh_requested(bench, 0xff); }),
           mobile_case("MN-3-4-1-2-005", "Binding Refresh Request of a stranger", "11.7.4", [](MobileBench& bench) {
             bench.home_registration();
             bench.straight(MobilityHeader(kBindingRefreshRequest, Bytes(2)));
             bench.expect_no_return_routability(5s, "the request of a stranger");
           })}};
}

}  // namespace mipflow::conformance::mobile
