// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon.hpp"
#include "mipflow/platform/daemon_main.hpp"
#include "mipflow/platform/sysctls.hpp"

namespace {

using namespace mipflow;

Expected<platform::DaemonWork::Run, platform::ConfigurationErrors> load(const platform::DaemonOptions& options) {
  const auto settings = platform::load_home_agent_settings(options.configuration);
  if (!settings) return Unexpected{settings.error()};
  return platform::DaemonWork::Run([options, settings = *settings]() -> platform::Result<void> {
    had::Daemon daemon(options, settings);
    if (auto started = daemon.start(); !started) return started;
    daemon.run();
    return {};
  });
}

void take_back(const platform::DaemonOptions& options, std::vector<platform::Failure>& failures) {
  platform::KernelState::take_back(had::kernel_options(options, {}), failures);
  platform::Sysctls(options.runtime_directory / "had.sysctls").restore();
}

}  // namespace

int main(int argc, char** argv) {
  return platform::daemon_main(
      argc, argv,
      {.name = {.program = "mipflow-had",
                .brief = "had",
                .purpose = "Serves the home addresses of mobile nodes that are away (Mobile IPv6 home agent).",
                .keeps_state = true},
       .load = load,
       .take_back = take_back});
}
