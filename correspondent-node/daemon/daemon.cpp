// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon.hpp"

#include <algorithm>

namespace mipflow::cnd {

platform::KernelState::Options kernel_options(const platform::DaemonOptions& options, const Configuration& configuration) {
  platform::KernelState::Options out;
  out.device = options.device;
  out.data_path.role = datapath::Role::CorrespondentNode;
  out.data_path.pin_directory = options.pin_directory;
  out.data_path.correspondent_capacity = platform::correspondent_capacity(configuration);
  return out;
}

Daemon::Daemon(platform::DaemonOptions options, platform::CorrespondentNodeSettings settings)
    : ServingDaemon(std::move(options), "cnd", settings.log_level), settings_(std::move(settings)) {}

Daemon::~Daemon() = default;

platform::KernelState::Options Daemon::kernel_options() const { return cnd::kernel_options(options_, settings_.node); }

platform::Result<void> Daemon::make_role() {
  node_ = std::make_unique<CorrespondentNode>(settings_.node, random_, plan_, now());
  node_->restore(bindings_of_before(), now());
  runner_ = std::make_unique<platform::Runner<CorrespondentNode, Event>>(*node_, static_cast<platform::RunnerPort&>(*this));
  return {};
}

void Daemon::listen() {
  // Of a daemon before this one.
  for (const auto& address : kernel_->data_path()->signalling_addresses())
    if (!has_address(address)) stop_listening_at(address);
  for (const auto& address : reachable_addresses()) listen_at(address);
}

void Daemon::begin_service() {
  runner_->begin();
  runner_->end();
}

void Daemon::on_address(const platform::InterfaceAddress& address) {
  ServingDaemon::on_address(address);
  if (has_address(address.address) && address.address.is_unicast_routable()) listen_at(address.address);
}

void Daemon::on_address_removed(const platform::InterfaceAddress& address) {
  ServingDaemon::on_address_removed(address);
  if (!has_address(address.address)) stop_listening_at(address.address);
}

void Daemon::listen_at(const Address& address) {
  if (auto* data_path = kernel_->data_path())
    if (const auto done = data_path->set_signalling_address(address); !done) warn("kernel-refused", {{done.error().text, done.error().code}});
}

void Daemon::stop_listening_at(const Address& address) {
  if (auto* data_path = kernel_->data_path())
    if (const auto done = data_path->erase_signalling_address(address); !done) warn("kernel-refused", {{done.error().text, done.error().code}});
}

}  // namespace mipflow::cnd
