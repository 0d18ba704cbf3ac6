// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>

#include "commands.hpp"
#include "flow_words.hpp"
#include "mipflow/flow-separator/policy.hpp"
#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/control_protocol.hpp"

namespace mipflow::tools {
namespace {

using flow_separator::Policy;
using flow_separator::PolicyFile;

constexpr const char* kPolicyDirectory = "/etc/mipflow/policy.d";
constexpr std::uintmax_t kLargestPolicyFile = 16 << 20;

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

nlohmann::json describe(const Policy& policy) {
  auto out = nlohmann::json::array();
  for (const auto& item : policy.classes()) out.push_back(platform::to_json(item));
  return out;
}

void print_classes(const Invocation& invocation, const nlohmann::json& classes) {
  auto rows = classes;
  for (auto& row : rows) {
    if (!row.is_object()) continue;
    if (field(row, "bypass") == true) row["interfaces"] = "bypass";
    if (const auto& never = field(row, "never"); !never.empty() && field(row, "interfaces").is_array())
      row["interfaces"].push_back("never " + render(never, Look::Plain));
    if (const auto& user = field(row, "user"); user.is_number_unsigned())
      row["layer"] = "user " + user_name(user.get<std::uint32_t>());
  }
  print_table(invocation.console.out, invocation.console.terminal, rows,
              {{"name", "CLASS"},
               {"layer", "LAYER"},
               {"interfaces", "INTERFACES"},
               {"home_address", "HOME ADDRESS"},
               {"route_optimization", "ROUTE OPTIMIZATION"},
               {"origin", "FROM"}});
}

// Which live flows change, and how.
void print_effects(const Invocation& invocation, const nlohmann::json& effects) {
  auto rows = effects;
  const auto change = [](const nlohmann::json& row, const char* before, const char* after) {
    const auto old = render(field(row, before), Look::Plain);
    const auto now = render(field(row, after), Look::Plain);
    return old == now ? now : old + " -> " + now;
  };
  for (auto& row : rows) {
    if (!row.is_object()) continue;
    row["class"] = change(row, "class_before", "class_after");
    row["interface"] = change(row, "interface_before", "interface_after");
  }
  print_table(invocation.console.out, invocation.console.terminal, rows,
              {{"id", "FLOW", Look::Plain, Table::Align::Right}, {"class", "CLASS"}, {"interface", "INTERFACE"}, {"note", "NOTE"}});
}

// Mistakes of policies and of reading their files have the same fields.
template <class Mistakes>
int report_mistakes(const Invocation& invocation, const Mistakes& mistakes) {
  auto list = nlohmann::json::array();
  for (const auto& mistake : mistakes) {
    list.push_back({{"file", mistake.file}, {"line", mistake.line}, {"column", mistake.column}, {"reason", mistake.reason}});
    complain(invocation.console, kExitRefused, to_string(mistake));
  }
  if (invocation.line.json) print_result(invocation, {{"valid", false}, {"errors", list}});
  return kExitRefused;
}

}  // namespace

int check_policy(const Invocation& invocation) {
  std::vector<PolicyFile> files;
  if (invocation.arguments.empty()) {
    auto found = platform::read_policy_files(kPolicyDirectory);
    if (!found) return report_mistakes(invocation, found.error());
    files = std::move(*found);
  }
  for (const auto& name : invocation.arguments) {
    auto file = read_policy_file(name);
    if (!file) return complain(invocation.console, kExitRefused, file.error());
    files.push_back(std::move(*file));
  }
  const auto policy = Policy::parse(files, platform::host_names());
  if (!policy) return report_mistakes(invocation, policy.error());

  auto& out = invocation.console.out;
  if (invocation.line.json) {
    print_result(invocation, {{"valid", true}, {"classes", describe(*policy)}});
    return kExitDone;
  }
  if (files.empty())
    out << "there are no files in " << kPolicyDirectory << " and " << platform::kVendorPolicyDirectory << ": the built-in policy is used\n";
  print_classes(invocation, describe(*policy));
  return kExitDone;
}

int show_policy(const Invocation& invocation) {
  return ask_and_show(invocation, {{"request", "policy-show"}}, [&](const nlohmann::json& result) {
    print_classes(invocation, field(result, "classes"));
    if (const auto& version = field(result, "network_version"); !version.is_null())
      invocation.console.out << "the network's policy is version " << render(version, Look::Plain) << '\n';
  });
}

int test_policy(const Invocation& invocation) {
  nlohmann::json request{{"request", "policy-test"}};
  for (const auto& name : invocation.arguments) {
    auto file = read_policy_file(name);
    if (!file) return complain(invocation.console, kExitRefused, file.error());
    request["files"].push_back({{"name", file->name}, {"text", file->text}});
  }
  const auto result = ask(invocation.line.socket, std::move(request));
  if (!result) return complain(invocation.console, result.error());
  if (invocation.line.json)
    print_result(invocation, *result);
  else if (const auto& effects = field(*result, "effects"); !effects.empty())
    print_effects(invocation, effects);
  else
    invocation.console.out << "nothing changes for the live flows\n";
  const auto& objection = field(*result, "objection");
  if (!objection.is_string() || objection.get_ref<const std::string&>().empty()) return kExitDone;
  return complain(invocation.console, kExitRefused, "the daemon would refuse this policy: " + objection.get<std::string>());
}

int reload_policy(const Invocation& invocation) {
  return ask_and_show(invocation, {{"request", "policy-reload"}}, [&](const nlohmann::json& result) {
    invocation.console.out << "the policy is read again";
    if (const auto& moved = field(result, "moved"); !moved.empty())
      invocation.console.out << "; flows that move: " << render(moved, Look::Plain);
    invocation.console.out << '\n';
    if (const auto& changed = field(result, "changed"); !changed.empty()) print_effects(invocation, changed);
  });
}

namespace {

int give_user_policy(const Invocation& invocation, nlohmann::json text, const char* done) {
  return ask_and_show(invocation, {{"request", "user-policy"}, {"text", std::move(text)}}, [&](const nlohmann::json& result) {
    invocation.console.out << done;
    if (const auto& moved = field(result, "moved"); !moved.empty())
      invocation.console.out << "; flows that move: " << render(moved, Look::Plain);
    invocation.console.out << '\n';
  });
}

}  // namespace

int set_user_policy(const Invocation& invocation) {
  const auto file = read_policy_file(invocation.arguments[0] == "-" ? "/dev/stdin" : invocation.arguments[0]);
  if (!file) return complain(invocation.console, kExitRefused, file.error());
  return give_user_policy(invocation, file->text, "your policy is in use");
}

int remove_user_policy(const Invocation& invocation) { return give_user_policy(invocation, nullptr, "your policy is removed"); }

}  // namespace mipflow::tools
