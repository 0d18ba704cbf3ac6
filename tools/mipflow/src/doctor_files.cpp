// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "doctor.hpp"
#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/security_associations.hpp"
#include "mipflow/platform/service_user.hpp"

namespace mipflow::tools {
namespace {

using enum Finding::Result;
using platform::ConfigurationErrors;

constexpr double kWorrying = 1;  // s; a home agent's timestamp window is 7 s (RFC 4285 §5)

struct Daemon {
  const char* name;
  const char* file;
  // Reads the configuration with all that it names, keys and policy.
  std::function<std::optional<ConfigurationErrors>(const std::filesystem::path&)> load;
};

std::optional<ConfigurationErrors> load_mobile_node(const std::filesystem::path& file) {
  const auto settings = platform::load_mobile_node_settings(file);
  if (!settings) return settings.error();
  const auto policy = platform::load_policy(settings->policy_directory);
  return policy ? std::nullopt : std::optional(policy.error());
}

template <class Load>
std::optional<ConfigurationErrors> errors_of(const Load& load, const std::filesystem::path& file) {
  const auto settings = load(file);
  return settings ? std::nullopt : std::optional(settings.error());
}

const std::vector<Daemon>& daemons() {
  static const std::vector<Daemon> table{
      {"mipflow-mnd", "etc/mipflow/mnd.toml", load_mobile_node},
      {"mipflow-had", "etc/mipflow/had.toml",
       [](const auto& file) { return errors_of([](const auto& each) { return platform::load_home_agent_settings(each); }, file); }},
      {"mipflow-cnd", "etc/mipflow/cnd.toml",
       [](const auto& file) { return errors_of(platform::load_correspondent_node_settings, file); }},
  };
  return table;
}

// Keys and configuration are root's: others can not judge what they can not read.
bool is_closed_to_us(const std::filesystem::path& file) { return access(file.c_str(), R_OK) != 0 && errno == EACCES; }

Finding examine_keys(const std::filesystem::path& file) {
  struct stat status {};
  const auto name = file.string();
  if (stat(file.c_str(), &status) != 0) {
    if (errno == EACCES)
      return {"keys", Unknown, name + " is not to be seen without being root", "run mipflow doctor as root"};
    return {"keys", Warning, name + " does not exist",
            "needed unless authentication is \"none-insecure\" in mnd.toml or had.toml; see mnd.toml(5)"};
  }
  const auto mode = status.st_mode & 07777;
  const auto daemons = platform::group_named(platform::kServiceUser);
  const auto advice = daemons ? fmt::format("chown root:{1} {0}; chmod 0640 {0}", name, platform::kServiceUser) : fmt::format("chown root: {0}; chmod 0600 {0}", name);
  if (status.st_uid != 0 || platform::objection_to_key_file(status, file, daemons))
    return {"keys", Error,
            fmt::format("{} belongs to user {} and group {} with mode {:04o}: others could read or change the keys", name, status.st_uid,
                        platform::name_of_group(status.st_gid), mode),
            advice};
  if (daemons && (status.st_gid != *daemons || (mode & 040) == 0))
    return {"keys", Error, fmt::format("{} is root's alone, and the daemons run as the user {}", name, platform::kServiceUser), advice};
  return {"keys", Good, name + (daemons ? " is root's and the daemons' alone" : " is root's alone"), ""};
}

std::vector<Finding> examine_daemon(const Host& host, const Daemon& daemon) {
  const auto file = host.root / daemon.file;
  const auto unknown = [&](const std::string& closed) {
    return Finding{daemon.name, Unknown, closed + " is not readable for you", "run mipflow doctor as root"};
  };
  if (is_closed_to_us(file)) return {unknown(file.string())};
  const auto errors = daemon.load(file);
  if (!errors) return {{daemon.name, Good, file.string() + " is valid", ""}};
  std::vector<Finding> out;
  for (const auto& error : *errors)
    out.push_back(is_closed_to_us(error.file) ? unknown(error.file)
                                              : Finding{daemon.name, Error, to_string(error), fmt::format("mend it, then: {} --check", daemon.name)});
  return out;
}

}  // namespace

std::vector<Finding> examine_files(const Host& host, bool daemon_answers) {
  std::vector<Finding> out;
  bool any = false;
  bool keys_matter = false;
  for (const auto& daemon : daemons()) {
    if (!host.has(daemon.file)) continue;
    any = true;
    keys_matter = keys_matter || daemon.name != std::string("mipflow-cnd");
    for (auto& finding : examine_daemon(host, daemon)) out.push_back(std::move(finding));
  }
  if (!any && daemon_answers)
    out.push_back({"configuration", Unknown, "the daemon that answers has its files elsewhere, not in " + (host.root / "etc/mipflow").string(),
                   "its option --check judges them"});
  else if (!any)
    out.push_back({"configuration", Error, "there is none in " + (host.root / "etc/mipflow").string(),
                   "mipflow setup writes it for a laptop, mipflow setup home-agent for a home agent; for a server copy cnd.toml from the examples"});
  if (keys_matter) out.push_back(examine_keys(host.root / "etc/mipflow/security-associations.toml"));
  return out;
}

std::vector<Finding> judge_clock(bool synchronised, double estimated_error_seconds) {
  if (!synchronised)
    return {{"clock", Warning,
             "nobody keeps it right; a home agent refuses Binding Updates whose timestamp is 7 s off (RFC 4285)",
             "systemctl enable --now systemd-timesyncd, or another NTP client"}};
  if (estimated_error_seconds > kWorrying)
    return {{"clock", Warning, fmt::format("may be {:.1f} s off", estimated_error_seconds),
             "look at the NTP client: timedatectl timesync-status"}};
  return {{"clock", Good, fmt::format("is kept right, to {:.0f} ms", estimated_error_seconds * 1e3), ""}};
}

std::vector<Finding> examine_clock() {
  timex state{};
  const int result = adjtimex(&state);
  if (result < 0) return {{"clock", Unknown, "the kernel does not say how it is kept", ""}};
  return judge_clock(result != TIME_ERROR && (state.status & STA_UNSYNC) == 0, static_cast<double>(state.esterror) / 1e6);
}

}  // namespace mipflow::tools
