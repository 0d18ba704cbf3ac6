// SPDX-License-Identifier: GPL-3.0-or-later
#include "kept_file_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace mipflow::platform {

namespace {

Result<void> write_all(int descriptor, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const ssize_t size = ::write(descriptor, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail("cannot write " + name, errno);
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return {};
}

Result<void> synchronise(int descriptor, const std::string& name) {
  if (::fsync(descriptor) != 0) return fail("cannot synchronise " + name, errno);
  return {};
}

}  // namespace

Result<void> write_and_synchronise(int descriptor, std::string_view text, const std::string& name) {
  const auto written = write_all(descriptor, text, name);
  return written ? synchronise(descriptor, name) : written;
}

void synchronise_directory_of(const std::filesystem::path& file) {
  const FileDescriptor directory(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory) ::fsync(directory.get());
}

KeptFileWriter::KeptFileWriter(std::filesystem::path file, mode_t mode, std::optional<gid_t> group)
    : file_(std::move(file)), next_(file_.string() + ".new"), mode_(mode), group_(group) {}

KeptFileWriter::~KeptFileWriter() {
  if (descriptor_) ::unlink(next_.c_str());
}

Result<void> KeptFileWriter::write(std::string_view text) {
  if (!descriptor_) {
    // One that was left behind may have another mode, and be open somewhere.
    ::unlink(next_.c_str());
    descriptor_ = FileDescriptor(::open(next_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!descriptor_) return fail("cannot write " + next_, errno);
  }
  return write_all(descriptor_.get(), text, next_);
}

Result<void> KeptFileWriter::finish() {
  if (auto opened = write({}); !opened) return opened;
  if (auto done = synchronise(descriptor_.get(), next_); !done) return done;
  if (group_ && ::fchown(descriptor_.get(), static_cast<uid_t>(-1), *group_) != 0) return fail("cannot set the group of " + next_, errno);
  if (::fchmod(descriptor_.get(), mode_) != 0) return fail("cannot set the mode of " + next_, errno);
  if (::rename(next_.c_str(), file_.c_str()) != 0) return fail("cannot rename " + next_ + " to " + file_.string(), errno);
  descriptor_ = {};
  // Without this the name may still be the old file's after a power cut.
  synchronise_directory_of(file_);
  return {};
}

}  // namespace mipflow::platform
