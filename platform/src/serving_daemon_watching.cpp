// SPDX-License-Identifier: GPL-3.0-or-later
// What wakes a serving daemon, and what it does then.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <utility>

#include "mipflow/platform/serving_daemon.hpp"

namespace mipflow::platform {

namespace {

constexpr auto kActivityInterval = std::chrono::seconds{1};  // the accuracy of the data path's times
// Back within a second; a hundredth of a processor at most goes into looking.
constexpr auto kProxyInterval = std::chrono::milliseconds{400};
constexpr int kProxyShare = 100;

}  // namespace

void ServingDaemon::watch() {
  on_signalling_ = [this](PacketReceived packet) { receive(std::move(packet)); };
  on_unbound_source_ = [this](const datapath::UnboundSource& source) { receive(source); };
  network_watch_ = std::make_unique<DescriptorWatch>(loop_, observer_->descriptor(), [this] {
    if (const auto read = observer_->on_readable(); !read) warn("network-not-read", {read.error()});
  });
  watch_data_path();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
  watch_signals();
}

void ServingDaemon::watch_signals() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP)
      static_cast<void>(reload_and_tell());
    else
      stop_asked();
    watch_signals();
  });
}

void ServingDaemon::forget_data_path() {
  ring_watch_.reset();
  pin_watch_.reset();
}

void ServingDaemon::watch_data_path() {
  forget_data_path();
  auto* data_path = kernel_->data_path();
  if (!data_path) return;
  ring_watch_ = std::make_unique<DescriptorWatch>(loop_, data_path->ring_fd(), [this] {
    const auto read = kernel_->data_path()->read_ring(
        on_signalling_, [](const datapath::FlowClosed&) {}, on_unbound_source_);
    if (!read) warn("ring-not-read", {{read.error().text, read.error().code}});
  });
  pin_watch_.emplace(loop_, options_.pin_directory, [this](const Result<void>& healed) {
    if (healed)
      tell_healed();
    else
      warn("pins-not-kept", {healed.error()});
  });
}

void ServingDaemon::tell_healed() { note(Severity::Warning, "healed", "Somebody took away what mipflow had put into the kernel; it is back"); }

void ServingDaemon::heal(bool programs) {
  std::vector<Failure> failures;
  if (programs) forget_data_path();
  kernel_->heal(plan(), programs, failures);
  if (programs && kernel_->data_path()) {
    // What it was pinned in may be gone as well.
    for (const auto& uplink : uplinks_) attach_uplink(uplink.first);
    listen();
    for (const auto& entry : plan().correspondent_bindings.items()) keep_binding(entry.first, failures);
    watch_data_path();
  }
  tell_healed();
  warn("not-healed", failures);
  if (!failures.empty()) healer_.lost(programs && !kernel_->data_path());
}

void ServingDaemon::report_activities_later() {
  if (activities_are_due_ || plan().correspondent_bindings.items().empty()) return;
  activities_are_due_ = true;
  activity_timer_.expires_after(kActivityInterval);
  activity_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    activities_are_due_ = false;
    // The runner arms its timer behind every event, so the next report is due then.
    correspondent_node::BindingActivities activities;
    if (auto* data_path = kernel_->data_path()) activities.idle = data_path->correspondent_idle_times();
    receive(activities);
  });
}

void ServingDaemon::look_for_proxies_later() {
  const std::size_t proxies = plan().proxied_neighbours.items().size();
  if (const auto warning = proxy_crowd_.look(proxies)) note(warning->severity, warning->event, warning->text);
  if (proxies_are_looked_for_ || proxies == 0) return;
  proxies_are_looked_for_ = true;
  proxy_timer_.expires_after(std::max<std::chrono::steady_clock::duration>(kProxyInterval, kProxyShare * proxy_look_));
  proxy_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    proxies_are_looked_for_ = false;
    const std::clock_t begin = std::clock();
    // What an interface that is down does not proxy comes back with it.
    const auto works = [this](InterfaceIndex interface) {
      const auto uplink = uplinks_.find(interface);
      return uplink != uplinks_.end() && uplink->second.running;
    };
    if (kernel_->lacks_proxies(plan(), works)) healer_.lost(false);
    proxy_look_ = std::chrono::microseconds{(std::clock() - begin) * 1'000'000 / CLOCKS_PER_SEC};
    look_for_proxies_later();
  });
}

}  // namespace mipflow::platform
