// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "mipflow/platform/runner.hpp"
#include "simulation/simulator/event_queue.hpp"
#include "simulation/simulator/memory_kernel.hpp"
#include "simulation/simulator/network.hpp"

namespace mipflow::simulation {

// A station that runs a role by the platform's own runner, on a kernel that only remembers.
class RoleHost : public Station, public platform::RunnerPort {
 public:
  RoleHost(EventQueue& clock, Network& network) : clock_(clock), network_(network) {}

  Now time() const { return {clock_.now(), kWallAtStart + clock_error + clock_.now().time_since_epoch()}; }
  bool noticed(const std::string& event) const {
    for (const auto& notice : notices)
      if (notice == event) return true;
    return false;
  }

  MemoryKernel kernel;
  Duration clock_error{};            // how much the wall clock of this node is ahead
  std::vector<std::string> notices;  // identifiers
  std::map<std::string, std::string> kept;  // what the role wants to have again after a restart

 protected:
  virtual void wake() = 0;

  Now now() override { return time(); }
  void add(const platform::PlanChanges& changes, std::vector<platform::Failure>&) override { kernel.add(changes); }
  void remove(const platform::PlanChanges& changes, std::vector<platform::Failure>&) override {
    kernel.remove(changes);
    kernel.expect_no_flow_lost(changes);
  }
  void release(const Verdict&) override {}
  void tell(const Notice& notice, TimePoint) override { notices.emplace_back(notice.event); }
  void keep(const KeptText& text) override { kept[text.name] = text.text; }
  void refused(std::vector<platform::Failure>) override {}

  void arm(TimePoint deadline) override {
    const auto generation = ++armed_;
    if (deadline == kNever) return;
    // A role that wants to be woken without end would stop time.
    constexpr unsigned kPatience = 1000;
    if (deadline > clock_.now()) {
      wakes_at_once_ = 0;
    } else if (++wakes_at_once_ > kPatience) {
      throw std::logic_error("a role wants to be woken again and again without time passing");
    }
    clock_.at(deadline, [this, generation] {
      if (generation == armed_) wake();
    });
  }
  // The process is gone: nothing that it planned happens any more.
  void disarm() { ++armed_; }

  EventQueue& clock_;
  Network& network_;

 private:
  static constexpr Duration kWallAtStart = std::chrono::seconds{1'700'000'000};
  std::uint64_t armed_ = 0;
  unsigned wakes_at_once_ = 0;
};

}  // namespace mipflow::simulation
