// SPDX-License-Identifier: GPL-3.0-or-later
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "mipflow/platform/configuration.hpp"

namespace mipflow::platform {

namespace {

using flow_separator::PolicyFile;
using flow_separator::PolicyLayer;

constexpr std::uintmax_t kLargestFile = 16 * 1024 * 1024;  // octets
constexpr std::size_t kLargestEntry = 1024 * 1024;         // octets, of a user or group with all its members

// Asks one of the get*_r functions, with more room until there is enough. `take` is called with the entry when there is one;
// what it points to lives no longer than the call.
template <class Entry, class Key, class Take>
void look_up(int (*function)(Key, Entry*, char*, std::size_t, Entry**), Key key, Take&& take) {
  int error = ERANGE;
  for (std::size_t room = 4096; error == ERANGE && room <= kLargestEntry; room *= 4) {
    std::vector<char> buffer(room);
    Entry entry{};
    Entry* found = nullptr;
    error = function(key, &entry, buffer.data(), buffer.size(), &found);
    if (error == 0 && found != nullptr) take(entry);
  }
}

std::optional<std::uint32_t> uid_of(std::string_view name) {
  std::optional<std::uint32_t> user;
  look_up(getpwnam_r, std::string(name).c_str(), [&](const passwd& entry) { user = entry.pw_uid; });
  return user;
}

std::optional<std::uint32_t> gid_of(std::string_view name) {
  std::optional<std::uint32_t> group;
  look_up(getgrnam_r, std::string(name).c_str(), [&](const struct group& entry) { group = entry.gr_gid; });
  return group;
}

std::string name_of(std::uint32_t user) {
  std::string name;
  look_up(getpwuid_r, uid_t{user}, [&](const passwd& entry) { name = entry.pw_name; });
  return name;
}

// Adds the policy files of the directory by their names; one that is there already gives way.
void list_files(const std::filesystem::path& directory, std::map<std::string, std::filesystem::path>& files, ConfigurationErrors& errors) {
  std::error_code error;
  if (!std::filesystem::exists(directory, error)) return;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    if (entry.path().extension() == ".toml") files.insert_or_assign(entry.path().filename().string(), entry.path());
  if (error) errors.push_back({directory.string(), 0, 0, "cannot be read: " + error.message()});
}

Expected<std::string, std::string> read_text(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_character_file(path, error)) return std::string{};  // a link to /dev/null takes a vendor's file away
  const auto size = std::filesystem::file_size(path, error);
  if (error) return Unexpected{"cannot be read: " + error.message()};
  if (size > kLargestFile) return Unexpected{std::string("is larger than 16 MiB")};
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (stream.bad() || !stream.is_open()) return Unexpected{std::string("cannot be read")};
  return text.str();
}

bool is_foreign(const PolicyFile& file) { return file.layer != PolicyLayer::Default; }

}  // namespace

flow_separator::NameResolver host_names() { return {.user = uid_of, .group = gid_of}; }

Expected<std::vector<PolicyFile>, ConfigurationErrors> read_policy_files(const std::filesystem::path& directory,
                                                                         const std::filesystem::path& vendor_directory) {
  ConfigurationErrors errors;
  std::map<std::string, std::filesystem::path> paths;
  list_files(vendor_directory, paths, errors);
  list_files(directory, paths, errors);
  std::vector<PolicyFile> files;
  for (const auto& [name, path] : paths) {
    auto text = read_text(path);
    if (text)
      files.push_back({path.string(), std::move(*text)});
    else
      errors.push_back({path.string(), 0, 0, text.error()});
  }
  if (!errors.empty()) return Unexpected{std::move(errors)};
  return files;
}

LoadedPolicy parse_policy(std::vector<PolicyFile> files) {
  for (PolicyFile& file : files)
    if (file.user && file.user_name.empty()) file.user_name = name_of(*file.user);
  auto policy = flow_separator::Policy::parse(files, host_names());
  if (policy) return std::make_shared<const flow_separator::Policy>(std::move(*policy));
  ConfigurationErrors errors;
  for (const auto& mistake : policy.error()) errors.push_back({mistake.file, mistake.line, mistake.column, mistake.reason});
  return Unexpected{std::move(errors)};
}

LoadedPolicy load_policy(const std::filesystem::path& directory, std::vector<PolicyFile> foreign) {
  auto files = read_policy_files(directory);
  if (!files) return Unexpected{files.error()};
  files->insert(files->end(), std::make_move_iterator(foreign.begin()), std::make_move_iterator(foreign.end()));
  return parse_policy(std::move(*files));
}

LoadedPolicy load_policy_leaving_out(const std::filesystem::path& directory, std::vector<PolicyFile> foreign,
                                     ConfigurationErrors& left_out) {
  for (;;) {
    auto policy = load_policy(directory, foreign);
    if (policy) return policy;
    std::set<std::string> wrong;
    for (const PolicyFile& file : foreign)
      if (is_foreign(file) && std::any_of(policy.error().begin(), policy.error().end(), [&](const auto& mistake) { return mistake.file == file.name; }))
        wrong.insert(file.name);
    if (wrong.empty()) return policy;
    for (const ConfigurationError& mistake : policy.error())
      if (wrong.contains(mistake.file)) left_out.push_back(mistake);
    std::erase_if(foreign, [&](const PolicyFile& file) { return wrong.contains(file.name); });
  }
}

}  // namespace mipflow::platform
