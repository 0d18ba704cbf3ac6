// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "mipflow/platform/failure.hpp"

namespace mipflow::platform {

// Replaces the file so that whoever reads it, also after a power cut, sees the old text or the new one. `mode`: as chmod(2)
// has it; the umask does not matter. `group`: whose the file is; that of this process without one.
Result<void> write_kept_file(const std::filesystem::path& file, const std::string& text, mode_t mode = 0600,
                             std::optional<gid_t> group = std::nullopt);

// Takes the file away so that it is gone after a power cut as well. No such file is no error.
Result<void> remove_kept_file(const std::filesystem::path& file);

// The whole text; ENOENT when there is no such file, EFBIG when it has more octets than `most`.
Result<std::string> read_kept_file(const std::filesystem::path& file, std::size_t most);

// The same with a last line that is the digest of the text, "# digest " and 64 hexadecimal digits: what a disk has damaged is not
// taken for another text. EBADMSG when the digest is missing or another one. The text ends with '\n'; one is put there if not.
Result<void> write_sealed_file(const std::filesystem::path& file, std::string text);
Result<std::string> read_sealed_file(const std::filesystem::path& file, std::size_t most);

}  // namespace mipflow::platform