// SPDX-License-Identifier: GPL-3.0-or-later
// What the daemon does for home agents that share the load: their port, what the tunnels carried, and leaving in good order.
#include <algorithm>
#include <chrono>
#include <utility>

#include "daemon.hpp"

namespace mipflow::had {

using std::chrono::milliseconds;

namespace {

constexpr auto kActivityInterval = std::chrono::seconds{1};
// Primaries take back within a round trip, if they live; a service manager waits longer than this before it kills.
constexpr auto kLongestRetirement = std::chrono::seconds{3};
constexpr auto kBetweenLooks = milliseconds{10};

}  // namespace

void Daemon::make_forwarding_port() {
  const auto tell = [this](const std::string& trouble) {
    if (!trouble.empty()) note(Severity::Warning, "forwarding-port", trouble);
  };
  forwarding_port_.emplace(loop_, settings_.agent.home_agent_address, settings_.agent.load_sharing.port, tell,
                           [this](std::vector<ForwardingMessageReceived> messages) {
                             // What came together is carried out together.
                             runner_->begin();
                             for (auto& message : messages) runner_->handle(std::move(message));
                             runner_->end();
                           });
  follow_agents();
}

void Daemon::follow_agents() {
  // A secondary that was taken out of the configuration is listened to until it has given everything back.
  std::vector<Address> peers;
  for (const auto& agent : agent_->agents(now())) peers.push_back(agent.address);
  forwarding_port_->set_peers(peers);
  // What was carried before anybody asked is no rate of a second.
  if (!std::exchange(shares_load_, !peers.empty()) && shares_load_)
    if (auto* data_path = kernel_->data_path()) static_cast<void>(data_path->take_tunnel_activity());
  report_tunnel_activity_later();
}

void Daemon::report_tunnel_activity_later() {
  if (!shares_load_ || std::exchange(tunnel_activity_is_due_, true)) return;
  last_tunnel_activity_ = now().monotonic;
  tunnel_activity_timer_.expires_after(kActivityInterval);
  tunnel_activity_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    tunnel_activity_is_due_ = false;
    report_tunnel_activity();
    follow_agents();
  });
}

void Daemon::report_tunnel_activity() {
  auto* data_path = kernel_->data_path();
  if (!data_path) return;
  TunnelActivity activity;
  activity.interval = now().monotonic - last_tunnel_activity_;
  std::uint64_t packets = 0;
  for (const auto& tunnel : data_path->take_tunnel_activity()) {
    activity.entries.push_back({tunnel.home_address, tunnel.packets, tunnel.octets});
    packets += tunnel.packets;
  }
  tunnelled_per_second_ = static_cast<double>(packets) / std::chrono::duration<double>(std::max<Duration>(activity.interval, milliseconds{1})).count();
  runner_->handle(std::move(activity));
}

// As a secondary: the primaries take everything back first. As a primary there is nothing to do, for secondaries go on until
// the durations end, and the next start takes the delegations up. With --keep-state the tunnels stay, so nobody is told.
void Daemon::stop_asked() {
  const bool again = std::exchange(is_leaving_, true);
  if (again || options_.keep_state || settings_.agent.load_sharing.primaries.empty()) return loop_.stop();
  leave_by_ = now().monotonic + kLongestRetirement;
  leave();
}

void Daemon::leave() {
  if (runner_->command([this](Now at, Outputs& outputs) { return agent_->retire(at, outputs); })) return loop_.stop();
  if (now().monotonic >= leave_by_) {
    note(Severity::Warning, "not-taken-back",
         "Primaries have not taken back everything that they delegated; they do when they notice that this home agent is gone");
    return loop_.stop();
  }
  retirement_timer_.expires_after(kBetweenLooks);
  retirement_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) leave();
  });
}

}  // namespace mipflow::had
