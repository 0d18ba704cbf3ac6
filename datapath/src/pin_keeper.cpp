// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/datapath/pin_keeper.hpp"

#include <bpf/bpf.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "bpf_file_system.hpp"
#include "error.hpp"
#include "file_descriptor.hpp"

namespace mipflow::datapath {

namespace {

constexpr std::uint32_t kLosses = IN_DELETE | IN_DELETE_SELF | IN_MOVED_FROM | IN_MOVE_SELF;

bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

}  // namespace

struct PinKeeper::Implementation {
  std::string directory;
  FileDescriptor notifications;
  FileDescriptor lock;                           // of a directory that was made anew
  std::set<std::string> directories;             // below it, and itself
  std::map<std::string, FileDescriptor> objects;  // path, what is pinned there

  bool is_complete() const {
    for (const auto& path : directories)
      if (!exists(path)) return false;
    for (const auto& object : objects)
      if (!exists(object.first)) return false;
    return true;
  }
  // Again for one that is watched already does nothing.
  Result watch() const {
    for (const auto& path : directories)
      if (::inotify_add_watch(notifications.get(), path.c_str(), kLosses | IN_ONLYDIR) < 0) return failure(errno, "cannot watch the pin directory " + path);
    return {};
  }
};

PinKeeper::PinKeeper(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}
PinKeeper::PinKeeper(PinKeeper&&) noexcept = default;
PinKeeper& PinKeeper::operator=(PinKeeper&&) noexcept = default;
PinKeeper::~PinKeeper() = default;

Expected<PinKeeper, Error> PinKeeper::open(const std::string& pin_directory) {
  auto out = std::make_unique<Implementation>();
  out->directory = pin_directory;
  out->notifications = FileDescriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!out->notifications) return failure(errno, "cannot watch the pin directory " + pin_directory);
  out->directories.insert(pin_directory);
  std::error_code error;
  for (auto entry = std::filesystem::recursive_directory_iterator(pin_directory, error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    const std::string path = entry->path().string();
    if (entry->is_directory()) {
      out->directories.insert(path);
      continue;
    }
    FileDescriptor object(bpf_obj_get(path.c_str()));
    if (!object) return failure(errno, "cannot open " + path);
    out->objects.emplace(path, std::move(object));
  }
  if (error) return failure(error.value(), "cannot read the pin directory " + pin_directory);
  if (auto watched = out->watch(); !watched) return Unexpected{watched.error()};
  return PinKeeper(std::move(out));
}

int PinKeeper::descriptor() const { return implementation_->notifications.get(); }

bool PinKeeper::is_loss() {
  // What the events name is not looked at: there may have been too many of them.
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(implementation_->notifications.get(), events.data(), events.size()) > 0) {
  }
  return !implementation_->is_complete();
}

Result PinKeeper::restore() {
  Implementation& kept = *implementation_;
  if (!exists(kept.directory)) {
    if (auto made = make_pin_directory(kept.directory); !made) return made;
    // The lock of the data path is on the directory that is gone.
    auto lock = lock_pin_directory(kept.directory);
    if (!lock) return Unexpected{lock.error()};
    kept.lock = std::move(*lock);
  }
  for (const auto& path : kept.directories)  // in the order of their names, so each behind the one that it is in
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failure(errno, "cannot make the pin directory " + path);
  for (const auto& [path, object] : kept.objects) {
    const int result = bpf_obj_pin(object.get(), path.c_str());
    if (result < 0 && result != -EEXIST) return failure(-result, "cannot pin " + path);
  }
  return kept.watch();
}

}  // namespace mipflow::datapath
