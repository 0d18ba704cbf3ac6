// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/sysctls.hpp"

#include <cerrno>
#include <fstream>

namespace mipflow::platform {

namespace {

std::filesystem::path path_of(const std::string& name) { return std::filesystem::path("/proc/sys") / name; }

int write(const std::string& name, const std::string& value) {
  errno = 0;
  std::ofstream file(path_of(name));
  file << value << std::flush;
  if (file) return 0;
  return errno != 0 ? errno : EIO;
}

}  // namespace

Sysctls::Sysctls(std::filesystem::path record) : record_(std::move(record)) {
  std::ifstream file(record_);
  std::string name;
  std::string value;
  while (file >> name >> value)
    if (name.starts_with("net/") && name.find("..") == std::string::npos) former_.emplace(name, value);
}

std::optional<std::string> Sysctls::get(const std::string& name) {
  std::ifstream file(path_of(name));
  std::string value;
  if (!(file >> value)) return std::nullopt;
  return value;
}

Result<void> Sysctls::set(const std::string& name, const std::string& value) {
  const auto present = get(name);
  if (!present) return fail("the kernel has no setting " + name);
  if (*present == value) return {};
  former_.emplace(name, *present);
  save();
  if (const int error = write(name, value))
    return fail("cannot set " + name + " to " + value + "; set it with sysctl before the daemon starts", error);
  return {};
}

void Sysctls::restore() {
  for (const auto& [name, value] : former_)
    if (get(name)) write(name, value);
  former_.clear();
  std::error_code ignored;
  std::filesystem::remove(record_, ignored);
}

void Sysctls::save() const {
  std::ofstream file(record_, std::ios::trunc);
  for (const auto& [name, value] : former_) file << name << ' ' << value << '\n';
}

}  // namespace mipflow::platform
