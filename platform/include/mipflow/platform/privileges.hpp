// SPDX-License-Identifier: GPL-3.0-or-later
// What a process may still do once it serves the network (docs/decisions/0025-least-privilege.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/service_user.hpp"

namespace mipflow::platform {

// capabilities(7), by the numbers of <linux/capability.h>.
class Capabilities {
 public:
  constexpr Capabilities() = default;
  constexpr Capabilities(std::initializer_list<int> numbers) {
    for (const int number : numbers) bits_ |= std::uint64_t{1} << number;
  }
  constexpr explicit Capabilities(std::uint64_t bits) : bits_(bits) {}

  constexpr bool has(int number) const { return (bits_ >> number & 1) != 0; }
  constexpr std::uint64_t bits() const { return bits_; }
  constexpr Capabilities operator&(Capabilities other) const { return Capabilities(bits_ & other.bits_); }
  constexpr Capabilities operator|(Capabilities other) const { return Capabilities(bits_ | other.bits_); }
  friend constexpr bool operator==(Capabilities, Capabilities) = default;

  // "CAP_NET_ADMIN", in the order of their numbers; one that this program does not know is "CAP_63".
  std::vector<std::string> names() const;

 private:
  std::uint64_t bits_ = 0;
};

// What this process has, as the kernel says (/proc/self/status).
struct Privileges {
  std::string user;
  Capabilities effective;
  Capabilities bounding;
  bool no_new_privileges = false;
  bool system_calls_filtered = false;
};
Privileges present_privileges();

// Becomes the user, keeps of `wanted` what the process has and nothing else, in no set more, and takes on no privileges any more, by
// exec neither. Without the right to change users (not started as root) it stays who it is. Only before other threads are started.
Result<void> drop_privileges(const ServiceUser& user, Capabilities wanted);

// Which system calls are left. Others are answered with EPERM, and named in the kernel's log.
enum class SystemCalls : std::uint8_t {
  Daemon,           // files, sockets of the families that we use, bpf(); no program, no other process, no other user
  SocketHolders,    // looking at /proc, and nothing that writes but to who asks
  ProgramGroups,    // folders and files of the control groups
};
Result<void> filter_system_calls(SystemCalls left);

// By Landlock: nothing below other folders can be made, written, renamed or removed any more, nothing be executed, no TCP connection be
// made or taken, and no process outside be signalled, as far as the kernel knows these. Open descriptors stay as they are. Not in
// force where the kernel has no Landlock. Has to be kept as long as the folders are used.
class FileConfinement {
 public:
  struct Folders {
    std::vector<std::filesystem::path> writable;                       // those that do not exist are left out
    std::optional<std::vector<std::filesystem::path>> readable = {};  // beside them; nullopt: everything, as the file modes have it
  };
  static Result<FileConfinement> begin(const Folders& folders);
  // The kernel has Landlock.
  static bool is_possible();
  bool is_in_force() const { return in_force_; }

 private:
  Result<void> allow(int rules, const std::filesystem::path& folder, std::uint64_t accesses);

  std::vector<FileDescriptor> folders_;
  bool in_force_ = false;
};

}  // namespace mipflow::platform
