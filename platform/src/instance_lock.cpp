// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/instance_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

namespace mipflow::platform {

namespace {

std::string holder_of(const FileDescriptor& lock) {
  std::array<char, 32> text{};
  long process = 0;
  const ssize_t size = ::read(lock.get(), text.data(), text.size());
  if (size > 0) std::from_chars(text.data(), text.data() + size, process);
  return process > 0 ? " (process " + std::to_string(process) + ")" : std::string();
}

// `refusal`: what is told when somebody has it, before and behind the holder.
Result<FileDescriptor> lock_file(const std::filesystem::path& file, const std::array<std::string, 2>& refusal) {
  // Who may write to the directory, an unprivileged user of the daemon's, must not have root empty another file through a link.
  FileDescriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!descriptor && errno == ELOOP) return fail("the lock " + file.string() + " is a symbolic link; remove it");
  if (!descriptor) return fail("cannot open the lock " + file.string(), errno);
  // The folder may belong to another user than ours (--clean-up runs as root): then the file is that one's as well.
  struct stat folder{}, status{};
  if (::stat(file.parent_path().c_str(), &folder) != 0 || ::fstat(descriptor.get(), &status) != 0)
    return fail("cannot examine the lock " + file.string(), errno);
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1) return fail("the lock " + file.string() + " is no file of mipflow's; remove it");
  if (::geteuid() == 0 && status.st_uid != folder.st_uid && ::fchown(descriptor.get(), folder.st_uid, folder.st_gid) != 0 && errno != EPERM)
    return fail("cannot give the lock " + file.string() + " to the user of its folder", errno);
  if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) return fail(refusal[0] + holder_of(descriptor) + refusal[1]);
  const std::string process = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor.get(), 0) != 0 || ::pwrite(descriptor.get(), process.data(), process.size(), 0) < 0)
    return fail("cannot write the lock " + file.string(), errno);
  return descriptor;
}

}  // namespace

Result<InstanceLock> InstanceLock::take(const std::filesystem::path& directory, const std::string& brief, const std::string& device) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail("cannot make the directory " + directory.string(), error.value());
  auto name = lock_file(directory / (brief + ".lock"),
                        {"another daemon runs here already", "; stop it first, or give this one its own --runtime-dir and --pin-dir"});
  if (!name) return Unexpected{name.error()};
  auto held = lock_file(directory / ("device-" + device + ".lock"),
                        {"another daemon of mipflow has the device " + device,
                         ": a host runs one of mipflow-mnd, mipflow-had and mipflow-cnd; stop and disable that one first"});
  if (!held) return Unexpected{held.error()};
  return InstanceLock(std::move(*name), std::move(*held));
}

}  // namespace mipflow::platform
