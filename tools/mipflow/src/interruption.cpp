// SPDX-License-Identifier: GPL-3.0-or-later
#include "interruption.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

namespace mipflow::tools {
namespace {

// A handler may touch little more than this; the pipe wakes a poll that would sleep through a flag.
int wake_pipe[2] = {-1, -1};

void on_signal(int number) {
  const int error = errno;
  const auto octet = static_cast<unsigned char>(number);
  [[maybe_unused]] const auto written = write(wake_pipe[1], &octet, 1);
  errno = error;
}

}  // namespace

Interruption::Interruption(bool stops_too) : count_(stops_too ? kSignals.size() : kSignals.size() - 1) {
  // When no pipe is to be had, signals keep their meaning: the command ends, and the daemon puts things right in time.
  if (pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return;
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (std::size_t index = 0; index < count_; ++index) sigaction(kSignals[index], &action, &before_[index]);
}

Interruption::~Interruption() {
  if (wake_pipe[0] < 0) return;
  for (std::size_t index = 0; index < count_; ++index) sigaction(kSignals[index], &before_[index], nullptr);
  for (int& end : wake_pipe) {
    close(end);
    end = -1;
  }
}

Interruption::Woken Interruption::wait(Span time, int input) {
  pollfd watched[2] = {{wake_pipe[0], POLLIN, 0}, {input, POLLIN, 0}};
  const int milliseconds = static_cast<int>(std::ceil(std::clamp(time.count(), 0.0, 86'400.0) * 1000));
  // EINTR: the signal is in the pipe by now.
  if (poll(watched, 2, milliseconds) < 0 && errno == EINTR) poll(watched, 1, 0);
  if ((watched[0].revents & POLLIN) != 0) {
    unsigned char number = 0;
    auto out = Woken::Resized;
    while (read(wake_pipe[0], &number, 1) == 1) {
      if (number == SIGTSTP && out == Woken::Resized) out = Woken::Stopped;
      if (number == SIGINT || number == SIGTERM || number == SIGHUP) out = Woken::Interrupted;
    }
    return out;
  }
  return watched[1].revents != 0 ? Woken::Input : Woken::Time;
}

}  // namespace mipflow::tools
