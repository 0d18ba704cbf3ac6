// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/given_folders.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "mipflow/datapath/pin_directory.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

namespace fs = std::filesystem;

namespace {

constexpr int kDeepest = 4;  // folders below a given one; ours have two at most
constexpr const char* kUsualPins = "/sys/fs/bpf/mipflow";

using Folder = std::unique_ptr<DIR, decltype([](DIR* folder) { ::closedir(folder); })>;

Result<std::vector<std::string>> names_in(int folder, const fs::path& path) {
  // The descriptor stays ours.
  const Folder opened(::fdopendir(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
  if (!opened) return fail("cannot read the folder " + path.string(), errno);
  std::vector<std::string> out;
  while (const dirent* entry = ::readdir(opened.get()))
    if (const std::string_view name = entry->d_name; name != "." && name != "..") out.emplace_back(name);
  return out;
}

// Of what a descriptor stands for: names may be exchanged by whoever has the folder now.
Result<void> give(int descriptor, const fs::path& path, const ServiceUser& user) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return fail("cannot examine " + path.string(), errno);
  if (status.st_uid == user.user && status.st_gid == user.group) return {};
  if (!S_ISDIR(status.st_mode) && status.st_nlink != 1)
    return fail(path.string() + " has another name somewhere else, so it is not given to the user " + user.name + "; remove it");
  if (::fchownat(descriptor, "", user.user, user.group, AT_EMPTY_PATH) != 0)
    return fail("cannot give " + path.string() + " to the user " + user.name +
                    "; run: chown -R " + user.name + " '" + path.parent_path().string() + "'", errno);
  return {};
}

Result<void> give_contents(int folder, const fs::path& path, const ServiceUser& user, int depth) {
  const auto names = names_in(folder, path);
  if (!names) return Unexpected{names.error()};
  for (const auto& name : *names) {
    // A link is given as a link; where it leads is nobody's business.
    const FileDescriptor entry(::openat(folder, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!entry) {
      if (errno == ENOENT) continue;
      return fail("cannot open " + (path / name).string(), errno);
    }
    struct stat status{};
    if (::fstat(entry.get(), &status) != 0) return fail("cannot examine " + (path / name).string(), errno);
    if (S_ISDIR(status.st_mode) && depth < kDeepest)
      if (auto done = give_contents(entry.get(), path / name, user, depth + 1); !done) return done;
    if (auto done = give(entry.get(), path / name, user); !done) return done;
  }
  return {};
}

Result<FileDescriptor> open_folder(const fs::path& path) {
  FileDescriptor folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail("cannot open the folder " + path.string(), errno);
  return folder;
}

bool belongs_to(int folder, const ServiceUser& user) {
  struct stat status{};
  return ::fstat(folder, &status) == 0 && status.st_uid == user.user;
}

// Of mipflow's own: when nobody else has anything in it.
Result<void> give_folder_of_pins(const fs::path& path, const ServiceUser& user) {
  const auto folder = open_folder(path);
  if (!folder) return Unexpected{folder.error()};
  if (belongs_to(folder->get(), user)) return {};
  const auto names = names_in(folder->get(), path);
  if (!names) return Unexpected{names.error()};
  if (path != kUsualPins && names->size() > 1) return {};
  // Root goes through it at the next start, and under a service manager may not do so against the mode.
  if (::fchmodat(folder->get(), ".", 0711, 0) != 0) return fail("cannot set the mode of " + path.string(), errno);
  return give(folder->get(), path, user);
}

bool is_bpf_root(const fs::path& path) {
  struct stat here{}, above{};
  return ::stat(path.c_str(), &here) == 0 && ::stat((path / "..").c_str(), &above) == 0 && here.st_dev != above.st_dev;
}

bool reaches(const fs::path& folder, const ServiceUser& user) {
  for (fs::path at = folder; at.has_relative_path(); at = at.parent_path()) {
    struct stat status{};
    if (::stat(at.c_str(), &status) != 0) return false;
    const mode_t needed = status.st_uid == user.user ? S_IXUSR : status.st_gid == user.group ? S_IXGRP : S_IXOTH;
    if ((status.st_mode & needed) == 0) return false;
  }
  return true;
}

}  // namespace

Result<void> give_folder(const fs::path& path, const ServiceUser& user, mode_t mode, bool (*is_ours)(std::string_view name)) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  // The mask of who starts us may be any.
  if (!error && ::mkdir(path.c_str(), mode) == 0) ::chmod(path.c_str(), mode);
  const auto folder = open_folder(path);
  if (!folder) return Unexpected{folder.error()};
  if (belongs_to(folder->get(), user)) return {};
  const auto names = names_in(folder->get(), path);
  if (!names) return Unexpected{names.error()};
  if (const auto other = std::ranges::find_if_not(*names, [&](const std::string& name) { return is_ours(name); }); other != names->end())
    return fail(path.string() + " is to be the daemon's own folder, but holds " + *other + "; name another one, or run: chown " + user.name + " '" +
                path.string() + "'");
  // The folder last: as long as it is not given nobody else can write to it.
  if (auto done = give_contents(folder->get(), path, user, 1); !done) return done;
  return give(folder->get(), path, user);
}

bool is_runtime_name(std::string_view name) {
  static constexpr std::array<std::string_view, 3> kBriefs{"mnd", "had", "cnd"};
  if (name.starts_with("device-") && name.ends_with(".lock")) return true;
  return std::ranges::any_of(kBriefs, [&](std::string_view brief) {
    if (!name.starts_with(brief)) return false;
    const auto kind = name.substr(brief.size());
    return kind == ".lock" || kind == ".sock" || kind == ".sysctls";
  });
}

bool is_state_name(std::string_view name) {
  static constexpr std::array<std::string_view, 7> kNames{"bindings",       "bindings.new",       "users", "network-policy", "network-policy.new",
                                                          "home-addresses", "home-addresses.new"};
  return std::ranges::find(kNames, name) != kNames.end();
}

Result<fs::path> give_pin_directory(const fs::path& path, const ServiceUser& user) {
  const fs::path above = path.parent_path();
  // The root of the file system is not ours to open, and what lies right below it is reached through nothing else.
  const auto is_top = [&] { return is_bpf_root(above) && above != kUsualPins; };
  const auto is_out_of_reach = [&] { return !user.is_root() && is_top() && !reaches(above, user); };
  const auto out_of_reach = [&] {
    return fail("the user " + user.name + " can not go through " + above.string() + " to the pin directory " + path.string() +
                "; name one in a folder between them, like " + (above / "mipflow" / path.filename()).string());
  };
  if (is_out_of_reach()) return out_of_reach();
  if (const auto made = datapath::make_pin_directory(path.string()); !made) return fail(made.error().text);
  if (is_out_of_reach()) {  // it has just been mounted
    ::rmdir(path.c_str());
    return out_of_reach();
  }
  const auto folder = open_folder(path);
  if (!folder) return Unexpected{folder.error()};
  if (!belongs_to(folder->get(), user)) {
    if (auto done = give_contents(folder->get(), path, user, 1); !done) return Unexpected{done.error()};
    if (auto done = give(folder->get(), path, user); !done) return Unexpected{done.error()};
  }
  if (!is_top())
    if (auto done = give_folder_of_pins(above, user); !done) return Unexpected{done.error()};
  if (user.is_root() || reaches(above, user)) return path;
  // Never closed: the path that is given here goes by it.
  auto door = open_folder(above);
  if (!door) return Unexpected{door.error()};
  return fs::path("/proc/self/fd") / std::to_string(door->release()) / path.filename();
}

}  // namespace mipflow::platform
