// SPDX-License-Identifier: GPL-3.0-or-later
#include "bpf_file_system.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace mipflow::datapath {

namespace {

constexpr std::string_view kUsualPlace = "/sys/fs/bpf";

bool is_bpf_file_system(const std::filesystem::path& path) {
  struct statfs info {};
  return ::statfs(path.c_str(), &info) == 0 && info.f_type == BPF_FS_MAGIC;
}

// The directory itself or the nearest one above it that exists.
std::filesystem::path nearest_existing(std::filesystem::path path) {
  std::error_code ignored;
  while (path.has_relative_path() && !std::filesystem::exists(path, ignored)) path = path.parent_path();
  return path;
}

}  // namespace

Result make_pin_directory(const std::string& path) {
  if (path.empty() || path.front() != '/') return failure(EINVAL, "pin directory \"" + path + "\"", "an absolute path is needed");
  const bool in_usual_place = path == kUsualPlace || path.starts_with(std::string(kUsualPlace) + "/");
  if (!is_bpf_file_system(nearest_existing(path))) {
    if (!in_usual_place)
      return failure(EINVAL, "pin directory " + path, "it does not lie in a bpf file system: mount one there with "
                                                      "`mount -t bpf bpf DIRECTORY`, or use one below /sys/fs/bpf");
    if (::mount("bpf", std::string(kUsualPlace).c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0)
      return failure(errno, "cannot mount the bpf file system on /sys/fs/bpf");
  }
  // Owner only: whoever may open a pinned map can send the mobile node's packets anywhere.
  std::filesystem::path step = "/";
  for (const auto& part : std::filesystem::path(path).relative_path()) {
    step /= part;
    if (::mkdir(step.c_str(), 0700) != 0 && errno != EEXIST && errno != EROFS && !std::filesystem::exists(step))
      return failure(errno, "cannot make the pin directory " + step.string());
  }
  return {};
}

Expected<FileDescriptor, Error> lock_pin_directory(const std::string& path) {
  FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return failure(errno, "cannot open the pin directory " + path);
  if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    const int code = errno == EWOULDBLOCK ? EBUSY : errno;
    return failure(code, "pin directory " + path, code == EBUSY ? "another daemon uses it: stop that one or give this one a directory of its own" : "");
  }
  return directory;
}

Result remove_pin_directory(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  if (!is_bpf_file_system(path)) return failure(EINVAL, "pin directory " + path, "it is in no bpf file system, so nothing of it is removed");
  std::filesystem::remove_all(path, error);
  if (error) return failure(error.value(), "cannot remove the pin directory " + path);
  for (auto above = std::filesystem::path(path).parent_path();
       above != kUsualPlace && is_bpf_file_system(above) && ::rmdir(above.c_str()) == 0; above = above.parent_path()) {
  }
  return {};
}

}  // namespace mipflow::datapath
