// SPDX-License-Identifier: GPL-3.0-or-later
// Which process has a socket open, and what it is. The kernel shows that of others' processes to who may trace them
// (CAP_SYS_PTRACE), which is nearly as much as root: therefore a helper process answers that, and can do nothing else with it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/helper_process.hpp"

namespace mipflow::platform {

struct SocketHolder {
  pid_t process = 0;    // 0: nobody was found
  std::string program;  // path; empty when it can not be seen
  std::string cgroup;
  bool time_was_over = false;  // nobody was found, and not all were looked at
};

class SocketHolders {
 public:
  using Clock = std::chrono::steady_clock;
  virtual ~SocketHolders() = default;

  // `cgroup`: that of the socket, "" if not known; its processes are looked at before the others.
  virtual SocketHolder find(std::uint64_t inode, std::optional<std::uint32_t> user, const std::string& cgroup, Clock::time_point until) = 0;
  // Whether the process is in the network namespace of this one. nullopt: it may not be looked at, or is gone.
  virtual std::optional<bool> is_in_our_network(pid_t process) = 0;
  // The control group of the process; "" when it may not be seen.
  virtual std::string cgroup_of(pid_t process) = 0;
};

// In this process, as far as it may see others. One thread at a time.
std::unique_ptr<SocketHolders> look_for_holders_here();
// By a helper; for several threads.
std::unique_ptr<SocketHolders> look_for_holders_by(std::unique_ptr<HelperProcess> helper);
// What look_for_holders_by() needs, as this user.
HelperProcess::Role socket_holders_role(const ServiceUser& user);

}  // namespace mipflow::platform
