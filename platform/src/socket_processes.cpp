// SPDX-License-Identifier: GPL-3.0-or-later
#include "socket_processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>

#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

namespace {

constexpr std::size_t kMostPlaces = 65'536;
constexpr std::size_t kMostOfLate = 16;
constexpr unsigned kDescriptorsBetweenLooksAtTheClock = 64;

using Folder = std::unique_ptr<DIR, decltype([](DIR* folder) { ::closedir(folder); })>;

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// "socket:[12345]"
std::optional<std::uint64_t> socket_behind(int folder, const char* descriptor) {
  static constexpr std::string_view kBegin = "socket:[";
  std::array<char, 64> buffer;
  const ssize_t size = ::readlinkat(folder, descriptor, buffer.data(), buffer.size());
  if (size <= 0) return std::nullopt;
  std::string_view target(buffer.data(), static_cast<std::size_t>(size));
  if (!target.starts_with(kBegin) || !target.ends_with(']')) return std::nullopt;
  target.remove_prefix(kBegin.size());
  target.remove_suffix(1);
  return number_in<std::uint64_t>(target);
}

// What the line "key:\t12345" of a text says.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
  const auto begin = text.find(key);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin + key.size());
  return number_in<std::uint64_t>(text.substr(0, text.find('\n')));
}

struct Inode {
  std::uint64_t mount = 0;
  std::uint64_t number = 0;
};

// By "fdinfo", whose folder is open to all and each file to those who may trace the process (Linux 5.14 and later say the inode there).
std::optional<Inode> inode_behind(int folder, const char* descriptor) {
  const FileDescriptor file(::openat(folder, descriptor, O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, 256> buffer;  // the first lines
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  if (size <= 0) return std::nullopt;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  const auto mount = number_after(text, "\nmnt_id:\t"), number = number_after(text, "\nino:\t");
  if (!mount || !number) return std::nullopt;
  return Inode{*mount, *number};
}

std::string folder_of(pid_t process, const char* name) { return "/proc/" + std::to_string(process) + "/" + name; }

// By "PID (name) state PPID ..."; the name may contain anything.
std::optional<pid_t> parent_of(pid_t process) {
  const FileDescriptor file(::open(("/proc/" + std::to_string(process) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, 256> buffer;
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  if (size <= 0) return std::nullopt;
  std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  static constexpr std::size_t kToParent = 4;  // ") S "
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos || text.size() <= name_end + kToParent) return std::nullopt;
  text.remove_prefix(name_end + kToParent);
  return number_in<pid_t>(text.substr(0, text.find(' ')));
}

// All sockets of a kernel have the same, and we have some.
std::optional<std::uint64_t> mount_of_sockets() {
  const Folder links(::opendir("/proc/self/fd")), infos(::opendir("/proc/self/fdinfo"));
  if (!links || !infos) return std::nullopt;
  while (const dirent* entry = ::readdir(links.get())) {
    if (!socket_behind(::dirfd(links.get()), entry->d_name)) continue;
    if (const auto inode = inode_behind(::dirfd(infos.get()), entry->d_name)) return inode->mount;
  }
  return std::nullopt;
}

// Those of the user first; of each the youngest first: what opens a socket has often just begun.
std::vector<pid_t> all_processes(std::optional<std::uint32_t> user) {
  std::vector<pid_t> of_user, others;
  const Folder folder(::opendir("/proc"));
  if (!folder) return {};
  while (const dirent* entry = ::readdir(folder.get())) {
    const auto process = number_in<pid_t>(entry->d_name);
    if (!process) continue;
    struct stat status{};
    const bool is_users = user && ::fstatat(::dirfd(folder.get()), entry->d_name, &status, 0) == 0 && status.st_uid == *user;
    (is_users ? of_user : others).push_back(*process);
  }
  std::sort(of_user.begin(), of_user.end(), std::greater<>());
  std::sort(others.begin(), others.end(), std::greater<>());
  of_user.insert(of_user.end(), others.begin(), others.end());
  return of_user;
}

}  // namespace

// `folder` is the process's "fd" or, where that is closed to us, its "fdinfo".
std::optional<std::uint64_t> SocketProcesses::socket_in(int folder, bool is_info, const char* descriptor) {
  if (!is_info) return socket_behind(folder, descriptor);
  if (!mount_of_sockets_) mount_of_sockets_ = mount_of_sockets();
  const auto inode = inode_behind(folder, descriptor);
  if (!inode || inode->mount != mount_of_sockets_) return std::nullopt;
  return inode->number;
}

bool SocketProcesses::is_still_at(const Place& place, std::uint64_t inode) {
  for (const bool is_info : {false, true})
    if (socket_in(AT_FDCWD, is_info, (folder_of(place.process, is_info ? "fdinfo" : "fd") + "/" + place.descriptor).c_str()) == inode) return true;
  return false;
}

// What a program starts inherits its descriptors with their numbers. It opened the socket, not they: the rules are about it, and it
// is still there when they have ended.
pid_t SocketProcesses::first_that_had(std::uint64_t inode) {
  Place& place = places_.at(inode);
  for (;;) {
    const auto parent = parent_of(place.process);
    // The first process of a host opens sockets for services, which are theirs.
    if (!parent || *parent <= 1 || !is_still_at({*parent, place.descriptor}, inode)) return place.process;
    place.process = *parent;
  }
}

bool SocketProcesses::search(pid_t process, std::uint64_t inode, Clock::time_point until) {
  Folder folder(::opendir(folder_of(process, "fd").c_str()));
  // That of a process of another user is closed to all but root.
  const bool is_info = !folder && errno == EACCES;
  if (is_info) folder.reset(::opendir(folder_of(process, "fdinfo").c_str()));
  if (!folder) return false;
  bool found = false;
  unsigned looked_at = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (++looked_at % kDescriptorsBetweenLooksAtTheClock == 0 && Clock::now() >= until) break;
    const auto socket = socket_in(::dirfd(folder.get()), is_info, entry->d_name);
    if (!socket) continue;
    if (places_.size() >= kMostPlaces) places_.clear();
    places_[*socket] = {process, entry->d_name};
    found = found || *socket == inode;
  }
  return found;
}

void SocketProcesses::remember_process(pid_t process) {
  std::erase(of_late_, process);
  of_late_.push_front(process);
  if (of_late_.size() > kMostOfLate) of_late_.pop_back();
}

std::optional<pid_t> SocketProcesses::find(std::uint64_t inode, std::optional<std::uint32_t> user, const std::function<std::vector<pid_t>()>& likely, Clock::time_point until) {
  if (const auto known = places_.find(inode); known != places_.end()) {
    if (is_still_at(known->second, inode)) {
      const pid_t process = first_that_had(inode);
      remember_process(process);
      return process;
    }
    places_.erase(known);
  }
  std::unordered_set<pid_t> searched;
  const auto found_in = [&](const auto& processes) -> pid_t {
    for (const pid_t process : processes) {
      if (Clock::now() >= until) break;
      if (searched.insert(process).second && search(process, inode, until)) return first_that_had(inode);
    }
    return 0;
  };
  pid_t found = found_in(of_late_);
  if (found == 0) found = found_in(likely());
  if (found == 0) found = found_in(all_processes(user));
  if (found == 0 && Clock::now() >= until) return std::nullopt;
  if (found != 0) remember_process(found);
  return found;
}

}  // namespace mipflow::platform
