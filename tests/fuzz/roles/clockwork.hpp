// SPDX-License-Identifier: GPL-3.0-or-later
// Virtual time for a role, and what the contract of base/role.hpp promises at every moment of it.
#pragma once

#include <algorithm>
#include <functional>

#include "fuzz/target.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::fuzz {

class Clockwork {
 public:
  // Called with what came out of the role, when something did.
  std::function<void(Outputs&)> on_outputs = [](Outputs&) {};

  Now now() const { return {now_, wall_ + now_.time_since_epoch()}; }
  void set_wall_clock(Duration by) { wall_ += by; }

  // call(now, outputs) does something with the role.
  template <class Call>
  auto call(const Call& call) {
    Outputs outputs;
    if constexpr (std::is_void_v<decltype(call(now(), outputs))>) {
      call(now(), outputs);
      on_outputs(outputs);
    } else {
      auto result = call(now(), outputs);
      on_outputs(outputs);
      return result;
    }
  }

  // Lets time pass and wakes the role whenever it asks for it.
  template <class Role>
  void advance(Role& role, Duration by) {
    const TimePoint until = now_ + by;
    unsigned wakes = 0;
    while (role.next_deadline() <= until) {
      if (role.next_deadline() > now_) at_once_ = 0;
      now_ = std::max(now_, role.next_deadline());
      // A role that wants to be woken without end would stop time.
      must(++at_once_ <= kMostAtOnce, "the role wants to be woken again and again without time passing");
      if (++wakes > kMostWakes) break;
      call([&](Now at, Outputs& outputs) { role.on_deadline(at, outputs); });
    }
    at_once_ = 0;
    now_ = until;
  }

 private:
  static constexpr unsigned kMostAtOnce = 1'000;
  static constexpr unsigned kMostWakes = 2'000;  // then the input has had its share of the day

  TimePoint now_{std::chrono::hours{1}};
  Duration wall_ = std::chrono::seconds{1'700'000'000};
  unsigned at_once_ = 0;
};

}  // namespace mipflow::fuzz
