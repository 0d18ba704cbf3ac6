// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon.hpp"

#include <boost/asio/post.hpp>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>

#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/service_manager.hpp"
#include "mipflow/platform/start_checks.hpp"

namespace mipflow::mnd {

using platform::Failure;
using platform::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;

platform::KernelState::Options kernel_options(const platform::DaemonOptions& options, const Configuration& configuration) {
  platform::KernelState::Options out;
  out.device = options.device;
  out.queue = options.queue;
  out.data_path.role = datapath::Role::MobileNode;
  out.data_path.pin_directory = options.pin_directory;
  out.data_path.flow_capacity = configuration.flow_capacity;
  return out;
}

Daemon::Daemon(platform::DaemonOptions options, platform::MobileNodeSettings settings, std::shared_ptr<const flow_separator::Policy> policy)
    : options_(std::move(options)),
      settings_(std::move(settings)),
      log_(platform::standard_error_sink(), settings_.log_level),
      started_(platform::read_clock().monotonic),
      neighbour_listener_(loop_, [this](PacketReceived packet) { runner_.handle(std::move(packet)); }),
      node_(settings_.node, std::move(policy), random_),
      requests_({node_, runner_, started_, settings_.policy_directory, [this] { return counters(); }}),
      deadline_(loop_, [this] { runner_.on_deadline(); }) {}

Daemon::~Daemon() = default;

Result<void> Daemon::start() {
  auto done = set_up();
  // What this start has put into the kernel is of no use without it; what an earlier daemon left still carries flows.
  if (!done && kernel_ && kernel_->is_fresh()) take_back();
  return done;
}

Result<void> Daemon::set_up() {
  if (const auto missing = platform::check_start(); !missing.empty()) {
    warn("start-check", missing);
    return Unexpected{missing.front()};
  }
  auto lock = platform::InstanceLock::take(options_.runtime_directory / "mnd.lock");
  if (!lock) return Unexpected{lock.error()};
  lock_.emplace(std::move(*lock));
  auto kernel = platform::KernelState::open(kernel_options(options_, settings_.node));
  if (!kernel) return Unexpected{kernel.error()};
  kernel_ = std::move(*kernel);
  auto sender = platform::PacketSender::open();
  if (!sender) return Unexpected{sender.error()};
  sender_.emplace(std::move(*sender));
  auto queue = platform::PacketQueue::open(options_.queue);
  if (!queue) return Unexpected{queue.error()};
  queue_.emplace(std::move(*queue));
  auto rule_notifications = platform::NetlinkSocket::open(NETLINK_NETFILTER);
  if (!rule_notifications) return Unexpected{rule_notifications.error()};
  rule_notifications_.emplace(std::move(*rule_notifications));
  rule_notifications_->set_non_blocking();
  if (const auto done = rule_notifications_->subscribe(NFNLGRP_NFTABLES); !done) return done;
  neighbours_.emplace(kernel_->requests());
  network_events_.emplace(network_hooks(), options_.device, settings_.ignored_interfaces);
  observer_.emplace(kernel_->requests(), *network_events_);

  // One picture of flows and network together: a plan made of half of it would take paths away that still carry packets.
  runner_.begin();
  take_over_flows();
  const auto observed = observer_->start();
  runner_.end();
  if (!observed) return observed;

  watch();
  if (const auto done = kernel_->install_first_packet_rules(); !done) return done;
  auto control = platform::ControlServer::open(loop_, options_.runtime_directory / "mnd.sock",
                                               [this](const std::string& line) { return requests_.handle(line); });
  if (!control) return Unexpected{control.error()};
  control_ = std::move(*control);
  if (!control_->warning().empty()) warn("control-socket", {{control_->warning(), 0}});
  return {};
}

void Daemon::take_over_flows() {
  for (const auto& [key, item] : kernel_->data_path()->flows()) runner_.handle(FlowRecovered{key, item.home_address});
}

void Daemon::run() {
  platform::tell_service_ready("running");
  loop_.run();
  platform::tell_service_stopping();
  control_.reset();
  watches_.clear();
  ring_watch_.reset();
  neighbours_->release_all();
  if (!options_.keep_state) take_back();
}

void Daemon::take_back() {
  std::vector<Failure> failures;
  kernel_->take_back(failures);
  warn("not-taken-back", failures);
}

// ---- platform::RunnerPort ----

Now Daemon::now() { return platform::read_clock(); }

void Daemon::add(const platform::PlanChanges& changes, std::vector<Failure>& refused) {
  kernel_->add(changes, refused);
  for (const auto& entry : changes.watched_addresses.set)
    if (const auto done = neighbour_listener_.watch(entry.first); !done) refused.push_back(done.error());
}

void Daemon::remove(const platform::PlanChanges& changes, std::vector<Failure>& refused) {
  for (const auto& watched : changes.watched_addresses.erase) neighbour_listener_.unwatch(watched);
  kernel_->remove(changes, refused);
}

void Daemon::send(const OutgoingPacket& packet) {
  if (const auto sent = sender_->send(packet); !sent) log_.note(Severity::Warning, "packet-not-sent", sent.error().message, now().monotonic);
}

void Daemon::release(const Verdict& verdict) { queue_->verdict(verdict.packet, verdict.kind); }

void Daemon::tell(const Notice& notice, TimePoint at) { log_.note(notice, at); }

void Daemon::arm(TimePoint deadline) { deadline_.set(deadline); }

void Daemon::refused(std::vector<Failure> failures) {
  warn("kernel-refused", failures);
  boost::asio::post(loop_, [this, failures = std::move(failures)] {
    for (const auto& failure : failures) runner_.handle(PlanRefused{failure.message, failure.error});
  });
}

void Daemon::warn(const char* event, const std::vector<Failure>& failures) {
  for (const auto& failure : failures) log_.note(Severity::Warning, event, failure.message, now().monotonic);
}

std::map<std::string, std::uint64_t> Daemon::counters() const {
  auto out = log_.counters();
  if (auto* data_path = kernel_->data_path())
    for (const auto& counter : data_path->counters()) out.emplace(std::string("datapath-") + counter.name, counter.value);
  out.emplace("first-packet-queue-overruns", queue_->overruns());
  return out;
}

// ---- commands from outside ----

void Daemon::reload() {
  const auto moved = requests_.reload_policy();
  if (moved)
    log_.note(Severity::Info, "policy-reloaded", "The policy is read again; flows that move: " + std::to_string(moved->size()), now().monotonic);
  else
    log_.note(Severity::Error, "policy-refused", "The policy stays as it was: " + moved.error(), now().monotonic);
}

void Daemon::stop() {
  if (stopping_ || options_.keep_state) {
    loop_.stop();  // asked a second time: at once
    return;
  }
  stopping_ = true;
  healer_.stop();
  runner_.command([this](Now at, Outputs& outputs) { node_.stop(at, outputs); });
  // The home agent answers within a round trip; a dead link must not hold up a shutdown.
  stop_timer_.expires_after(seconds{2});
  stop_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) loop_.stop();
  });
  finish_when_deregistered();
}

void Daemon::finish_when_deregistered() {
  if (stopping_ && node_.stopped()) loop_.stop();
}

}  // namespace mipflow::mnd
