// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>

#include "commands.hpp"
#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::tools {
namespace {

using flow_separator::Policy;
using flow_separator::PolicyFile;

constexpr const char* kPolicyDirectory = "/etc/mipflow/policy.d";
constexpr std::uintmax_t kLargestPolicyFile = 16 << 20;

// The files that the daemon reads when nobody says otherwise, in its order.
std::vector<std::string> default_files() {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kPolicyDirectory, error))
    if (entry.path().extension() == ".toml") out.push_back(entry.path().string());
  std::sort(out.begin(), out.end());
  return out;
}

Expected<PolicyFile, std::string> read_policy_file(const std::string& name) {
  std::error_code error;
  if (std::filesystem::is_directory(name, error)) return Unexpected{fmt::format("{}: is a directory, a TOML file is expected", name)};
  if (const auto size = std::filesystem::file_size(name, error); !error && size > kLargestPolicyFile)
    return Unexpected{fmt::format("{}: has {} octets, a policy file has at most {}", name, size, kLargestPolicyFile)};
  std::ifstream in(name, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) return Unexpected{fmt::format("{}: can not be read: {}", name, std::strerror(errno))};
  return PolicyFile{name, text.str()};
}

std::optional<std::uint32_t> uid_of(std::string_view name) {
  std::array<char, 16384> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(std::string(name).c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return entry.pw_uid;
}

nlohmann::json describe(const Policy& policy) {
  auto out = nlohmann::json::array();
  for (const auto& item : policy.classes())
    out.push_back({{"name", item.name}, {"interfaces", item.interfaces}, {"origin", item.origin}});
  return out;
}

int report_mistakes(const Invocation& invocation, const std::vector<flow_separator::PolicyError>& mistakes) {
  auto list = nlohmann::json::array();
  for (const auto& mistake : mistakes) {
    list.push_back({{"file", mistake.file}, {"line", mistake.line}, {"column", mistake.column}, {"reason", mistake.reason}});
    complain(invocation.console, kExitRefused, to_string(mistake));
  }
  if (invocation.line.json) print_json(invocation.console.out, {{"valid", false}, {"errors", list}});
  return kExitRefused;
}

}  // namespace

int check_policy(const Invocation& invocation) {
  const auto names = invocation.arguments.empty() ? default_files() : invocation.arguments;
  std::vector<PolicyFile> files;
  for (const auto& name : names) {
    auto file = read_policy_file(name);
    if (!file) return complain(invocation.console, kExitRefused, file.error());
    files.push_back(std::move(*file));
  }
  const auto policy = Policy::parse(files, uid_of);
  if (!policy) return report_mistakes(invocation, policy.error());

  auto& out = invocation.console.out;
  if (invocation.line.json) {
    print_json(out, {{"valid", true}, {"classes", describe(*policy)}});
    return kExitDone;
  }
  if (names.empty()) out << "there are no files in " << kPolicyDirectory << ": the built-in policy is used\n";
  print_table(out, invocation.console.terminal, describe(*policy),
              {{"name", "CLASS"}, {"interfaces", "INTERFACES"}, {"origin", "FROM"}});
  return kExitDone;
}

int reload_policy(const Invocation& invocation) {
  return ask_and_show(invocation, {{"request", "policy-reload"}}, [&](const nlohmann::json& result) {
    invocation.console.out << "the policy is read again";
    if (const auto& moved = field(result, "moved"); !moved.empty())
      invocation.console.out << "; flows that move: " << render(moved, Look::Plain);
    invocation.console.out << '\n';
  });
}

}  // namespace mipflow::tools
