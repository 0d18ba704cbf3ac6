// SPDX-License-Identifier: GPL-3.0-or-later
// mipflow-had: the home agent role with its adapters. Wiring only; what an adapter does stands in platform/.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "home_link.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/platform/binding_store.hpp"
#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/dhcpv6_client_port.hpp"
#include "mipflow/platform/forwarding_port.hpp"
#include "mipflow/platform/router_listener.hpp"
#include "mipflow/platform/serving_daemon.hpp"
#include "mipflow/platform/sysctls.hpp"

namespace mipflow::had {

using namespace home_agent;

// How many home addresses the data path has to have room for: its own bindings, and what primaries may delegate.
std::uint32_t tunnel_capacity(const Configuration& configuration);
platform::KernelState::Options kernel_options(const platform::DaemonOptions& options, const Configuration& configuration);

// The bindings stay on disk when it stops.
class Daemon final : public platform::ServingDaemon {
 public:
  Daemon(platform::DaemonOptions options, platform::HomeAgentSettings settings);
  ~Daemon() override;

 private:
  // platform::ServingDaemon
  platform::KernelState::Options kernel_options() const override;
  platform::Result<void> make_role() override;
  void listen() override;
  void begin_service() override;
  void stop_asked() override;
  void end_service() override;
  const forwarding::ForwardingPlan& plan() const override { return agent_->plan(); }
  void on_due() override { runner_->on_deadline(); }
  void receive(PacketReceived packet) override { runner_->handle(std::move(packet)); }
  void receive(const datapath::UnboundSource& source) override;
  void receive(const correspondent_node::BindingActivities& activities) override { runner_->handle(activities); }
  std::optional<correspondent_node::KeptBinding> kept_binding(const forwarding::HomeAddressAndCorrespondent& pair) const override {
    return agent_->kept_correspondent_binding(pair);
  }
  Expected<void, platform::ConfigurationErrors> reload() override;
  std::map<std::string, std::uint64_t> role_counters() const override;
  platform::ControlServer::Reply answer(const platform::ControlRequest& request) override;
  void take_back_more() override;
  void arm(TimePoint deadline) override;
  void on_link_removed(const platform::Link& link) override;
  void on_address(const platform::InterfaceAddress& address) override;
  void on_address_removed(const platform::InterfaceAddress& address) override;

  platform::Result<void> find_home_link();
  platform::Result<void> restore_bindings();
  void make_dhcpv6_port();
  bool wants_dhcpv6() const;
  // Where mobile nodes look for a home agent (RFC 6275 §5.3).
  std::vector<Address> anycast_addresses() const;
  void save_later();
  void save();
  // What has to be on disk by now, as something that another thread can do.
  std::function<platform::Result<void>()> what_to_write();
  platform::ControlServer::Reply status();

  // Home agents that share the load.
  void make_forwarding_port();
  void follow_agents();  // listens to those that the role knows
  void report_tunnel_activity_later();
  void report_tunnel_activity();
  void leave();
  std::optional<platform::ControlServer::Reply> answer_about_load_sharing(const platform::ControlRequest& request);
  platform::ControlServer::Reply load_sharing();
  platform::ControlServer::Reply change_delegation(const platform::ControlRequest& request);
  platform::ControlServer::Reply drain_agent(const platform::ControlRequest& request);
  std::optional<platform::ControlServer::Reply> refuse_unknown_agent(const std::string& name) const;
  void add_load_sharing(nlohmann::json& status, nlohmann::json& problems);

  platform::HomeAgentSettings settings_;
  const std::uint32_t tunnel_capacity_ = tunnel_capacity(settings_.agent);  // of the data path as it was opened
  boost::asio::thread_pool disk_{1};
  platform::BindingStore store_;
  std::optional<platform::Sysctls> sysctls_;
  AnycastMemberships anycast_;
  platform::RouterListener routers_{loop_, [this](PacketReceived packet) { receive(std::move(packet)); }};
  std::unique_ptr<HomeAgent> agent_;
  std::unique_ptr<platform::Runner<HomeAgent, Event>> runner_;
  std::optional<platform::Dhcpv6ClientPort> dhcpv6_port_;  // on a home link that is a link
  std::optional<platform::ForwardingPort> forwarding_port_;

  bool shares_load_ = false;
  bool tunnel_activity_is_due_ = false;
  TimePoint last_tunnel_activity_{};
  double tunnelled_per_second_ = 0;
  boost::asio::steady_timer tunnel_activity_timer_{loop_};
  bool is_leaving_ = false;
  TimePoint leave_by_{};
  boost::asio::steady_timer retirement_timer_{loop_};

  boost::asio::steady_timer save_timer_{loop_};
  Duration last_save_took_{};
  TimePoint last_save_ended_{};
  bool save_is_due_ = false;
};

}  // namespace mipflow::had
