// SPDX-License-Identifier: GPL-3.0-or-later
#include <pwd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "mipflow/platform/configuration.hpp"

namespace mipflow::platform {

namespace {

constexpr std::uintmax_t kLargestFile = 16 * 1024 * 1024;  // octets

std::optional<std::uint32_t> uid_of(std::string_view name) {
  std::array<char, 16384> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(std::string(name).c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return std::nullopt;
  return entry.pw_uid;
}

}  // namespace

Expected<std::shared_ptr<const flow_separator::Policy>, ConfigurationErrors> load_policy(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) return std::make_shared<const flow_separator::Policy>();
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    if (entry.path().extension() == ".toml") paths.push_back(entry.path());
  if (error) return Unexpected{ConfigurationErrors{{directory.string(), 0, 0, "cannot be read: " + error.message()}}};
  std::sort(paths.begin(), paths.end());

  ConfigurationErrors errors;
  std::vector<flow_separator::PolicyFile> files;
  for (const auto& path : paths) {
    if (const auto size = std::filesystem::file_size(path, error); error || size > kLargestFile) {
      errors.push_back({path.string(), 0, 0, error ? "cannot be read: " + error.message() : "is larger than 16 MiB"});
      continue;
    }
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    if (stream.bad() || !stream.is_open())
      errors.push_back({path.string(), 0, 0, "cannot be read"});
    else
      files.push_back({path.string(), text.str()});
  }
  if (!errors.empty()) return Unexpected{errors};
  auto policy = flow_separator::Policy::parse(files, uid_of);
  if (policy) return std::make_shared<const flow_separator::Policy>(std::move(*policy));
  for (const auto& mistake : policy.error()) errors.push_back({mistake.file, mistake.line, mistake.column, mistake.reason});
  return Unexpected{errors};
}

}  // namespace mipflow::platform
