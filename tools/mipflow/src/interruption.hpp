// SPDX-License-Identifier: GPL-3.0-or-later
// Signals that end a command which has something to put right before it ends.
#pragma once

#include <array>
#include <csignal>
#include <cstddef>

#include "command_line.hpp"

namespace mipflow::tools {

// While one exists, SIGINT, SIGTERM and SIGHUP wake wait() instead of ending the process; SIGWINCH and SIGCONT wake it too.
// Whoever has changed the terminal also wants to know of SIGTSTP. One at a time.
class Interruption {
 public:
  explicit Interruption(bool stops_too = false);
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  enum class Woken : unsigned char { Time, Input, Interrupted, Stopped, Resized };
  // Until the time is over, `input` (-1: nothing) can be read, or a signal came.
  Woken wait(Span time, int input = -1);

 private:
  static constexpr std::array<int, 6> kSignals{SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT, SIGTSTP};
  std::array<struct sigaction, kSignals.size()> before_{};
  std::size_t count_;  // of kSignals
};

}  // namespace mipflow::tools
