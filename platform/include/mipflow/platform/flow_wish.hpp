// SPDX-License-Identifier: GPL-3.0-or-later
// What a user wants for the flows of a program or a socket, and where that is noted.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "mipflow/platform/cgroup_tree.hpp"
#include "mipflow/platform/failure.hpp"

namespace mipflow::platform {

struct FlowWish {
  std::string policy_class;  // name of a class of the policy; empty: as its rules say
  std::string interface;     // name; empty: as its class says
  bool empty() const { return policy_class.empty() && interface.empty(); }
  friend bool operator==(const FlowWish&, const FlowWish&) = default;
};

// Wishes for sockets, by their cookie. For several threads.
class SocketMarks {
 public:
  static constexpr std::size_t kMost = 4096;  // the oldest make room: nobody says when a socket is closed

  // `user`: whose socket it has to be when a flow of it begins. An empty wish takes the mark away.
  void set(std::uint64_t cookie, std::uint32_t user, FlowWish wish);
  // What is set already, to change a part of it.
  FlowWish find(std::uint64_t cookie, std::uint32_t user) const;
  bool empty() const;

 private:
  struct Mark {
    std::uint32_t user = 0;
    FlowWish wish;
  };
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, Mark> marks_;
  std::deque<std::uint64_t> in_order_;
};

// Who puts programs into control groups for `mipflow run`. For several threads: moving a process can take the kernel tens of
// milliseconds, which no packet shall wait for.
class ProgramGroupKeeper {
 public:
  virtual ~ProgramGroupKeeper() = default;

  // Makes a group below that of the process, or where we may not write there, below the next one above where we may, and moves
  // the process there. One that is in such a group already gets another beside it, and keeps what `wish` does not say. Gives
  // the new group's path. `present_group`: where the process is, as far as the caller may see that (hidepid); it has to be so.
  virtual Result<std::string> put_into_new_group(pid_t process, const FlowWish& wish, const std::string& present_group) = 0;
  // Removes those that nothing runs in any more.
  virtual void remove_empty() = 0;
  // No group is known.
  virtual bool empty() const = 0;
};

// The control groups of `mipflow run`: what runs in one has the wish that is written on it, as extended attributes of its
// folder. So the kernel remembers it, also while no daemon runs, and takes it over to everything that the program starts.
class ProgramGroups final : public ProgramGroupKeeper {
 public:
  static constexpr std::size_t kMost = 1024;

  // `tree`: nullopt on a host without cgroup v2. Takes over the groups that a daemon before this one made.
  explicit ProgramGroups(std::optional<CgroupTree> tree);

  Result<std::string> put_into_new_group(pid_t process, const FlowWish& wish, const std::string& present_group = {}) override;
  void remove_empty() override;
  // Moves what runs in them back to where it was, and removes them.
  void dissolve();
  bool empty() const override;

  // The wish that stands on a group, or on the innermost above it that has one.
  static FlowWish wish_for(const CgroupTree& tree, const std::string& path);

 private:
  std::set<std::string> paths() const;

  const std::optional<CgroupTree> tree_;
  mutable std::mutex mutex_;  // held for the set only, not while the kernel works
  std::set<std::string> paths_;
  std::atomic<unsigned> last_ = 0;
};

}  // namespace mipflow::platform
