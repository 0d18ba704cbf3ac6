// SPDX-License-Identifier: GPL-3.0-or-later
#include "disk_recorder.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

namespace mipflow::test {

using Step = DiskRecorder::Step;
using Kind = Step::Kind;

// ---- recording ----

namespace {

DiskRecorder* recorder = nullptr;

std::string name_of(int descriptor) {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), error);
  return error ? std::string{} : path.string();
}

}  // namespace

struct DiskRecorderCalls {
  // Records the step when it is about something in the directory.
  static void record(const std::string& path, Step step) {
    if (recorder == nullptr) return;
    const std::string& directory = recorder->directory_;
    const auto below = [&](const std::string& whole) { return whole.size() > directory.size() ? whole.substr(directory.size() + 1) : std::string{}; };
    if (path != directory && !path.starts_with(directory + "/")) return;
    step.path = below(path);
    if (step.kind == Kind::Rename) step.other = below(step.other);
    recorder->steps_.push_back(std::move(step));
  }
};

namespace {

void record(const std::string& path, Step step) { DiskRecorderCalls::record(path, std::move(step)); }

// Nothing is really synchronised: nobody cuts the power of this machine, and thousands of times it would take minutes.
int synchronise(int descriptor) {
  const auto path = name_of(descriptor);
  record(path, {.kind = std::filesystem::is_directory(path) ? Kind::SynchroniseDirectory : Kind::SynchroniseFile});
  return 0;
}

int remove_file(const char* path) {
  const int result = static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
  if (result == 0) record(path, {.kind = Kind::Remove});
  return result;
}

}  // namespace

// ---- the states ----

namespace {

// Changes of a file's octets that are not synchronised.
using Pending = std::vector<Step>;

void write_to(std::string& octets, const Step& change) {
  if (change.kind == Kind::Truncate) {
    octets.resize(change.offset);
    return;
  }
  if (octets.size() < change.offset + change.octets.size()) octets.resize(change.offset + change.octets.size());
  octets.replace(change.offset, change.octets.size(), change.octets);
}

std::set<std::string> contents_after_a_cut(const std::string& synchronised, const Pending& pending) {
  std::set<std::string> out{synchronised};
  std::string whole = synchronised;
  for (const Step& change : pending) {
    if (change.kind == Kind::Write) {
      for (std::size_t length = 0; length <= change.octets.size(); ++length) {
        Step torn = change;
        torn.octets.resize(length);
        std::string octets = whole;
        write_to(octets, torn);
        out.insert(octets);
        torn.octets.resize(change.octets.size(), '\0');
        write_to(octets, torn);
        out.insert(octets);
      }
    }
    write_to(whole, change);
    out.insert(whole);
  }
  for (std::size_t missing = 0; missing < pending.size(); ++missing) {
    std::string octets = synchronised;
    for (std::size_t i = 0; i < pending.size(); ++i)
      if (i != missing) write_to(octets, pending[i]);
    out.insert(octets);
  }
  return out;
}

struct File {
  std::string synchronised;
  Pending pending;
};
using Names = std::map<std::string, std::size_t>;  // name, number of the file

class Disk {
 public:
  explicit Disk(const DiskFiles& before) {
    for (const auto& [name, octets] : before) {
      names_[name] = files_.size();
      files_.push_back({octets, {}});
    }
    safe_names_ = names_;
  }

  void carry_out(const Step& step) {
    switch (step.kind) {
      case Kind::Create:
      case Kind::Rename:
      case Kind::Remove:
        change(names_, step, files_.size());
        if (step.kind == Kind::Create) files_.emplace_back();
        name_changes_.push_back({step, files_.size() - 1});
        break;
      case Kind::Write:
      case Kind::Truncate: file(step.path).pending.push_back(step); break;
      case Kind::SynchroniseFile:
        for (const Step& pending : file(step.path).pending) write_to(file(step.path).synchronised, pending);
        file(step.path).pending.clear();
        break;
      case Kind::SynchroniseDirectory:
        safe_names_ = names_;
        name_changes_.clear();
        break;
      case Kind::Promise: break;
    }
  }

  void states(std::set<DiskFiles>& out) const {
    Names names = safe_names_;
    with_names(names, out);
    for (const auto& [step, created] : name_changes_) {
      change(names, step, created);
      with_names(names, out);
    }
  }

 private:
  File& file(const std::string& name) {
    const auto found = names_.find(name);
    if (found == names_.end()) throw std::logic_error("nothing is recorded of the making of " + name);
    return files_[found->second];
  }
  static void change(Names& names, const Step& step, std::size_t created) {
    if (step.kind == Kind::Create) {
      names[step.path] = created;
      return;
    }
    const auto found = names.find(step.path);
    if (found == names.end()) return;
    const std::size_t number = found->second;
    names.erase(found);
    if (step.kind == Kind::Rename) names[step.other] = number;
  }
  // Each file independently: what is wrong with two at a time is wrong with one.
  void with_names(const Names& names, std::set<DiskFiles>& out) const {
    DiskFiles newest;
    for (const auto& [name, number] : names) {
      std::string octets = files_[number].synchronised;
      for (const Step& pending : files_[number].pending) write_to(octets, pending);
      newest[name] = octets;
    }
    out.insert(newest);
    for (const auto& [name, number] : names)
      for (const std::string& octets : contents_after_a_cut(files_[number].synchronised, files_[number].pending)) {
        DiskFiles files = newest;
        files[name] = octets;
        out.insert(std::move(files));
      }
  }

  std::vector<File> files_;
  Names names_;
  Names safe_names_;
  std::vector<std::pair<Step, std::size_t>> name_changes_;  // with the number of the file that Create made
};

}  // namespace

DiskRecorder::DiskRecorder(const std::filesystem::path& directory) : directory_(std::filesystem::canonical(directory).string()) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    before_[std::filesystem::relative(entry.path(), directory_).string()] = {std::istreambuf_iterator<char>(stream), {}};
  }
  if (recorder != nullptr) throw std::logic_error("one recorder at a time");
  recorder = this;
}
DiskRecorder::~DiskRecorder() { recorder = nullptr; }

void DiskRecorder::promise(int number) { steps_.push_back({.kind = Kind::Promise, .number = number}); }

void DiskRecorder::for_each_power_cut(const std::function<void(const DiskFiles&, int, int)>& look) const {
  Disk disk(before_);
  int promised = 0;
  std::set<DiskFiles> states;
  const auto look_at_all = [&](int next) {
    for (const auto& files : states) look(files, promised, next);
    states.clear();
  };
  for (const Step& step : steps_) {
    if (step.kind == Kind::Promise) {
      look_at_all(step.number);
      promised = step.number;
    } else {
      disk.carry_out(step);
    }
    disk.states(states);
  }
  look_at_all(promised);
}

void put_on_disk(const std::filesystem::path& directory, const DiskFiles& files) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) std::filesystem::remove_all(entry.path());
  for (const auto& [name, octets] : files) {
    std::filesystem::create_directories((directory / name).parent_path());
    std::ofstream(directory / name, std::ios::binary) << octets;
  }
}

}  // namespace mipflow::test

// ---- the program's own calls come here first ----

using mipflow::test::Kind;
using mipflow::test::record;

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = static_cast<mode_t>(va_arg(arguments, int));
    va_end(arguments);
  }
  const bool is_new = (flags & O_CREAT) != 0 && ::syscall(SYS_faccessat, AT_FDCWD, path, F_OK) != 0;
  const int descriptor = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  if (descriptor >= 0 && is_new) record(path, {.kind = Kind::Create});
  if (descriptor >= 0 && !is_new && (flags & O_TRUNC) != 0) record(path, {.kind = Kind::Truncate});
  return descriptor;
}

ssize_t write(int descriptor, const void* octets, size_t count) {
  const long offset = ::syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
  const auto result = ::syscall(SYS_write, descriptor, octets, count);
  if (offset >= 0 && result > 0)
    record(mipflow::test::name_of(descriptor), {.kind = Kind::Write, .offset = static_cast<std::size_t>(offset),
            .octets = std::string(static_cast<const char*>(octets), static_cast<std::size_t>(result))});
  return result;
}

int ftruncate(int descriptor, off_t size) noexcept {
  const int result = static_cast<int>(::syscall(SYS_ftruncate, descriptor, size));
  if (result == 0)
    record(mipflow::test::name_of(descriptor), {.kind = Kind::Truncate, .offset = static_cast<std::size_t>(size)});
  return result;
}

int fsync(int descriptor) { return mipflow::test::synchronise(descriptor); }
int fdatasync(int descriptor) { return mipflow::test::synchronise(descriptor); }

int rename(const char* from, const char* to) noexcept {
  const int result = static_cast<int>(::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
  if (result == 0) record(from, {.kind = Kind::Rename, .other = to});
  return result;
}

int unlink(const char* path) noexcept { return mipflow::test::remove_file(path); }
int remove(const char* path) noexcept {
  const int result = mipflow::test::remove_file(path);
  return result != 0 && errno == EISDIR ? ::rmdir(path) : result;
}

}  // extern "C"
