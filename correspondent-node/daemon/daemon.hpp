// SPDX-License-Identifier: GPL-3.0-or-later
// mipflow-cnd: the correspondent node role with its adapters. Wiring only; what an adapter does stands in platform/.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "mipflow/correspondent-node/correspondent_node.hpp"
#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/serving_daemon.hpp"

namespace mipflow::cnd {

using namespace correspondent_node;

platform::KernelState::Options kernel_options(const platform::DaemonOptions& options, const Configuration& configuration);

// Serves at every address of this host that others can send to, as they come and go. A clean stop ends the bindings: return
// routability makes them anew. When it was killed, the next one goes on with them.
class Daemon final : public platform::ServingDaemon {
 public:
  Daemon(platform::DaemonOptions options, platform::CorrespondentNodeSettings settings);
  ~Daemon() override;

 private:
  // platform::ServingDaemon
  platform::KernelState::Options kernel_options() const override;
  platform::Result<void> make_role() override;
  void listen() override;
  void begin_service() override;
  const forwarding::ForwardingPlan& plan() const override { return plan_; }
  void on_due() override { runner_->on_deadline(); }
  void receive(PacketReceived packet) override { runner_->handle(std::move(packet)); }
  void receive(const BindingActivities& activities) override { runner_->handle(activities); }
  std::optional<KeptBinding> kept_binding(const forwarding::HomeAddressAndCorrespondent& pair) const override { return node_->kept(pair); }
  Expected<void, platform::ConfigurationErrors> reload() override;
  std::map<std::string, std::uint64_t> role_counters() const override { return platform::counters_of(node_->counters()); }
  platform::ControlServer::Reply answer(const platform::ControlRequest& request) override;
  void on_address(const platform::InterfaceAddress& address) override;
  void on_address_removed(const platform::InterfaceAddress& address) override;

  void listen_at(const Address& address);
  void stop_listening_at(const Address& address);
  platform::ControlServer::Reply status();

  platform::CorrespondentNodeSettings settings_;
  forwarding::ForwardingPlan plan_;
  std::unique_ptr<CorrespondentNode> node_;
  std::unique_ptr<platform::Runner<CorrespondentNode, Event>> runner_;
};

}  // namespace mipflow::cnd
