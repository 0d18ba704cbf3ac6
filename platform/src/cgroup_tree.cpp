// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/cgroup_tree.hpp"

#include <sys/stat.h>

#include <array>
#include <fstream>
#include <sstream>

namespace mipflow::platform {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostRemembered = 16'384;  // of ids; more than any host has groups

// \040 and the like, as in mountinfo.
std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7' ? text[at] - '0' : -1; };
    if (text[i] == '\\' && digit(i + 1) >= 0 && digit(i + 2) >= 0 && digit(i + 3) >= 0) {
      out += static_cast<char>(digit(i + 1) << 6 | digit(i + 2) << 3 | digit(i + 3));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// On every kernel with 64-bit inode numbers the id of a group is that of its folder.
std::optional<std::uint64_t> id_of(const fs::path& folder) {
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return std::nullopt;
  return status.st_ino;
}

}  // namespace

std::optional<CgroupTree> CgroupTree::find() {
  std::ifstream file("/proc/self/mountinfo");
  std::optional<CgroupTree> found;
  for (std::string line; std::getline(file, line);) {
    // id parent device root mount-point options [tags] - type source options
    std::istringstream words(line);
    std::string skipped, root, mount, word;
    words >> skipped >> skipped >> skipped >> root >> mount;
    while (words >> word && word != "-") {
    }
    if (!(words >> word) || word != "cgroup2") continue;
    root = unescaped(root);
    if (root == "/") root.clear();
    // The one that shows most.
    if (!found || root.size() < found->root_.size()) found = CgroupTree(unescaped(mount), root);
  }
  return found;
}

fs::path CgroupTree::folder_of(const std::string& path) const {
  std::string_view below = path;
  if (below.starts_with(root_)) below.remove_prefix(root_.size());
  while (below.starts_with('/')) below.remove_prefix(1);
  return below.empty() ? mount_ : mount_ / below;
}

std::string CgroupTree::path_of(std::uint64_t id) {
  if (const auto known = paths_.find(id); known != paths_.end()) {
    if (id_of(folder_of(known->second)) == id) return known->second;
    paths_.erase(known);  // renamed, perhaps
  }
  if (gone_.contains(id)) return {};
  paths_.clear();
  const auto learn = [&](const fs::path& folder) {
    const auto found = id_of(folder);
    if (!found || paths_.size() >= kMostRemembered) return;
    const std::string below = folder.native().substr(mount_.native().size());
    paths_.emplace(*found, root_ + (below.empty() ? "/" : below));
  };
  learn(mount_);
  std::error_code error;
  for (fs::recursive_directory_iterator at(mount_, fs::directory_options::skip_permission_denied, error), end; !error && at != end; at.increment(error))
    if (at->is_directory(error)) learn(at->path());
  if (const auto found = paths_.find(id); found != paths_.end()) return found->second;
  // Groups come and go meanwhile: a walk that one of them ended early has not seen all.
  if (error || paths_.size() >= kMostRemembered) return {};
  if (gone_.size() >= kMostRemembered) gone_.clear();
  gone_.insert(id);
  return {};
}

std::string CgroupTree::path_of_process(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/cgroup");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::")) return line.substr(3);
  return {};
}

std::vector<pid_t> CgroupTree::processes_in(const std::string& path) const {
  std::ifstream file(folder_of(path) / "cgroup.procs");
  std::vector<pid_t> out;
  for (pid_t process = 0; file >> process;)
    if (process > 0) out.push_back(process);  // 0: of another process namespace
  return out;
}

std::string unit_in(std::string_view path) {
  static constexpr std::array<std::string_view, 6> kKinds{".service", ".scope", ".slice", ".socket", ".mount", ".swap"};
  while (!path.empty()) {
    const auto slash = path.rfind('/');
    std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    // systemd sets this before names that the kernel keeps for itself.
    if (name.starts_with('_')) name.remove_prefix(1);
    for (const auto kind : kKinds)
      if (name.size() > kind.size() && name.ends_with(kind)) return std::string(name);
    if (slash == std::string_view::npos) break;
    path = path.substr(0, slash);
  }
  return {};
}

}  // namespace mipflow::platform
