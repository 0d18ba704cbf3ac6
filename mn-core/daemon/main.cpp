// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon.hpp"
#include "mipflow/platform/daemon_main.hpp"

namespace {

using namespace mipflow;

Expected<platform::DaemonWork::Run, platform::ConfigurationErrors> load(const platform::DaemonOptions& options) {
  const auto settings = platform::load_mobile_node_settings(options.configuration);
  if (!settings) return Unexpected{settings.error()};
  const auto policy = platform::load_policy(settings->policy_directory);
  if (!policy) return Unexpected{policy.error()};
  return platform::DaemonWork::Run([options, settings = *settings, policy = *policy]() -> platform::Result<void> {
    mnd::Daemon daemon(options, settings, policy);
    if (auto started = daemon.start(); !started) return started;
    daemon.run();
    return {};
  });
}

void take_back(const platform::DaemonOptions& options, std::vector<platform::Failure>& failures) {
  platform::KernelState::take_back(mnd::kernel_options(options, {}), failures);
}

}  // namespace

int main(int argc, char** argv) {
  return platform::daemon_main(
      argc, argv,
      {.name = {.program = "mipflow-mnd",
                .brief = "mnd",
                .purpose = "Moves each data flow of this host on its own between its network interfaces (Mobile IPv6).",
                .has_first_packets = true},
       .load = load,
       .take_back = take_back});
}
