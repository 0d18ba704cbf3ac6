// SPDX-License-Identifier: GPL-3.0-or-later
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "daemon.hpp"

namespace {

using namespace mipflow;

constexpr int kExitFailed = 1;
constexpr int kExitConfiguration = 78;  // EX_CONFIG of sysexits.h, which systemd knows

void print(const std::string& line) { std::fprintf(stderr, "mipflow-mnd: %s\n", line.c_str()); }

int clean_up(const platform::DaemonOptions& options) {
  const auto lock = platform::InstanceLock::take(options.runtime_directory / "mnd.lock");
  if (!lock) {
    print(lock.error().message);
    return kExitFailed;
  }
  std::vector<platform::Failure> failures;
  platform::KernelState::take_back(mnd::kernel_options(options, {}), failures);
  for (const auto& failure : failures) print(failure.message);
  return failures.empty() ? 0 : kExitFailed;
}

int run(const platform::DaemonOptions& options) {
  auto settings = platform::load_mobile_node_settings(options.configuration);
  auto policy = settings ? platform::load_policy(settings->policy_directory)
                         : Expected<std::shared_ptr<const flow_separator::Policy>, platform::ConfigurationErrors>(nullptr);
  const auto complain = [](const platform::ConfigurationErrors& errors) {
    for (const auto& error : errors) print(to_string(error));
    return kExitConfiguration;
  };
  if (!settings) return complain(settings.error());
  if (!policy) return complain(policy.error());
  if (options.check) {
    std::printf("%s is valid\n", options.configuration.c_str());
    return 0;
  }

  mnd::Daemon daemon(options, std::move(*settings), std::move(*policy));
  if (const auto started = daemon.start(); !started) {
    print(started.error().message);
    return kExitFailed;
  }
  daemon.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = platform::parse_daemon_options(
      argc, argv, {.program = "mipflow-mnd",
                   .brief = "mnd",
                   .purpose = "Moves each data flow of this host on its own between its network interfaces (Mobile IPv6).",
                   .has_first_packets = true});
  if (!options) return options.error().status;
  // Whoever reads our standard error may go away; that is no reason to stop.
  std::signal(SIGPIPE, SIG_IGN);
  // Nothing below throws on purpose; what the system denies (memory, a thread) ends here with a reason.
  try {
    return options->clean_up ? clean_up(*options) : run(*options);
  } catch (const std::exception& error) {
    print(error.what());
    return kExitFailed;
  }
}
