// SPDX-License-Identifier: GPL-3.0-or-later
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "daemon.hpp"
#include "mipflow/platform/sysctls.hpp"

namespace {

using namespace mipflow;

constexpr int kExitFailed = 1;
constexpr int kExitConfiguration = 78;  // EX_CONFIG of sysexits.h, which systemd knows

void print(const std::string& line) { std::fprintf(stderr, "mipflow-had: %s\n", line.c_str()); }

int clean_up(const platform::DaemonOptions& options) {
  const auto lock = platform::InstanceLock::take(options.runtime_directory / "had.lock");
  if (!lock) {
    print(lock.error().message);
    return kExitFailed;
  }
  std::vector<platform::Failure> failures;
  platform::KernelState::take_back(had::kernel_options(options, {}), failures);
  platform::Sysctls(options.runtime_directory / "had.sysctls").restore();
  for (const auto& failure : failures) print(failure.message);
  return failures.empty() ? 0 : kExitFailed;
}

int run(const platform::DaemonOptions& options) {
  auto settings = platform::load_home_agent_settings(options.configuration);
  const auto complain = [](const platform::ConfigurationErrors& errors) {
    for (const auto& error : errors) print(to_string(error));
    return kExitConfiguration;
  };
  if (!settings) return complain(settings.error());
  if (options.check) {
    std::printf("%s is valid\n", options.configuration.c_str());
    return 0;
  }

  had::Daemon daemon(options, std::move(*settings));
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
      argc, argv, {.program = "mipflow-had",
                   .brief = "had",
                   .purpose = "Serves the home addresses of mobile nodes that are away (Mobile IPv6 home agent).",
                   .keeps_state = true});
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
