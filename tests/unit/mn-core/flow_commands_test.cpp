// SPDX-License-Identifier: GPL-3.0-or-later
// Moves that can be taken back, trials, and what an operator is told about a flow.
#include "flow_support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

struct OneFlow {
  TestNode test;
  FlowId id = 0;
  std::uint64_t packets = 0, retransmissions = 0;

  OneFlow() {
    settle_in(test);
    test.outgoing_tcp(5000, 0x02);
    test.serve(3s);
    id = test.flow_with_port(5000)->id;
    report(100, 100);
  }

  FlowSnapshot flow() { return *test.flow_with_port(5000); }
  // The data path's next report.
  void report(std::uint64_t out, std::uint64_t in, std::uint64_t sent_twice = 0, Duration gap = 10ms) {
    packets_out += out;
    packets_in += in;
    retransmissions += sent_twice;
    test.handle(FlowActivities{{FlowActivity{.key = flow().key,
                                             .packets_out = packets_out,
                                             .packets_in = packets_in,
                                             .retransmissions_out = retransmissions,
                                             .longest_gap_out = gap / 2,
                                             .longest_gap_in = gap}}});
  }
  auto attempt(const char* interface, Duration duration, bool keep_if_better = false) {
    return test.command([&](Now now, Outputs& outputs) { return test.node.try_flow(id, interface, duration, keep_if_better, now, outputs); });
  }
  auto keep() {
    return test.command([&](Now now, Outputs& outputs) { return test.node.keep_flow(id, now, outputs); });
  }
  auto undo(std::optional<FlowId> flow) {
    return test.command([&](Now now, Outputs& outputs) { return test.node.undo_move(flow, now, outputs); });
  }
  auto release() {
    return test.command([&](Now now, Outputs& outputs) { return test.node.release_flow(id, now, outputs); });
  }
  FlowExplanation explain() { return *test.node.explain(id, test.both()); }

  std::uint64_t packets_out = 0, packets_in = 0;
};

}  // namespace

TEST_CASE("undo takes back moves by command, the newest first, until the policy decides again") {
  OneFlow scene;
  REQUIRE(scene.flow().interface == "wlan0");
  CHECK(scene.undo(std::nullopt).error().kind == CommandError::Kind::NotPossible);
  REQUIRE(scene.test.move(scene.id, "wwan0"));
  scene.test.serve(1s);
  REQUIRE(scene.test.move(scene.id, "wlan0"));
  scene.test.serve(1s);
  CHECK(scene.flow().interface_reason == "moved by command");
  CHECK(scene.undo(scene.id).value() == scene.id);
  scene.test.serve(1s);
  CHECK(scene.flow().interface == "wwan0");
  CHECK(scene.undo(std::nullopt).value() == scene.id);
  scene.test.serve(1s);
  CHECK(scene.flow().interface == "wlan0");
  CHECK(scene.flow().interface_reason != "moved by command");
  CHECK(scene.undo(scene.id).error().kind == CommandError::Kind::NotPossible);
  CHECK(scene.undo(FlowId{99}).error().kind == CommandError::Kind::UnknownFlow);
}

TEST_CASE("release leaves the interface to the policy, and can be undone") {
  OneFlow scene;
  REQUIRE(scene.test.move(scene.id, "wwan0"));
  scene.test.serve(1s);
  REQUIRE(scene.release());
  scene.test.serve(1s);
  CHECK(scene.flow().interface == "wlan0");
  REQUIRE(scene.undo(scene.id));
  scene.test.serve(1s);
  CHECK(scene.flow().interface == "wwan0");
}

TEST_CASE("a trial that nobody keeps goes back exactly when its time is over") {
  OneFlow scene;
  REQUIRE(scene.attempt("wwan0", 10s));
  const TimePoint begun = scene.test.now();
  scene.test.serve(2s);
  CHECK(scene.flow().interface == "wwan0");
  CHECK(scene.explain().trial->outcome == "running");
  CHECK(scene.explain().trial->ends_in == 8s);
  scene.report(50, 40);
  scene.test.advance_to(begun + 10s - 1ns);
  CHECK(scene.flow().interface == "wwan0");
  scene.test.take_updates();
  scene.test.take_events();
  scene.test.advance(1ns);
  CHECK(scene.test.take_updates().size() == 1);
  CHECK(scene.test.saw_event("trial-rolled-back"));
  scene.test.serve(1s);
  CHECK(scene.flow().interface == "wlan0");
  const auto trial = *scene.explain().trial;
  CHECK(trial.outcome == "rolled back");
  CHECK(trial.reason == "nobody asked to keep it: 50 packets out, 40 in, 0 segments sent twice");
  CHECK(scene.undo(scene.id).error().kind == CommandError::Kind::NotPossible);
}

TEST_CASE("a trial that is kept stays, and its move can be undone") {
  OneFlow scene;
  REQUIRE(scene.attempt("wwan0", 10s));
  scene.test.serve(2s);
  REQUIRE(scene.keep());
  CHECK(scene.keep().error().kind == CommandError::Kind::NotPossible);
  scene.test.serve(20s);
  CHECK(scene.flow().interface == "wwan0");
  CHECK(scene.explain().trial->outcome == "kept");
  REQUIRE(scene.undo(scene.id));
  scene.test.serve(1s);
  CHECK(scene.flow().interface == "wlan0");
}

TEST_CASE("a trial keeps what was no worse, and nothing else") {
  OneFlow scene;
  REQUIRE(scene.attempt("wwan0", 5s, true));
  scene.test.serve(1s);
  SECTION("as good") {
    scene.report(200, 200, 1);
    scene.test.serve(5s);
    CHECK(scene.flow().interface == "wwan0");
    CHECK(scene.explain().trial->reason == "it was no worse there: 200 packets out, 200 in, 1 segments sent twice");
  }
  SECTION("much was lost") {
    scene.report(200, 200, 40);
    scene.test.serve(5s);
    CHECK(scene.flow().interface == "wlan0");
    CHECK(scene.explain().trial->reason.find("40 segments were sent twice there") == 0);
  }
  SECTION("nothing came back") {
    scene.report(20, 0);
    scene.test.serve(5s);
    CHECK(scene.flow().interface == "wlan0");
    CHECK(scene.explain().trial->reason.find("nothing came back there") == 0);
  }
}

TEST_CASE("another command ends a trial; undo during a trial ends it at once") {
  OneFlow scene;
  REQUIRE(scene.attempt("wwan0", 10s));
  scene.test.serve(1s);
  SECTION("undo") {
    REQUIRE(scene.undo(scene.id));
    scene.test.serve(1s);
    CHECK(scene.flow().interface == "wlan0");
    CHECK(scene.explain().trial->outcome == "rolled back");
  }
  SECTION("move") {
    REQUIRE(scene.test.move(scene.id, "wwan0"));
    scene.test.serve(15s);
    CHECK(scene.flow().interface == "wwan0");
    CHECK(scene.explain().trial->outcome == "ended by another move");
  }
  SECTION("a second trial is refused") { CHECK(scene.attempt("wlan0", 5s).error().kind == CommandError::Kind::NotPossible); }
}

TEST_CASE("a trial that makes no sense changes nothing") {
  OneFlow scene;
  CHECK(scene.attempt("wlan0", 5s).error().message == "Flow " + std::to_string(scene.id) + " is on wlan0 already.");
  CHECK(scene.attempt("eth7", 5s).error().kind == CommandError::Kind::UnknownInterface);
  CHECK(scene.attempt("wwan0", 0s).error().message == "A trial lasts 1 s to 1 h.");
  CHECK(scene.attempt("wwan0", 2h).error().kind == CommandError::Kind::NotPossible);
  CHECK(scene.test.take_updates().empty());
  CHECK_FALSE(scene.explain().trial);
}

TEST_CASE("after the goodbye nothing moves, by no command and at the end of no trial") {
  OneFlow scene;
  SECTION("commands are refused") {
    REQUIRE(scene.test.move(scene.id, "wwan0"));
    scene.test.serve(1s);
    scene.test.stop();
    for (const auto& done : {scene.test.move(scene.id, "wlan0"), scene.attempt("wlan0", 5s), scene.keep(), scene.release()}) {
      REQUIRE_FALSE(done);
      CHECK(done.error().message == "The daemon is stopping; no flow can be moved any more.");
    }
    CHECK(scene.undo(scene.id).error().kind == CommandError::Kind::NotPossible);
  }
  SECTION("a trial is not rolled back") {
    REQUIRE(scene.attempt("wwan0", 1s));
    scene.test.serve(500ms);
    scene.test.stop();
    scene.test.take_events();
    scene.test.advance(3s);
    CHECK_FALSE(scene.test.saw_event("trial-rolled-back"));
  }
  CHECK(scene.flow().interface == "wwan0");
  CHECK(path_of(scene.test, scene.flow().key) == kWwanAddress);
}

TEST_CASE("a flow that ends takes its trial and its moves along") {
  OneFlow scene;
  REQUIRE(scene.attempt("wwan0", 10s));
  scene.test.serve(1s);
  scene.test.handle(FlowActivities{{FlowActivity{.key = scene.flow().key, .packets_out = 300, .closed = true}}});
  scene.test.serve(20s);
  CHECK_FALSE(scene.test.flow_with_port(5000));
  CHECK_FALSE(scene.test.node.explain(scene.id, scene.test.both()));
  CHECK(scene.undo(std::nullopt).error().kind == CommandError::Kind::NotPossible);
}

TEST_CASE("moves are remembered with their cause, and measured over two seconds") {
  OneFlow scene;
  scene.report(10, 10, 2);
  REQUIRE(scene.test.move(scene.id, "wwan0"));
  scene.test.serve(1s);
  scene.report(10, 10, 3, 40ms);
  CHECK_FALSE(scene.explain().moves.front().gap_in);  // not over yet
  scene.test.serve(1s);
  scene.report(10, 10, 0, 20ms);
  auto moves = scene.explain().moves;
  REQUIRE(moves.size() == 1);
  CHECK(moves[0].from == "wlan0");
  CHECK(moves[0].to == "wwan0");
  CHECK(moves[0].cause == "command");
  CHECK(moves[0].ago == 2s);
  CHECK(moves[0].gap_in == 40ms);
  CHECK(moves[0].gap_out == 20ms);
  CHECK(moves[0].retransmissions_out == 3u);  // those before the move are not its fault
  CHECK(moves[0].retransmissions_in == 0u);
  const auto statistics = scene.test.node.move_statistics();
  CHECK(statistics.moves == 1);
  CHECK(statistics.measured_gaps == 1);
  CHECK(statistics.sum_of_gaps == Approx(0.04));
  CHECK(statistics.gaps[4] == 0);  // at most 20 ms
  CHECK(statistics.gaps[5] == 1);  // at most 50 ms
  CHECK(statistics.gaps.back() == 1);
  CHECK(statistics.sum_of_retransmissions == 3);

  scene.test.carrier(kWwan, "wwan0", false, InterfaceKind::Cellular);
  scene.test.serve(1s);
  moves = scene.explain().moves;
  REQUIRE(moves.size() == 2);
  CHECK(moves[0].cause == "interface lost");
  CHECK(moves[0].to == "wlan0");
}

TEST_CASE("explain tells why the flow has its home address and why not the other interfaces") {
  OneFlow scene;
  CHECK(scene.explain().flow.home_address_reason == "a new one for it alone, registered in advance (Figure 6, step 43)");
  const auto interfaces = scene.explain().interfaces;
  REQUIRE(interfaces.size() == 2);
  CHECK(interfaces[0].interface == "wlan0");
  CHECK(interfaces[0].chosen);
  CHECK(interfaces[1].interface == "wwan0");
  CHECK_FALSE(interfaces[1].chosen);
  CHECK(interfaces[1].reason == "less preferred");
  scene.test.incoming(7000);
  CHECK(scene.test.flow_with_port(7000)->home_address_reason == "the correspondent node began the flow with it");
}
