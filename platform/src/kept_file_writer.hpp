// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

// Writes all of it and waits until it is on the disk. `name`: of the file, for the operator.
Result<void> write_and_synchronise(int descriptor, std::string_view text, const std::string& name);

// What was renamed, made or removed in the directory of this file is on the disk afterwards. Where a file system can not do that
// it is no error: the file itself is whole in any case.
void synchronise_directory_of(const std::filesystem::path& file);

// write_kept_file() for a text that is too long to have it in memory as a whole.
class KeptFileWriter {
 public:
  explicit KeptFileWriter(std::filesystem::path file, mode_t mode = 0600, std::optional<gid_t> group = std::nullopt);
  // Unless finish() succeeded, everything is as it was before.
  ~KeptFileWriter();
  KeptFileWriter(const KeptFileWriter&) = delete;
  KeptFileWriter& operator=(const KeptFileWriter&) = delete;

  Result<void> write(std::string_view text);
  Result<void> finish();

 private:
  std::filesystem::path file_;
  std::string next_;
  mode_t mode_;
  std::optional<gid_t> group_;
  FileDescriptor descriptor_;
};

}  // namespace mipflow::platform
