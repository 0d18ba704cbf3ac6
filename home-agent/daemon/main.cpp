// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon.hpp"
#include "mipflow/platform/daemon_main.hpp"
#include "mipflow/platform/sysctls.hpp"

namespace {

using namespace mipflow;

Expected<platform::DaemonWork::Loaded, platform::ConfigurationErrors> load(const platform::DaemonOptions& options) {
  const auto settings = platform::load_home_agent_settings(options.configuration);
  if (!settings) return Unexpected{settings.error()};
  const auto run = [options, settings = *settings](const platform::Helpers&) -> platform::Result<void> {
    had::Daemon daemon(options, settings);
    if (auto started = daemon.start(); !started) return started;
    daemon.run();
    return {};
  };
  return platform::DaemonWork::Loaded{run, options.state_directory.empty() ? settings->state_directory : options.state_directory};
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
       // UDP port 546, on which DHCPv6 servers answer.
       .capabilities = platform::kCapabilitiesOfAll | platform::Capabilities{CAP_NET_BIND_SERVICE},
       .load = load,
       .take_back = take_back});
}
