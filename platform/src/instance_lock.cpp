// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/instance_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

namespace mipflow::platform {

Result<InstanceLock> InstanceLock::take(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error) return fail("cannot make the directory " + file.parent_path().string(), error.value());
  FileDescriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!descriptor) return fail("cannot open the lock " + file.string(), errno);
  if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> text{};
    long process = 0;
    const ssize_t size = ::read(descriptor.get(), text.data(), text.size());
    if (size > 0) std::from_chars(text.data(), text.data() + size, process);
    return fail("another daemon runs here already" + (process > 0 ? " (process " + std::to_string(process) + ")" : std::string()) +
                "; stop it first, or give this one its own --runtime-dir and --pin-dir");
  }
  const std::string process = std::to_string(::getpid()) + "\n";
  if (::ftruncate(descriptor.get(), 0) != 0 || ::pwrite(descriptor.get(), process.data(), process.size(), 0) < 0)
    return fail("cannot write the lock " + file.string(), errno);
  return InstanceLock(std::move(descriptor));
}

}  // namespace mipflow::platform
