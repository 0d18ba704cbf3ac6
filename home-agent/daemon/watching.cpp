// SPDX-License-Identifier: GPL-3.0-or-later
// What wakes the daemon, and what it does then.

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

#include "daemon.hpp"
#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/interface_kind.hpp"

namespace mipflow::had {

using platform::Failure;
using std::chrono::milliseconds;

namespace {

constexpr auto kSaveInterval = milliseconds{10};   // bindings that change together are written together

}  // namespace

void Daemon::watch() {
  on_signalling_ = [this](PacketReceived packet) { runner_->handle(std::move(packet)); };
  on_unbound_source_ = [this](const datapath::UnboundSource& source) {
    runner_->handle(UnboundTunnelSource{source.home_address, source.care_of_address});
  };
  watches_.push_back(std::make_unique<platform::DescriptorWatch>(loop_, observer_->descriptor(), [this] {
    if (const auto read = observer_->on_readable(); !read) warn("network-not-read", {read.error()});
  }));
  watch_ring();

  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
  const auto wait = [this](const auto& self) -> void {
    signals_.async_wait([this, self](const boost::system::error_code& error, int signal) {
      if (error) return;
      if (signal == SIGHUP)
        reload();
      else
        loop_.stop();
      self(self);
    });
  };
  wait(wait);
}

void Daemon::watch_ring() {
  ring_watch_.reset();
  auto* data_path = kernel_->data_path();
  if (!data_path) return;
  ring_watch_ = std::make_unique<platform::DescriptorWatch>(loop_, data_path->ring_fd(), [this] {
    const auto read = kernel_->data_path()->read_ring(on_signalling_, [](const datapath::FlowClosed&) {}, on_unbound_source_);
    if (!read) warn("ring-not-read", {{read.error().text, read.error().code}});
  });
}

// ---- platform::NetworkListener ----

void Daemon::on_link(const platform::Link& link) {
  if (!platform::may_be_uplink(link, options_.device, {})) return;
  if (!uplinks_.insert(link.index).second) return;
  auto* data_path = kernel_->data_path();
  if (!data_path) return;
  if (const auto done = data_path->attach_uplink(link.index); !done) warn("uplink-not-attached", {{done.error().text, done.error().code}});
}

void Daemon::on_link_removed(const platform::Link& link) {
  uplinks_.erase(link.index);
  sender_->forget(link.index);
  if (link.index == settings_.agent.home_interface)
    log_.note(Severity::Error, "home-link-lost",
              "The home link " + settings_.home_link + " is gone; restart the daemon when it is there again", now().monotonic);
}

void Daemon::on_address(const platform::InterfaceAddress& address) { own_addresses_.insert(address.address); }

void Daemon::on_address_removed(const platform::InterfaceAddress& address) {
  own_addresses_.erase(address.address);
  if (address.address == settings_.agent.home_agent_address)
    log_.note(Severity::Warning, "home-agent-address-missing",
              "The home-agent-address " + to_string(address.address) + " was taken off its interface; nobody reaches this home agent without it",
              now().monotonic);
}

void Daemon::on_notification(const nlmsghdr& notification) {
  using enum platform::KernelState::Loss;
  const auto report = kernel_->examine(notification, agent_->plan());
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
      if (uplinks_.contains(report.uplink) && kernel_->data_path()) static_cast<void>(kernel_->data_path()->attach_uplink(report.uplink));
      break;
  }
}

void Daemon::heal(bool programs) {
  std::vector<Failure> failures;
  if (programs) ring_watch_.reset();
  kernel_->heal(agent_->plan(), programs, failures);
  if (programs) watch_ring();
  log_.note(Severity::Warning, "healed", "Somebody took away what mipflow had put into the kernel; it is back", now().monotonic);
  warn("not-healed", failures);
  if (!failures.empty()) healer_.lost(programs && !kernel_->data_path());
}

// ---- bindings on disk ----

void Daemon::save_later() {
  if (std::exchange(save_is_due_, true)) return;
  // At once when nothing was written lately: an acknowledged binding that a crash forgets is a home address whose
  // packets are lost until its next refresh. A large cache takes long to write; it is written less often then.
  const auto pause = std::max<Duration>(kSaveInterval, last_save_took_ * 4);
  save_timer_.expires_after(std::max<Duration>(Duration{0}, last_save_ended_ + pause - now().monotonic));
  save_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) save();
  });
}

void Daemon::save() {
  boost::asio::post(disk_, [this, bindings = agent_->persisted(now())] {
    const TimePoint begin = platform::read_clock().monotonic;
    const auto saved = store_.save(bindings);
    const Duration took = platform::read_clock().monotonic - begin;
    boost::asio::post(loop_, [this, saved, took] {
      last_save_took_ = took;
      last_save_ended_ = now().monotonic;
      save_is_due_ = false;
      if (!saved) warn("bindings-not-saved", {saved.error()});
      if (!saved || agent_->persistence_is_due()) save_later();
    });
  });
}

}  // namespace mipflow::had
