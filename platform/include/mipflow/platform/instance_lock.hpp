// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>

#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

// Held while a daemon runs, so that a second one does not take its queue, tables, device and socket apart, be it of the same
// kind or of another. The kernel lets it go when the process ends, however it ends.
class InstanceLock {
 public:
  // The locks "<brief>.lock" and "device-<device>.lock" in the directory, which is made when it is missing. The refusal names
  // the process that holds one of them, and what to do.
  static Result<InstanceLock> take(const std::filesystem::path& directory, const std::string& brief, const std::string& device);

 private:
  InstanceLock(FileDescriptor name, FileDescriptor device) : name_(std::move(name)), device_(std::move(device)) {}
  FileDescriptor name_;
  FileDescriptor device_;
};

}  // namespace mipflow::platform
