// SPDX-License-Identifier: GPL-3.0-or-later
#include <utility>

#include "daemon.hpp"
#include "mipflow/platform/daemon_main.hpp"
#include "mipflow/platform/flow_wish.hpp"

namespace {

using namespace mipflow;

Expected<platform::DaemonWork::Loaded, platform::ConfigurationErrors> load(const platform::DaemonOptions& options) {
  auto settings = platform::load_mobile_node_settings(options.configuration);
  if (!settings) return Unexpected{settings.error()};
  const auto& state_directory = options.state_directory.empty() ? settings->state_directory : options.state_directory;
  const mnd::PolicySource source(settings->policy_directory, state_directory, settings->node);
  settings->node.known_network_policy = source.network_policy().value_or(mobile_node::NetworkPolicy{}).version;
  platform::ConfigurationErrors left_out;
  const auto policy = source.load(left_out);
  if (!policy) return Unexpected{policy.error()};
  const mnd::KeptHomeAddressesFile home_addresses(state_directory);
  if (auto kept = home_addresses.read())
    settings->node.kept_home_addresses = std::move(*kept);
  else
    left_out.push_back({.file = home_addresses.path().string(), .reason = kept.error()});
  const mnd::Daemon::State state{source, *policy, home_addresses, left_out};
  const auto run = [options, settings = *settings, state](const platform::Helpers& helpers) -> platform::Result<void> {
    mnd::Daemon daemon(options, settings, state, helpers);
    if (auto started = daemon.start(); !started) return started;
    daemon.run();
    return {};
  };
  return platform::DaemonWork::Loaded{run, state_directory};
}

void take_back(const platform::DaemonOptions& options, std::vector<platform::Failure>& failures) {
  platform::KernelState::take_back(mnd::kernel_options(options, {}), failures);
  platform::ProgramGroups(platform::CgroupTree::find()).dissolve();
}

}  // namespace

int main(int argc, char** argv) {
  return platform::daemon_main(
      argc, argv,
      {.name = {.program = "mipflow-mnd",
                .brief = "mnd",
                .purpose = "Moves each data flow of this host on its own between its network interfaces (Mobile IPv6).",
                .has_first_packets = true,
                .keeps_state = true},
       .capabilities = platform::kCapabilitiesOfAll,
       .looks_at_programs = true,
       .load = load,
       .take_back = take_back});
}
