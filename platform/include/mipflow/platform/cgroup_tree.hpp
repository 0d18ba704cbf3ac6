// SPDX-License-Identifier: GPL-3.0-or-later
// The hierarchy of control groups, version 2 (Documentation/admin-guide/cgroup-v2.rst).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace mipflow::platform {

class CgroupTree {
 public:
  // Where it is mounted, by /proc/self/mountinfo; nullopt on a host without it.
  static std::optional<CgroupTree> find();

  // A group by its id, below the root of the hierarchy: "/system.slice/ssh.service". Empty when it has gone or lies outside of
  // what is mounted. Looks through the whole tree for a new one, once for each id.
  std::string path_of(std::uint64_t id);
  // The group that a process is in now; empty when it can not be found out.
  static std::string path_of_process(pid_t process);

  // The folder of a group, also of one that does not exist (yet).
  std::filesystem::path folder_of(const std::string& path) const;
  // The processes in a group itself, not in those below it.
  std::vector<pid_t> processes_in(const std::string& path) const;

 private:
  CgroupTree(std::filesystem::path mount, std::string root) : mount_(std::move(mount)), root_(std::move(root)) {}

  std::filesystem::path mount_;
  std::string root_;  // of the hierarchy, what is mounted; "" for all of it
  std::unordered_map<std::uint64_t, std::string> paths_;
  std::unordered_set<std::uint64_t> gone_;  // an id is not used again: what was not found once never will be
};

// The innermost systemd unit that a path names: "firefox.scope" in "/user.slice/user-1000.slice/firefox.scope/tab". Empty when
// there is none.
std::string unit_in(std::string_view cgroup_path);

}  // namespace mipflow::platform
