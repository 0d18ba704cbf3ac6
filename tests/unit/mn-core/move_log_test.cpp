// SPDX-License-Identifier: GPL-3.0-or-later
#include "move_log.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace mipflow;
using namespace mipflow::mobile_node;

namespace {

flow_separator::FlowEntry flow(FlowId id) {
  flow_separator::FlowEntry out{};
  out.id = id;
  return out;
}

void move(MoveLog& log, FlowId id, int times = 1) {
  for (int i = 0; i < times; ++i) log.moved(flow(id), "wlan0", "wwan" + std::to_string(i), false);
}

}  // namespace

TEST_CASE("of each flow the newest moves are remembered, and of one that has ended none") {
  MoveLog log;
  move(log, 1, 20);
  move(log, 2, 3);
  const auto of_first = log.of(1);
  REQUIRE(of_first.size() == kMovesRemembered);
  CHECK(of_first.front()->to == "wwan19");
  CHECK(of_first.back()->to == "wwan4");
  CHECK(log.of(2).size() == 3);
  log.ended(1);
  CHECK(log.of(1).empty());
  CHECK(log.of(2).size() == 3);
  CHECK(log.statistics().moves == 23);
}

TEST_CASE("of very many flows those that moved last are remembered") {
  MoveLog log;
  const auto many = static_cast<FlowId>(MoveLog::kRemembered);
  for (FlowId id = 1; id <= many; ++id) move(log, id, id == 1 ? 2 : 1);
  CHECK(log.of(1).size() == 1);
  move(log, many + 1);
  CHECK(log.of(1).empty());
  CHECK(log.of(2).size() == 1);
  CHECK(log.of(many + 1).size() == 1);
}

TEST_CASE("what a move cost is written down while it is remembered, and does no harm afterwards") {
  MoveLog log;
  log.happens(MoveCause::Command, TimePoint{});
  move(log, 1);
  move(log, 2);
  log.ended(2);
  log.happens(MoveCause::Policy, TimePoint{} + MoveLog::kMeasuredFor);
  FlowActivity activity{};
  activity.packets_out = 10;
  activity.longest_gap_out = std::chrono::milliseconds{7};
  log.report(1, activity);
  log.report(2, activity);
  REQUIRE(log.of(1).size() == 1);
  CHECK(log.of(1).front()->gap_out == Duration{std::chrono::milliseconds{7}});
  CHECK(log.statistics().measured_gaps == 1);
}
