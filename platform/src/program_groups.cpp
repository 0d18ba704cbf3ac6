// SPDX-License-Identifier: GPL-3.0-or-later
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <functional>
#include <string_view>
#include <vector>

#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/flow_wish.hpp"

namespace mipflow::platform {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kName = "mipflow-run-";
constexpr const char* kClassAttribute = "user.mipflow.class";
constexpr const char* kInterfaceAttribute = "user.mipflow.interface";
constexpr unsigned kLooks = 100;
constexpr unsigned kTries = 10'000;  // other daemons of this host number their groups as well

bool is_ours(std::string_view name) { return name.starts_with(kName); }
std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool write_attribute(const fs::path& folder, const char* name, const std::string& value) {
  return value.empty() || ::setxattr(folder.c_str(), name, value.data(), value.size(), 0) == 0;
}

std::string read_attribute(const fs::path& folder, const char* name) {
  std::array<char, 256> value;
  const auto size = ::getxattr(folder.c_str(), name, value.data(), value.size());
  return size > 0 ? std::string(value.data(), static_cast<std::size_t>(size)) : std::string();
}

// 0 or an errno.
int move_process(pid_t process, const fs::path& folder) {
  const FileDescriptor file(::open((folder / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  const std::string number = std::to_string(process);
  return file && ::write(file.get(), number.data(), number.size()) >= 0 ? 0 : errno;
}

// A group that a user made to look like ours says nothing: users may have folders of their own in the tree. Root's are made by the
// helper process of the daemon.
bool is_trusted(const fs::path& folder) {
  struct stat status{};
  return ::stat(folder.c_str(), &status) == 0 && (status.st_uid == 0 || status.st_uid == ::geteuid());
}

// Groups of others come and go meanwhile: one that does ends the look into itself, and not the whole search.
void find_below(const fs::path& folder, const std::function<void(const fs::path&)>& found) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    if (!at->is_directory(gone) || at->is_symlink(gone)) continue;
    if (is_ours(at->path().filename().native()) && is_trusted(at->path())) found(at->path());
    find_below(at->path(), found);
  }
}

bool contains(const std::vector<pid_t>& processes, pid_t process) { return std::ranges::find(processes, process) != processes.end(); }

// Something runs in the group or below it.
bool is_populated(const fs::path& folder) {
  std::ifstream file(folder / "cgroup.events");
  std::string word;
  while (file >> word)
    if (word == "populated") return !(file >> word) || word != "0";
  return false;  // the group has gone
}

// With the groups that the program made in it. rmdir() does not count the kernel's own files in the folder.
bool remove_group(const fs::path& folder) {
  if (is_populated(folder)) return false;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.is_directory(error)) remove_group(entry.path());
  return ::rmdir(folder.c_str()) == 0 || errno == ENOENT;
}

}  // namespace

ProgramGroups::ProgramGroups(std::optional<CgroupTree> tree) : tree_(std::move(tree)) {
  if (!tree_) return;
  const fs::path top = tree_->folder_of("/");
  find_below(top, [&](const fs::path& found) { paths_.insert(found.native().substr(top.native().size())); });
}

bool ProgramGroups::empty() const {
  const std::scoped_lock lock(mutex_);
  return paths_.empty();
}

std::set<std::string> ProgramGroups::paths() const {
  const std::scoped_lock lock(mutex_);
  return paths_;
}

Result<std::string> ProgramGroups::put_into_new_group(pid_t process, const FlowWish& wish, const std::string& present_group) {
  if (!tree_)
    return fail("this host has no cgroup v2, by which mipflow knows a program and all that it starts; boot with systemd.unified_cgroup_hierarchy=1, "
                "or mount it: mount -t cgroup2 none /sys/fs/cgroup/unified");
  std::string parent = present_group.empty() ? CgroupTree::path_of_process(process) : present_group;
  if (parent.empty() || (!present_group.empty() && !contains(tree_->processes_in(present_group), process)))
    return fail("process " + std::to_string(process) + " is not in a group of the cgroup v2 hierarchy");
  if (paths().size() >= kMost) {
    remove_empty();
    if (paths().size() >= kMost) return fail("too many programs run by 'mipflow run' at a time");
  }
  const FlowWish before = wish_for(*tree_, parent);
  const FlowWish wanted{wish.policy_class.empty() ? before.policy_class : wish.policy_class, wish.interface.empty() ? before.interface : wish.interface};
  // Beside, not below: who asks again and again shall not make a tree without end.
  while (is_ours(name_of(parent))) parent.erase(parent.rfind('/'));
  if (parent == "/") parent.clear();
  for (unsigned tries = 0; tries < kTries; ++tries) {
    const std::string path = parent + "/" + std::string(kName) + std::to_string(++last_);
    const auto folder = tree_->folder_of(path);
    if (::mkdir(folder.c_str(), 0755) != 0) {
      if (errno == EEXIST) continue;
      // What systemd has given a user (user@1000.service) is not ours to write to without CAP_DAC_OVERRIDE; the user's slice is.
      if ((errno == EACCES || errno == EPERM) && !parent.empty()) {
        parent.erase(parent.rfind('/'));
        continue;
      }
      return fail("cannot make the group " + folder.string() + " for the program", errno);
    }
    int error = write_attribute(folder, kClassAttribute, wanted.policy_class) && write_attribute(folder, kInterfaceAttribute, wanted.interface) ? 0 : errno;
    if (error == 0) error = move_process(process, folder);
    if (error == 0) {
      const std::scoped_lock lock(mutex_);
      paths_.insert(path);
      return path;
    }
    ::rmdir(folder.c_str());
    if (error == ENOENT || error == ENODEV) continue;  // another daemon took it for an empty one
    return fail("cannot put process " + std::to_string(process) + " into the group " + folder.string(), error);
  }
  return fail("cannot make a group below " + tree_->folder_of(parent).string() + ": there are too many");
}

void ProgramGroups::remove_empty() {
  for (const auto& path : paths()) {
    if (!remove_group(tree_->folder_of(path))) continue;
    const std::scoped_lock lock(mutex_);
    paths_.erase(path);
  }
}

void ProgramGroups::dissolve() {
  for (const auto& path : paths()) {
    const auto parent = tree_->folder_of(path.substr(0, path.rfind('/')));
    // One that was not moved yet may have started another one since we looked.
    for (unsigned looks = 0; looks < kLooks; ++looks) {
      const auto processes = tree_->processes_in(path);
      if (processes.empty()) break;
      for (const pid_t process : processes) move_process(process, parent);
    }
  }
  remove_empty();
}

FlowWish ProgramGroups::wish_for(const CgroupTree& tree, const std::string& path) {
  for (fs::path at = path; at.has_relative_path(); at = at.parent_path()) {
    if (!is_ours(at.filename().native())) continue;
    const auto folder = tree.folder_of(at.native());
    if (is_trusted(folder)) return {read_attribute(folder, kClassAttribute), read_attribute(folder, kInterfaceAttribute)};
  }
  return {};
}

}  // namespace mipflow::platform
