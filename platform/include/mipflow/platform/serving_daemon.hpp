// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mipflow/correspondent-node/correspondent_node.hpp"
#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/control_protocol.hpp"
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
#include "mipflow/platform/pin_watch.hpp"
#include "mipflow/platform/proxy_crowd.hpp"
#include "mipflow/platform/runner.hpp"

namespace mipflow::platform {

// Room in the data path's table of bindings. A binding that makes room for another one leaves it behind its successor's
// coming (make before break), so it is a little more than the role uses.
inline std::uint32_t correspondent_capacity(const correspondent_node::Configuration& configuration) {
  return static_cast<std::uint32_t>(configuration.binding_cache_capacity) + 64;
}

// What mipflow-had and mipflow-cnd are alike in: both serve mobile nodes at the addresses of this host, on every interface,
// and both hold bindings of a correspondent node. The adapters, what wakes the daemon, healing, and taking everything back.
// Who derives from it brings the role.
class ServingDaemon : protected RunnerPort, protected NetworkListener {
 public:
  ~ServingDaemon() override;

  // Sets everything up. When that fails nothing stays behind, except for what a daemon before this one had left.
  Result<void> start();
  // Until SIGTERM or SIGINT; then takes everything back, or leaves it with --keep-state.
  void run();

 protected:
  // `brief` names files, see DaemonName.
  ServingDaemon(DaemonOptions options, std::string brief, Severity log_level);

  // ---- the role, by who derives ----

  virtual KernelState::Options kernel_options() const = 0;
  // Makes the role. The kernel's state is open; interfaces and addresses are not known yet.
  virtual Result<void> make_role() = 0;
  // Tells the data path at which addresses of this host signalling arrives; again when it had to be opened anew.
  virtual void listen() = 0;
  // They are known now. Carries out what the role's plan holds at the start; the kernel then loses what it has beyond that.
  virtual void begin_service() = 0;
  // SIGTERM or SIGINT came, perhaps again: ends run(), at once or when what has to come first is done.
  virtual void stop_asked() { loop_.stop(); }
  // Nothing comes in any more.
  virtual void end_service() {}
  virtual const forwarding::ForwardingPlan& plan() const = 0;
  virtual void on_due() = 0;
  virtual void receive(PacketReceived packet) = 0;
  virtual void receive(const datapath::UnboundSource&) {}
  virtual void receive(const correspondent_node::BindingActivities& activities) = 0;
  // As CorrespondentNode::kept() has it.
  virtual std::optional<correspondent_node::KeptBinding> kept_binding(const forwarding::HomeAddressAndCorrespondent& pair) const = 0;
  // Reads the configuration again; what is wrong with it changes nothing.
  virtual Expected<void, ConfigurationErrors> reload() = 0;
  virtual std::map<std::string, std::uint64_t> role_counters() const = 0;
  // What every serving daemon knows is answered already.
  virtual ControlServer::Reply answer(const ControlRequest& request) = 0;
  // Behind what KernelState took back.
  virtual void take_back_more() {}

  // platform::RunnerPort
  Now now() override;
  void add(const PlanChanges& changes, std::vector<Failure>& refused) override;
  void remove(const PlanChanges& changes, std::vector<Failure>& refused) override { kernel_->remove(changes, refused); }
  void send(const OutgoingPacket& packet) override;
  void release(const Verdict&) override {}  // nobody here holds packets
  void tell(const Notice& notice, TimePoint at) override { log_.note(notice, at); }
  void arm(TimePoint deadline) override;
  void refused(std::vector<Failure> failures) override { warn("kernel-refused", failures); }

  // platform::NetworkListener
  void on_link(const Link& link) override;
  void on_link_removed(const Link& link) override;
  void on_address(const InterfaceAddress& address) override;
  void on_address_removed(const InterfaceAddress& address) override;
  void on_router(InterfaceIndex, const Address&, bool) override {}
  void on_router_removed(InterfaceIndex, const Address&) override {}
  void on_notification(const nlmsghdr& notification) override;
  void on_overrun() override { healer_.lost(false); }

  // Of a correspondent node, from the daemon before this one: the data path has gone on serving them.
  std::vector<correspondent_node::KeptBinding> bindings_of_before() const;
  // Whether an interface of this host, mip0 aside, has the address.
  bool has_address(const Address& address) const;
  // Those that others can send to, in order.
  std::vector<Address> reachable_addresses() const;
  void note(Severity severity, const char* event, const std::string& text);
  void warn(const char* event, const std::vector<Failure>& failures);
  double uptime_seconds();
  // A refusal of reload(): these keys have another value now.
  Unexpected<ConfigurationErrors> needs_restart(const std::string& keys) const;

  DaemonOptions options_;
  boost::asio::io_context loop_{1};
  KernelRandom random_;
  std::unique_ptr<KernelState> kernel_;

 private:
  Result<void> set_up();
  void take_back();
  void watch();
  void watch_data_path();
  void forget_data_path();
  void tell_healed();
  void watch_signals();
  Expected<void, ConfigurationErrors> reload_and_tell();
  ControlServer::Reply answer_request(const std::string& line);
  std::map<std::string, std::uint64_t> counters() const;
  void heal(bool programs);
  // Beside the binding in the data path: what lives as long as that does needs no file.
  void keep_binding(const forwarding::HomeAddressAndCorrespondent& pair, std::vector<Failure>& refused);
  void attach_uplink(InterfaceIndex interface);
  void forget_uplink(InterfaceIndex interface);
  void follow_uplink_mtu();
  void report_activities_later();
  void look_for_proxies_later();

  std::string brief_;
  OperatorLog log_;
  TimePoint started_;
  std::optional<InstanceLock> lock_;
  std::optional<PacketSender> sender_;
  std::optional<NetworkObserver> observer_;
  std::map<InterfaceIndex, Link> uplinks_;
  std::set<std::pair<Address, InterfaceIndex>> addresses_;

  BootTimer deadline_;
  Healer healer_{loop_, [this](bool programs) { heal(programs); }};
  boost::asio::steady_timer activity_timer_{loop_};
  bool activities_are_due_ = false;
  boost::asio::steady_timer proxy_timer_{loop_};
  std::chrono::steady_clock::duration proxy_look_{};  // processor time of the latest one
  bool proxies_are_looked_for_ = false;
  ProxyCrowd proxy_crowd_;
  boost::asio::signal_set signals_{loop_};
  std::unique_ptr<DescriptorWatch> network_watch_;
  std::unique_ptr<DescriptorWatch> ring_watch_;
  std::optional<PinWatch> pin_watch_;
  std::unique_ptr<ControlServer> control_;
  std::function<void(PacketReceived)> on_signalling_;
  std::function<void(const datapath::UnboundSource&)> on_unbound_source_;
};

}  // namespace mipflow::platform
