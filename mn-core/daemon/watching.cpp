// SPDX-License-Identifier: GPL-3.0-or-later
// What wakes the daemon, and what it does then.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

#include "daemon.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/platform/clock.hpp"

namespace mipflow::mnd {

using platform::Failure;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr auto kActivityInterval = seconds{1};
constexpr std::size_t kActivitiesAtOnce = 512;      // flows: well below a millisecond of work
constexpr auto kSweepDelay = seconds{10};

// Whether the socket of an outgoing packet was given its address when it connected, and has not bound it itself.
bool was_offered(const platform::KernelState& kernel, BytesView packet, const Address& primary) {
  Reader reader(packet);
  reader.skip(8);  // RFC 8200 §3: what stands before the addresses
  const Address source = reader.address();
  return source != primary && kernel.has_offered({source, reader.address()});
}

}  // namespace

void Daemon::watch() {
  on_packet_ = [this](const platform::QueuedPacket& packet) {
    first_packets_.take(FlowPacket{.id = packet.id,
                                   .direction = packet.incoming ? Direction::Incoming : Direction::Outgoing,
                                   .packet = packet.packet,
                                   .length = packet.length,
                                   .user = packet.user,
                                   .source_was_offered = !packet.incoming && was_offered(*kernel_, packet.packet, settings_.node.primary_home_address)},
                        packet.group);
  };
  on_signalling_ = [this](PacketReceived packet) { runner_.handle(std::move(packet)); };
  // The next report of activities says the same a moment later, together with the last counts.
  on_flow_closed_ = [](const datapath::FlowClosed&) {};

  const auto add = [this](int descriptor, void (Daemon::*read)()) {
    watches_.push_back(std::make_unique<platform::DescriptorWatch>(loop_, descriptor, [this, read] { (this->*read)(); }));
  };
  add(queue_->descriptor(), &Daemon::read_packets);
  add(observer_->descriptor(), &Daemon::read_network);
  add(rule_notifications_->descriptor(), &Daemon::read_rule_changes);
  watch_data_path();
  report_activities();
  sweep_later();

  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
  const auto wait = [this](const auto& self) -> void {
    signals_.async_wait([this, self](const boost::system::error_code& error, int signal) {
      if (error) return;
      if (signal == SIGHUP)
        reload();
      else
        stop();
      self(self);
    });
  };
  wait(wait);
}

void Daemon::forget_data_path() {
  ring_watch_.reset();
  pin_watch_.reset();
}

void Daemon::watch_data_path() {
  forget_data_path();
  auto* data_path = kernel_->data_path();
  if (!data_path) return;
  ring_watch_ = std::make_unique<platform::DescriptorWatch>(loop_, data_path->ring_fd(), [this] { read_ring(); });
  pin_watch_.emplace(loop_, options_.pin_directory, [this](const platform::Result<void>& healed) {
    if (healed)
      tell_healed();
    else
      warn("pins-not-kept", {healed.error()});
  });
}

void Daemon::tell_healed() {
  log_.note(Severity::Warning, "healed", "Somebody took away what mipflow had put into the kernel; it is back", now().monotonic);
}

void Daemon::read_packets() { queue_->read(on_packet_); }

void Daemon::read_ring() {
  const auto read = kernel_->data_path()->read_ring(on_signalling_, on_flow_closed_);
  if (!read) warn("ring-not-read", {{read.error().text, read.error().code}});
  finish_when_deregistered();
}

void Daemon::read_network() {
  runner_.begin();
  const auto read = observer_->on_readable();
  runner_.end();
  // Not before the flows have moved: until then the data path goes on sending there.
  neighbours_->drop_waiting();
  if (!read) warn("network-not-read", {read.error()});
  finish_when_deregistered();
}

void Daemon::read_rule_changes() {
  bool rules_are_lost = false;
  for (;;) {
    const auto received = rule_notifications_->receive([&](const nlmsghdr& message) { rules_are_lost |= kernel_->is_rule_loss(message); });
    if (received == platform::NetlinkSocket::Received::Overrun) rules_are_lost = true;
    if (received == platform::NetlinkSocket::Received::Nothing || received == platform::NetlinkSocket::Received::Failed) break;
  }
  if (rules_are_lost) healer_.lost(false);
}

ApplicationRequests::Hooks Daemon::application_hooks() {
  return {.move_flow =
              [this](FlowId flow, const std::string& interface) {
                return runner_.command([&](Now at, Outputs& outputs) { return node_.move_flow(flow, interface, at, outputs); });
              },
          .look_up_again = [this](const FlowKey& key) { first_packets_.look_up_again(key); }};
}

FirstPackets::Hooks Daemon::first_packet_hooks() {
  return {.event = [this](const Event& event) { runner_.handle(event); },
          .needs_owner = [this](const FlowPacket& packet) { return node_.needs_owner(packet, applications_.has_wishes()); }};
}

NetworkEvents::Hooks Daemon::network_hooks() {
  NetworkEvents::Hooks hooks;
  hooks.event = [this](const Event& event) { runner_.handle(event); };
  hooks.uplink_came = [this](InterfaceIndex interface) {
    auto* data_path = kernel_->data_path();
    if (!data_path) return;
    if (const auto done = data_path->attach_uplink(interface); !done) warn("uplink-not-attached", {{done.error().text, done.error().code}});
  };
  hooks.tell_again = [this](InterfaceIndex interface) { observer_->tell_again(interface); };
  hooks.uplink_went = [this](InterfaceIndex interface) {
    sender_->forget(interface);
    neighbours_->forget(interface);
    if (auto* data_path = kernel_->data_path())
      if (const auto done = data_path->detach_uplink(interface); !done) warn("uplink-not-detached", {{done.error().text, done.error().code}});
  };
  hooks.carrier_changed = [this](InterfaceIndex interface, bool has_one) { neighbours_->carrier_changed(interface, has_one); };
  hooks.router_came = [this](InterfaceIndex interface, const Address& router) { neighbours_->keep(interface, router); };
  hooks.router_went = [this](InterfaceIndex interface, const Address& router) { neighbours_->release(interface, router); };
  hooks.routes_changed = [this] {
    if (std::exchange(routes_are_due_, true)) return;
    // Routes come in flocks; packets keep the next hop they have meanwhile.
    routes_timer_.expires_after(milliseconds{5});
    routes_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      routes_are_due_ = false;
      kernel_->follow_routes();
      if (auto* data_path = kernel_->data_path())
        if (const auto done = data_path->refresh_next_hops(); !done) warn("next-hops-not-found", {{done.error().text, done.error().code}});
    });
  };
  hooks.notification = [this](const nlmsghdr& notification) {
    using enum platform::KernelState::Loss;
    const auto report = kernel_->examine(notification, node_.plan());
    switch (report.loss) {
      case None:
        break;
      case Tables:
        healer_.lost(false);
        break;
      case Device:
        healer_.lost(true);
        break;
      case Uplink:
        // Fails when the whole interface is on its way out; its removal is the next notification then.
        if (network_events_->is_uplink(report.uplink) && kernel_->data_path())
          static_cast<void>(kernel_->data_path()->attach_uplink(report.uplink));
        break;
    }
  };
  hooks.overrun = [this] { healer_.lost(false); };
  return hooks;
}

void Daemon::heal(bool programs) {
  std::vector<Failure> failures;
  if (programs) forget_data_path();
  kernel_->heal(node_.plan(), programs, failures);
  if (programs) watch_data_path();
  tell_healed();
  warn("not-healed", failures);
  if (!failures.empty()) healer_.lost(programs && !kernel_->data_path());
}

void Daemon::sweep_later() {
  // What the daemon before this one left carries packets until this one has registered; then nobody needs the rest.
  sweep_timer_.expires_after(kSweepDelay);
  sweep_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    std::vector<Failure> failures;
    kernel_->reconcile(node_.plan(), true, failures);
    warn("not-swept", failures);
  });
}

void Daemon::report_activities() {
  activities_.clear();
  if (auto* data_path = kernel_->data_path()) activities_ = data_path->activities();
  activities_read_at_ = now().monotonic;
  report_next_activities(0);
}

void Daemon::report_next_activities(std::size_t first) {
  const std::size_t end = std::min(activities_.size(), first + kActivitiesAtOnce);
  FlowActivities report;
  for (std::size_t i = first; i < end; ++i) {
    const auto& flow = activities_[i];
    report.flows.push_back({.key = flow.key,
                            .packets_out = flow.packets_out,
                            .bytes_out = flow.bytes_out,
                            .packets_in = flow.packets_in,
                            .bytes_in = flow.bytes_in,
                            .idle = std::max(Duration{0}, activities_read_at_ - flow.last_seen),
                            .closed = flow.closed,
                            .retransmissions_out = flow.retransmissions_out,
                            .retransmissions_in = flow.retransmissions_in,
                            .longest_gap_out = flow.longest_gap_out,
                            .longest_gap_in = flow.longest_gap_in});
  }
  if (!report.flows.empty()) runner_.handle(report);
  if (end < activities_.size()) {
    // Between the slices first packets get their turn.
    boost::asio::post(loop_, [this, end] { report_next_activities(end); });
    return;
  }
  activity_timer_.expires_after(kActivityInterval);
  activity_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) report_activities();
  });
}

}  // namespace mipflow::mnd
