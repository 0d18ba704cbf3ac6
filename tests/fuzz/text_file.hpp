// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "mipflow/base/bytes.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::fuzz {

inline std::string text_of(BytesView octets) { return {octets.begin(), octets.end()}; }

// A file in memory with a name that can be opened, for readers that want one; readable for its owner only.
class TextFile {
 public:
  explicit TextFile(BytesView octets) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (!file_ || ::fchmod(file_.get(), 0600) != 0) throw std::runtime_error("memfd_create");
    while (!octets.empty()) {
      const ssize_t written = ::write(file_.get(), octets.data(), octets.size());
      if (written <= 0) throw std::runtime_error("write");
      octets = octets.subspan(static_cast<std::size_t>(written));
    }
  }
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(file_.get()); }

 private:
  platform::FileDescriptor file_;
};

// Whether the text names a place where opening a file may do something: what the fuzzer makes up must not be tried there.
inline bool names_a_device(const std::string& text) {
  for (const char* folder : {"/dev", "/proc", "/sys", "dev/", "proc/", "sys/"})
    if (text.find(folder) != std::string::npos) return true;
  return false;
}

}  // namespace mipflow::fuzz
