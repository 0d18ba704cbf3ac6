// SPDX-License-Identifier: GPL-3.0-or-later
// mipflow-mnd: the mobile node role with its adapters. Wiring only; what an adapter does stands in platform/.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "application_requests.hpp"
#include "control_requests.hpp"
#include "first_packets.hpp"
#include "kept_home_addresses_file.hpp"
#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/daemon_options.hpp"
#include "mipflow/platform/echo_listener.hpp"
#include "mipflow/platform/event_loop.hpp"
#include "mipflow/platform/healer.hpp"
#include "mipflow/platform/helpers.hpp"
#include "mipflow/platform/instance_lock.hpp"
#include "mipflow/platform/kernel_random.hpp"
#include "mipflow/platform/kernel_state.hpp"
#include "mipflow/platform/neighbour_keeper.hpp"
#include "mipflow/platform/neighbour_listener.hpp"
#include "mipflow/platform/operator_log.hpp"
#include "mipflow/platform/packet_queue.hpp"
#include "mipflow/platform/packet_sender.hpp"
#include "mipflow/platform/pin_watch.hpp"
#include "mipflow/platform/wall_clock.hpp"
#include "network_events.hpp"
#include "policy_source.hpp"

namespace mipflow::mnd {

using namespace mobile_node;

platform::KernelState::Options kernel_options(const platform::DaemonOptions& options, const Configuration& configuration);

class Daemon final : private platform::RunnerPort {
 public:
  // What the daemon was started with, beside its settings.
  struct State {
    PolicySource source;
    std::shared_ptr<const flow_separator::Policy> policy;
    KeptHomeAddressesFile home_addresses;
    platform::ConfigurationErrors left_out;  // of the policy and of what was kept
  };
  Daemon(platform::DaemonOptions options, platform::MobileNodeSettings settings, State state, const platform::Helpers& helpers);
  ~Daemon();

  // Sets everything up. When that fails nothing stays behind, except for what a daemon before this one had left.
  platform::Result<void> start();
  // Until SIGTERM or SIGINT; then takes everything back, or leaves it with --keep-state.
  void run();

 private:
  // platform::RunnerPort
  Now now() override;
  void add(const platform::PlanChanges& changes, std::vector<platform::Failure>& refused) override;
  void remove(const platform::PlanChanges& changes, std::vector<platform::Failure>& refused) override;
  void send(const OutgoingPacket& packet) override;
  void release(const Verdict& verdict) override;
  void tell(const Notice& notice, TimePoint now) override;
  void keep(const KeptText& text) override;
  void arm(TimePoint deadline) override;
  void refused(std::vector<platform::Failure> failures) override;

  NetworkEvents::Hooks network_hooks();
  ApplicationRequests::Hooks application_hooks();
  FirstPackets::Hooks first_packet_hooks();
  platform::Result<void> set_up();
  void hear_probes_answered(std::vector<platform::Failure>& refused);
  void take_back();
  void take_over_flows();
  void take_over_flows_since(const std::unordered_map<FlowKey, forwarding::FlowItem>& known);
  void watch();
  void watch_data_path();
  void forget_data_path();
  void tell_healed();
  void report_activities();
  void report_next_activities(std::size_t first);
  void read_packets();
  void read_ring();
  void read_network();
  void read_rule_changes();
  void heal(bool programs);
  void sweep_later();
  void reload();
  void keep_network_policy(const std::string& document);
  void tell_left_out(const platform::ConfigurationErrors& left_out);
  void complete(StatusSnapshot& status) const;
  void stop();
  void finish_when_deregistered();
  void warn(const char* event, const std::vector<platform::Failure>& failures);
  std::map<std::string, std::uint64_t> counters() const;

  platform::DaemonOptions options_;
  platform::MobileNodeSettings settings_;
  boost::asio::io_context loop_{1};
  platform::OperatorLog log_;
  platform::KernelRandom random_;
  TimePoint started_;

  std::optional<platform::InstanceLock> lock_;
  std::unique_ptr<platform::KernelState> kernel_;
  std::optional<platform::PacketSender> sender_;
  std::optional<platform::PacketQueue> queue_;
  std::optional<platform::NeighbourKeeper> neighbours_;
  platform::NeighbourListener neighbour_listener_;
  platform::EchoListener echo_listener_;
  std::optional<platform::NetlinkSocket> rule_notifications_;
  PolicySource policy_source_;
  KeptHomeAddressesFile kept_home_addresses_;
  platform::ConfigurationErrors left_out_at_start_;
  MobileNode node_;
  NodeRunner runner_{node_, *this};
  ApplicationRequests applications_;
  FirstPackets first_packets_;
  std::optional<platform::WallClock> wall_clock_;
  std::optional<NetworkEvents> network_events_;
  std::optional<platform::NetworkObserver> observer_;
  ControlRequests requests_;

  platform::BootTimer deadline_;
  boost::asio::steady_timer activity_timer_{loop_};
  platform::Healer healer_{loop_, [this](bool programs) { heal(programs); }};
  boost::asio::steady_timer sweep_timer_{loop_};
  boost::asio::steady_timer stop_timer_{loop_};
  boost::asio::steady_timer routes_timer_{loop_};
  boost::asio::signal_set signals_{loop_};
  std::vector<std::unique_ptr<platform::DescriptorWatch>> watches_;
  std::unique_ptr<platform::DescriptorWatch> ring_watch_;
  std::optional<platform::PinWatch> pin_watch_;
  std::unique_ptr<platform::ControlServer> control_;

  std::function<void(const platform::QueuedPacket&)> on_packet_;
  std::function<void(PacketReceived)> on_signalling_;
  std::function<void(const datapath::FlowClosed&)> on_flow_closed_;
  std::vector<datapath::FlowActivity> activities_;  // what is being told to the node, slice by slice
  TimePoint activities_read_at_{};
  bool routes_are_due_ = false;
  bool stopping_ = false;
};

}  // namespace mipflow::mnd
