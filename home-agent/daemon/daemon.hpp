// SPDX-License-Identifier: GPL-3.0-or-later
// mipflow-had: the home agent role with its adapters. Wiring only; what an adapter does stands in platform/.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "home_link.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/platform/binding_store.hpp"
#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/control_server.hpp"
#include "mipflow/platform/daemon_options.hpp"
#include "mipflow/platform/event_loop.hpp"
#include "mipflow/platform/healer.hpp"
#include "mipflow/platform/instance_lock.hpp"
#include "mipflow/platform/kernel_random.hpp"
#include "mipflow/platform/kernel_state.hpp"
#include "mipflow/platform/network_observer.hpp"
#include "mipflow/platform/operator_log.hpp"
#include "mipflow/platform/packet_sender.hpp"
#include "mipflow/platform/runner.hpp"
#include "mipflow/platform/sysctls.hpp"

namespace mipflow::had {

using namespace home_agent;

platform::KernelState::Options kernel_options(const platform::DaemonOptions& options, const Configuration& configuration);

class Daemon final : private platform::RunnerPort, private platform::NetworkListener {
 public:
  Daemon(platform::DaemonOptions options, platform::HomeAgentSettings settings);
  ~Daemon() override;

  platform::Result<void> start();
  // Until SIGTERM or SIGINT; then takes everything back, or leaves it with --keep-state. The bindings stay on disk.
  void run();

 private:
  // platform::RunnerPort
  Now now() override;
  void add(const platform::PlanChanges& changes, std::vector<platform::Failure>& refused) override;
  void remove(const platform::PlanChanges& changes, std::vector<platform::Failure>& refused) override;
  void send(const OutgoingPacket& packet) override;
  void release(const Verdict&) override {}  // a home agent holds no packets
  void tell(const Notice& notice, TimePoint now) override;
  void arm(TimePoint deadline) override;
  void refused(std::vector<platform::Failure> failures) override;

  // platform::NetworkListener
  void on_link(const platform::Link& link) override;
  void on_link_removed(const platform::Link& link) override;
  void on_address(const platform::InterfaceAddress& address) override;
  void on_address_removed(const platform::InterfaceAddress& address) override;
  void on_router(InterfaceIndex, const Address&, bool) override {}
  void on_router_removed(InterfaceIndex, const Address&) override {}
  void on_notification(const nlmsghdr& notification) override;
  void on_overrun() override { healer_.lost(false); }

  platform::Result<void> set_up();
  void take_back();
  platform::Result<void> find_home_link();
  platform::Result<void> restore_bindings();
  void set_signalling_addresses();
  void watch();
  void watch_ring();
  void heal(bool programs);
  void save_later();
  void save();
  void reload();
  void warn(const char* event, const std::vector<platform::Failure>& failures);
  platform::ControlServer::Reply answer_request(const std::string& line);
  std::map<std::string, std::uint64_t> counters() const;

  platform::DaemonOptions options_;
  platform::HomeAgentSettings settings_;
  boost::asio::io_context loop_{1};
  boost::asio::thread_pool disk_{1};
  platform::OperatorLog log_;
  platform::KernelRandom random_;
  TimePoint started_;
  platform::BindingStore store_;

  std::optional<platform::InstanceLock> lock_;
  std::optional<platform::Sysctls> sysctls_;
  std::unique_ptr<platform::KernelState> kernel_;
  std::optional<platform::PacketSender> sender_;
  AnycastMemberships anycast_;
  std::unique_ptr<HomeAgent> agent_;
  std::unique_ptr<platform::Runner<HomeAgent, Event>> runner_;
  std::optional<platform::NetworkObserver> observer_;
  std::set<InterfaceIndex> uplinks_;
  std::set<Address> own_addresses_;

  platform::BootTimer deadline_;
  platform::Healer healer_{loop_, [this](bool programs) { heal(programs); }};
  boost::asio::steady_timer save_timer_{loop_};
  boost::asio::signal_set signals_{loop_};
  std::vector<std::unique_ptr<platform::DescriptorWatch>> watches_;
  std::unique_ptr<platform::DescriptorWatch> ring_watch_;
  std::unique_ptr<platform::ControlServer> control_;

  std::function<void(PacketReceived)> on_signalling_;
  std::function<void(const datapath::UnboundSource&)> on_unbound_source_;
  Duration last_save_took_{};
  TimePoint last_save_ended_{};
  bool save_is_due_ = false;
};

}  // namespace mipflow::had
