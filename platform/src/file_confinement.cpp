// SPDX-License-Identifier: GPL-3.0-or-later
// Landlock (Documentation/userspace-api/landlock.rst), by its system calls: no library of Debian 12 has them.
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "mipflow/platform/privileges.hpp"

namespace mipflow::platform {

namespace {

// As in <linux/landlock.h> of Linux 6.12; a kernel that knows less is asked for less.
struct Ruleset {
  std::uint64_t file_accesses;
  std::uint64_t network_accesses;  // from ABI 4 on
  std::uint64_t scopes;            // from ABI 6 on
};

constexpr std::uint64_t kRefer = 1U << 13;      // ABI 2: renaming from one folder into another
constexpr std::uint64_t kTruncate = 1U << 14;   // ABI 3
constexpr std::uint64_t kTcp = 1U << 0 | 1U << 1;  // ABI 4: bind, connect
constexpr std::uint64_t kSignals = 1U << 1;     // ABI 6

constexpr std::uint64_t kInFiles = LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t kInFolders = kInFiles | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK;
constexpr std::uint64_t kReading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
// Nobody gets these.
constexpr std::uint64_t kNowhere =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
    LANDLOCK_ACCESS_FS_MAKE_SYM;

// 0 or less: the kernel has none.
long landlock_version() { return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION); }

}  // namespace

Result<void> FileConfinement::allow(int rules, const std::filesystem::path& folder, std::uint64_t accesses) {
  // Kept open: the kernel knows a folder of /proc/sys by its inode, and would make another one when nobody used it for a while.
  FileDescriptor opened(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return {};
  const landlock_path_beneath_attr rule{.allowed_access = accesses, .parent_fd = opened.get()};
  if (::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    return fail("cannot let the daemon use " + folder.string() + " (Landlock)", errno);
  folders_.push_back(std::move(opened));
  return {};
}

bool FileConfinement::is_possible() { return landlock_version() >= 1; }

Result<FileConfinement> FileConfinement::begin(const Folders& folders) {
  FileConfinement out;
  const long version = landlock_version();
  if (version < 1) return out;

  const std::uint64_t truncate = version >= 3 ? kTruncate : 0;
  const std::uint64_t reading = folders.readable ? kReading : 0;
  Ruleset ruleset{kInFolders | kNowhere | truncate | reading, 0, 0};
  std::size_t size = sizeof ruleset.file_accesses;
  if (version >= 2) ruleset.file_accesses |= kRefer;
  if (version >= 4) {
    ruleset.network_accesses = kTcp;
    size = offsetof(Ruleset, scopes);
  }
  if (version >= 6) {
    ruleset.scopes = kSignals;
    size = sizeof ruleset;
  }
  const FileDescriptor rules(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &ruleset, size, 0)));
  if (!rules) return fail("cannot confine what the daemon can do with files (Landlock)", errno);

  for (const auto& folder : folders.writable)
    if (auto done = out.allow(rules.get(), folder, kInFolders | truncate | reading); !done) return Unexpected{done.error()};
  for (const auto& folder : folders.readable.value_or(std::vector<std::filesystem::path>{}))
    if (auto done = out.allow(rules.get(), folder, reading); !done) return Unexpected{done.error()};
  if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0) return fail("cannot confine what the daemon can do with files (Landlock)", errno);
  out.in_force_ = true;
  return out;
}

}  // namespace mipflow::platform
