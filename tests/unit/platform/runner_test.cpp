// SPDX-License-Identifier: GPL-3.0-or-later
// The order in which a runner carries things out, against a world that only remembers.
#include <catch2/catch.hpp>

#include "mipflow/platform/runner.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace std::chrono_literals;

namespace {

const Address kOld = *Address::parse("2001:db8:a::1");
const Address kNew = *Address::parse("2001:db8:b::1");

struct Moved {};

// Moves from one care-of address to another, as every handover does.
class Role {
 public:
  void handle(const Moved&, Now now, Outputs& outputs) {
    seen_.push_back(now.monotonic);
    plan_.care_of_addresses.set(kNew, {7});
    plan_.care_of_addresses.erase(kOld);
    outputs.packets.push_back({.packet = {0x60}});
    outputs.verdicts.push_back({42, VerdictKind::Accept});
    outputs.notices.push_back({Severity::Info, "moved", "it moved"});
    deadline_ = now.monotonic + 5s;
  }
  void on_deadline(Now, Outputs& outputs) { outputs.notices.push_back({Severity::Info, "woken", ""}); deadline_ = kNever; }
  TimePoint next_deadline() const { return deadline_; }
  forwarding::ForwardingPlan& plan() { return plan_; }

  std::vector<TimePoint> seen_;
  forwarding::ForwardingPlan plan_;
  TimePoint deadline_ = kNever;
};

class World final : public RunnerPort {
 public:
  Now now() override { return {TimePoint{100s}, 0s}; }
  void add(const PlanChanges& changes, std::vector<Failure>& refused) override {
    for (const auto& entry : changes.care_of_addresses.set) steps.push_back("add " + to_string(entry.first));
    if (changes.default_route_changed && changes.default_route) steps.push_back("add default route");
    if (refuses) refused.push_back({"no room", 28});
  }
  void remove(const PlanChanges& changes, std::vector<Failure>&) override {
    for (const auto& address : changes.care_of_addresses.erase) steps.push_back("remove " + to_string(address));
    if (changes.default_route_changed && !changes.default_route) steps.push_back("remove default route");
  }
  void send(const OutgoingPacket&) override { steps.push_back("send"); }
  void release(const Verdict& verdict) override { steps.push_back("release " + std::to_string(verdict.packet)); }
  void tell(const Notice& notice, TimePoint) override { steps.push_back(std::string("tell ") + notice.event); }
  void arm(TimePoint deadline) override { armed = deadline; }
  void refused(std::vector<Failure> failures) override { steps.push_back("refused " + failures.front().message); }

  std::vector<std::string> steps;
  TimePoint armed{};
  bool refuses = false;
};

struct Bench {
  Role role;
  World world;
  Runner<Role, Moved> runner{role, world};
  Bench() {
    role.plan_.care_of_addresses.set(kOld, {3});
    runner.command([](Now, Outputs&) {});
    world.steps.clear();
  }
};

using Steps = std::vector<std::string>;

}  // namespace

TEST_CASE("make before break: additions, packets, verdicts, removals, and the operator last") {
  Bench bench;
  bench.runner.handle(Moved{});
  CHECK(bench.world.steps == Steps{"add 2001:db8:b::1", "send", "release 42", "remove 2001:db8:a::1", "tell moved"});
  CHECK(bench.role.seen_ == std::vector{TimePoint{100s}});
  CHECK(bench.world.armed == TimePoint{105s});
}

TEST_CASE("nothing is carried out twice") {
  Bench bench;
  bench.runner.handle(Moved{});
  bench.world.steps.clear();
  bench.runner.on_deadline();
  CHECK(bench.world.steps == Steps{"tell woken"});
  CHECK(bench.world.armed == kNever);
}

TEST_CASE("what a role wants at the start is left to reconciliation, what it wants later is not") {
  Bench bench;
  bench.role.plan_.care_of_addresses.set(kNew, {7});
  bench.role.deadline_ = TimePoint{107s};
  bench.runner.leave_to_reconciliation();
  CHECK(bench.world.steps.empty());
  CHECK(bench.world.armed == TimePoint{107s});
  bench.runner.command([&](Now, Outputs&) { bench.role.plan_.care_of_addresses.erase(kOld); });
  CHECK(bench.world.steps == Steps{"remove 2001:db8:a::1"});
}

TEST_CASE("events that belong together are carried out together") {
  Bench bench;
  bench.runner.begin();
  bench.runner.handle(Moved{});
  bench.runner.begin();
  bench.runner.command([&](Now, Outputs&) { bench.role.plan_.care_of_addresses.erase(kNew); });
  bench.runner.end();
  CHECK(bench.world.steps.empty());
  bench.runner.end();
  // The new address came and went: the kernel never hears of it.
  CHECK(bench.world.steps == Steps{"send", "release 42", "remove 2001:db8:a::1", "tell moved"});
}

TEST_CASE("a refusal is told when everything else is done") {
  Bench bench;
  bench.world.refuses = true;
  bench.runner.handle(Moved{});
  CHECK(bench.world.steps.back() == "refused no room");
  CHECK(bench.world.steps.size() == 6);
}

TEST_CASE("the default route is compared as a whole") {
  Bench bench;
  const auto set = [&](std::optional<forwarding::DefaultRoute> route) {
    bench.world.steps.clear();
    bench.runner.command([&](Now, Outputs&) { bench.role.plan_.default_route = route; });
    return bench.world.steps;
  };
  CHECK(set(forwarding::DefaultRoute{kOld, 1460}) == Steps{"add default route"});
  CHECK(set(forwarding::DefaultRoute{kOld, 1460}).empty());
  CHECK(set(forwarding::DefaultRoute{kOld, 1400}) == Steps{"add default route"});
  CHECK(set(std::nullopt) == Steps{"remove default route"});
}

TEST_CASE("a command's answer comes back") {
  Bench bench;
  CHECK(bench.runner.command([](Now now, Outputs&) { return now.monotonic; }) == TimePoint{100s});
}
