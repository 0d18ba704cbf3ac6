// SPDX-License-Identifier: GPL-3.0-or-later
// What the home agent's daemon does when something happens, beyond what every serving daemon does.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "daemon.hpp"
#include "mipflow/platform/clock.hpp"

namespace mipflow::had {

using platform::Result;
using std::chrono::milliseconds;

namespace {

constexpr auto kSaveInterval = milliseconds{10};  // bindings that change together are written together

}  // namespace

void Daemon::receive(const datapath::UnboundSource& source) {
  runner_->handle(UnboundTunnelSource{source.home_address, source.care_of_address});
}

void Daemon::arm(TimePoint deadline) {
  ServingDaemon::arm(deadline);
  if (agent_->persistence_is_due()) save_later();
}

void Daemon::on_link_removed(const platform::Link& link) {
  ServingDaemon::on_link_removed(link);
  if (link.index == settings_.agent.home_interface)
    note(Severity::Error, "home-link-lost", "The home link " + settings_.home_link + " is gone; restart the daemon when it is there again");
}

void Daemon::on_address(const platform::InterfaceAddress& address) {
  ServingDaemon::on_address(address);
  if (dhcpv6_port_) dhcpv6_port_->on_address(address);
  forwarding_port_->on_address(address);
}

void Daemon::on_address_removed(const platform::InterfaceAddress& address) {
  ServingDaemon::on_address_removed(address);
  if (dhcpv6_port_) dhcpv6_port_->on_address_removed(address);
  forwarding_port_->on_address_removed(address);
  if (address.address == settings_.agent.home_agent_address && !has_address(address.address))
    note(Severity::Warning, "home-agent-address-missing",
         "The home-agent-address " + to_string(address.address) + " was taken off its interface; nobody reaches this home agent without it");
}

// ---- bindings on disk ----

void Daemon::save_later() {
  if (std::exchange(save_is_due_, true)) return;
  // At once when nothing was written lately: an acknowledged binding that a crash forgets is a home address whose
  // packets are lost until its next refresh. Much takes long to write; it is written less often then.
  const auto pause = std::max<Duration>(kSaveInterval, last_save_took_ * 4);
  save_timer_.expires_after(std::max<Duration>(Duration{0}, last_save_ended_ + pause - now().monotonic));
  save_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) save();
  });
}

std::function<Result<void>()> Daemon::what_to_write() {
  if (!store_.can_append())
    return [this, state = platform::StoredState{agent_->persisted(now()), agent_->persisted_services(now())}] { return store_.save(state); };
  platform::StoredChanges changes{.bindings = agent_->take_persisted_changes(now()), .services = std::nullopt};
  // Still due: not because of bindings.
  if (agent_->persistence_is_due()) changes.services = agent_->persisted_services(now());
  return [this, changes = std::move(changes)] { return store_.append(changes); };
}

void Daemon::save() {
  boost::asio::post(disk_, [this, write = what_to_write()] {
    const TimePoint begin = platform::read_clock().monotonic;
    const auto saved = write();
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
