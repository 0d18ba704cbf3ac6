// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon.hpp"
#include "mipflow/platform/daemon_main.hpp"

namespace {

using namespace mipflow;

Expected<platform::DaemonWork::Loaded, platform::ConfigurationErrors> load(const platform::DaemonOptions& options) {
  const auto settings = platform::load_correspondent_node_settings(options.configuration);
  if (!settings) return Unexpected{settings.error()};
  const auto run = [options, settings = *settings](const platform::Helpers&) -> platform::Result<void> {
    cnd::Daemon daemon(options, settings);
    if (auto started = daemon.start(); !started) return started;
    daemon.run();
    return {};
  };
  return platform::DaemonWork::Loaded{run, {}};
}

void take_back(const platform::DaemonOptions& options, std::vector<platform::Failure>& failures) {
  platform::KernelState::take_back(cnd::kernel_options(options, {}), failures);
}

}  // namespace

int main(int argc, char** argv) {
  return platform::daemon_main(
      argc, argv,
      {.name = {.program = "mipflow-cnd",
                .brief = "cnd",
                .purpose = "Lets mobile nodes talk with this host directly instead of through their home agents (Mobile IPv6 correspondent node)."},
       .capabilities = platform::kCapabilitiesOfAll,
       .load = load,
       .take_back = take_back});
}
