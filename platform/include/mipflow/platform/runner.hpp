// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a role: the one rule of base/role.hpp, make before break, lives here and nowhere else.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/plan_changes.hpp"

namespace mipflow::platform {

// What a runner needs from the world, so that tests can hand it a kernel that only remembers.
class RunnerPort {
 public:
  virtual ~RunnerPort() = default;
  virtual Now now() = 0;
  // Refusals are appended to `refused`.
  virtual void add(const PlanChanges& changes, std::vector<Failure>& refused) = 0;
  virtual void remove(const PlanChanges& changes, std::vector<Failure>& refused) = 0;
  virtual void send(const OutgoingPacket& packet) = 0;
  virtual void release(const Verdict& verdict) = 0;
  virtual void tell(const Notice& notice, TimePoint now) = 0;
  // Something to have again after a restart. Must not call the runner.
  virtual void keep(const KeptText& /*text*/) {}
  virtual void arm(TimePoint deadline) = 0;
  // The kernel refused parts of the plan. Called when everything else is done; must not call the runner, which is
  // still at work, but may have it called later.
  virtual void refused(std::vector<Failure> failures) = 0;
};

// `Role` fulfils the contract of base/role.hpp with events of type `Event`. One thread.
template <class Role, class Event>
class Runner {
 public:
  Runner(Role& role, RunnerPort& port) : role_(role), port_(port) {}

  void handle(const Event& event) {
    command([&](Now now, Outputs& outputs) { role_.handle(event, now, outputs); });
  }
  void on_deadline() {
    command([&](Now now, Outputs& outputs) { role_.on_deadline(now, outputs); });
  }
  // Between begin() and end() events only change the role; end() carries out what came of all of them together. For what
  // belongs together: the first picture of the network, the notifications about one cable that was cut.
  void begin() { ++open_; }
  void end() {
    if (--open_ == 0) carry_out(port_.now());
  }

  // At the start, in front of KernelState::reconcile(), which brings the whole plan: what the role wants already is no change.
  void leave_to_reconciliation() {
    static_cast<void>(take_changes(role_.plan(), before_));
    port_.arm(role_.next_deadline());
  }

  // Calls `call(now, outputs)`, which changes the role, and carries out what came of it. Returns what it returned.
  template <class Call>
  auto command(Call&& call) {
    const Now now = port_.now();
    if constexpr (std::is_void_v<decltype(call(now, outputs_))>) {
      call(now, outputs_);
      carry_out(now);
    } else {
      auto result = call(now, outputs_);
      carry_out(now);
      return result;
    }
  }

 private:
  void carry_out(Now now) {
    if (open_ > 0) return;
    const PlanChanges changes = take_changes(role_.plan(), before_);
    std::vector<Failure> refused;
    if (!changes.empty()) port_.add(changes, refused);
    for (const auto& packet : outputs_.packets) port_.send(packet);
    for (const auto& verdict : outputs_.verdicts) port_.release(verdict);
    if (!changes.empty()) port_.remove(changes, refused);
    port_.arm(role_.next_deadline());
    // Behind the verdicts: writing a line takes longer than everything a first packet waits for.
    for (const auto& notice : outputs_.notices) port_.tell(notice, now.monotonic);
    for (const auto& text : outputs_.kept) port_.keep(text);
    outputs_.clear();
    if (!refused.empty()) port_.refused(std::move(refused));
  }

  Role& role_;
  RunnerPort& port_;
  Outputs outputs_;
  unsigned open_ = 0;
  CarriedOut before_;
};

}  // namespace mipflow::platform
