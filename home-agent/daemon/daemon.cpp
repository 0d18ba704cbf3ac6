// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon.hpp"

#include <algorithm>

#include "mipflow/platform/network_observer.hpp"
#include "mipflow/wire/home_agents_anycast.hpp"

namespace mipflow::had {

using platform::Failure;
using platform::Result;

namespace {

constexpr std::uint64_t kMostTunnels = 16'777'216;  // as many as one binding cache may have

// An acknowledgement leaves when the data path has the binding, and the disk has it a few milliseconds later. What a daemon that was
// killed in between had let move is where the data path has it; else a home address that only receives would be lost until its
// next refresh. Lifetime and sequence number stay those of before, which the mobile node's next Binding Update exceeds.
void follow_data_path(std::vector<PersistedBinding>& bindings, const std::unordered_map<Address, forwarding::TunnelItem>& tunnels) {
  for (auto& binding : bindings)
    if (const auto found = tunnels.find(binding.home_address); found != tunnels.end()) binding.care_of_address = found->second.care_of_address;
}

}  // namespace

std::uint32_t tunnel_capacity(const Configuration& configuration) {
  std::uint64_t capacity = configuration.binding_cache_capacity;
  for (const auto& primary : configuration.load_sharing.primaries) capacity += primary.capacity;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(capacity, kMostTunnels));
}

platform::KernelState::Options kernel_options(const platform::DaemonOptions& options, const Configuration& configuration) {
  platform::KernelState::Options out;
  out.device = options.device;
  out.data_path.role = datapath::Role::HomeAgent;
  out.data_path.pin_directory = options.pin_directory;
  out.data_path.tunnel_capacity = tunnel_capacity(configuration);
  out.data_path.correspondent_capacity = platform::correspondent_capacity(configuration.correspondent_node);
  return out;
}

Daemon::Daemon(platform::DaemonOptions options, platform::HomeAgentSettings settings)
    : ServingDaemon(std::move(options), "had", settings.log_level),
      settings_(std::move(settings)),
      store_((options_.state_directory.empty() ? settings_.state_directory : options_.state_directory) / "bindings") {}

Daemon::~Daemon() = default;

platform::KernelState::Options Daemon::kernel_options() const { return had::kernel_options(options_, settings_.agent); }

Result<void> Daemon::make_role() {
  if (const auto done = find_home_link(); !done) return done;
  if (const auto done = restore_bindings(); !done) return done;
  make_dhcpv6_port();
  make_forwarding_port();
  return {};
}

Result<void> Daemon::find_home_link() {
  std::vector<std::string> interfaces;
  const auto links = platform::list_links(kernel_->requests());
  if (!links) return Unexpected{links.error()};
  for (const auto& link : *links) {
    interfaces.push_back(link.name);
    if (link.name != settings_.home_link) continue;
    settings_.agent.home_interface = link.index;
    if (link.link_layer_address) settings_.agent.home_link_layer_address = *link.link_layer_address;
  }
  if (!settings_.home_link.empty() && settings_.agent.home_interface == 0)
    return platform::fail("there is no interface " + settings_.home_link + "; correct home-link in " + options_.configuration.string() +
                          ", or make the interface before the daemon starts");
  sysctls_.emplace(options_.runtime_directory / "had.sysctls");
  return prepare_forwarding(*sysctls_, interfaces, settings_.home_link);
}

Result<void> Daemon::restore_bindings() {
  std::error_code error;
  const auto directory = options_.state_directory.empty() ? settings_.state_directory : options_.state_directory;
  std::filesystem::create_directories(directory, error);
  if (error) return platform::fail("cannot make the state directory " + directory.string(), error.value());
  auto restored = store_.load();
  if (!restored) warn("bindings-not-restored", {restored.error()});
  if (store_.torn_octets() != 0)
    note(Severity::Warning, "bindings-torn", "The last " + std::to_string(store_.torn_octets()) +
                                                 " octets of the bindings were not written whole and are left out; mobile nodes that registered "
                                                 "in that moment do so again at their next refresh");
  platform::StoredState state = restored ? *restored : platform::StoredState{};
  follow_data_path(state.bindings, kernel_->data_path()->tunnels());
  agent_ = std::make_unique<HomeAgent>(settings_.agent, state.bindings, random_, now(), state.services);
  agent_->restore_correspondent_bindings(bindings_of_before(), now());
  runner_ = std::make_unique<platform::Runner<HomeAgent, Event>>(*agent_, static_cast<platform::RunnerPort&>(*this));
  return {};
}

void Daemon::begin_service() {
  if (!has_address(settings_.agent.home_agent_address))
    note(Severity::Warning, "home-agent-address-missing",
         "No interface has the home-agent-address " + to_string(settings_.agent.home_agent_address) + "; nobody reaches this home agent until one has");
  std::vector<Failure> failures;
  // On a virtual home link the question comes to the node itself: any interface that lives as long as we do.
  const InterfaceIndex link = settings_.agent.home_interface != 0 ? settings_.agent.home_interface : kernel_->device();
  for (const auto& anycast : anycast_addresses())
    if (const auto done = anycast_.join(link, anycast); !done) failures.push_back(done.error());
  if (settings_.agent.home_interface != 0)
    if (const auto done = routers_.open(settings_.agent.home_interface); !done) failures.push_back(done.error());
  warn("kernel-refused", failures);
  // Bindings of before the restart are served at once, by the reconciliation that comes next.
  runner_->leave_to_reconciliation();
}

std::vector<Address> Daemon::anycast_addresses() const {
  std::vector<Address> out;
  for (const auto& prefix : settings_.agent.home_prefixes)
    if (prefix.prefix.length() == 64) out.push_back(wire::home_agents_anycast(prefix.prefix));
  return out;
}

void Daemon::listen() {
  std::vector<Failure> failures;
  auto addresses = anycast_addresses();
  addresses.push_back(settings_.agent.home_agent_address);
  for (const auto& address : addresses)
    if (const auto done = kernel_->data_path()->set_signalling_address(address); !done) failures.push_back({done.error().text, done.error().code});
  warn("kernel-refused", failures);
}

void Daemon::end_service() {
  disk_.join();
  std::vector<Failure> failures;
  if (const auto saved = what_to_write()(); !saved) failures.push_back(saved.error());
  warn("bindings-not-saved", failures);
}

void Daemon::take_back_more() {
  if (sysctls_) sysctls_->restore();
}

}  // namespace mipflow::had
