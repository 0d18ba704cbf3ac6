// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace mipflow::platform {

// Finds the process that has a socket open, by /proc/PID/fd or fdinfo. The kernel keeps no list of that, so it is a search;
// where it begins decides what it costs.
class SocketProcesses {
 public:
  using Clock = std::chrono::steady_clock;

  // First the process that had it the last time, then those that had sockets of late, then `likely`, then all of the user, then
  // all. Of a process and those that inherited the socket from it, it is the former. 0 when none has it, or may not be looked at;
  // nullopt when time is over before all were looked at.
  std::optional<pid_t> find(std::uint64_t inode, std::optional<std::uint32_t> user, const std::function<std::vector<pid_t>()>& likely, Clock::time_point until);

 private:
  struct Place {
    pid_t process = 0;
    std::string descriptor;  // its number, as text
  };
  std::optional<std::uint64_t> socket_in(int folder, bool is_info, const char* descriptor);
  bool is_still_at(const Place& place, std::uint64_t inode);
  pid_t first_that_had(std::uint64_t inode);
  bool search(pid_t process, std::uint64_t inode, Clock::time_point until);
  void remember_process(pid_t process);

  std::unordered_map<std::uint64_t, Place> places_;  // of all sockets that were seen; looked at again before they are believed
  std::deque<pid_t> of_late_;                        // the last one first
  std::optional<std::uint64_t> mount_of_sockets_;    // of the file system that sockets are in
};

}  // namespace mipflow::platform
