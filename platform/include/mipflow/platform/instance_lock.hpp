// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>

#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

// Held while a daemon runs, so that a second one does not take its queue, tables and socket apart. The kernel lets it go
// when the process ends, however it ends.
class InstanceLock {
 public:
  // Makes the directory when it is missing. The refusal names the process that holds the lock.
  static Result<InstanceLock> take(const std::filesystem::path& file);

 private:
  explicit InstanceLock(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}
  FileDescriptor descriptor_;
};

}  // namespace mipflow::platform
