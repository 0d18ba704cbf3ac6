// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon.hpp"

#include <boost/asio/post.hpp>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/service_manager.hpp"
#include "mipflow/platform/socket_diagnosis.hpp"
#include "mipflow/platform/start_checks.hpp"

namespace mipflow::mnd {

using platform::Failure;
using platform::Result;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr auto kPatienceWithPeers = seconds{6};

}  // namespace

platform::KernelState::Options kernel_options(const platform::DaemonOptions& options, const Configuration& configuration) {
  platform::KernelState::Options out;
  out.device = options.device;
  out.queue = options.queue;
  out.socket_addresses = configuration.socket_addresses;
  out.data_path.role = datapath::Role::MobileNode;
  out.data_path.pin_directory = options.pin_directory;
  out.data_path.flow_capacity = configuration.flow_capacity;
  // One binding per registration, and while a flow moves the one before it.
  out.data_path.binding_capacity += 2 * static_cast<std::uint32_t>(configuration.correspondent_registration_cap);
  return out;
}

Daemon::Daemon(platform::DaemonOptions options, platform::MobileNodeSettings settings, State state, const platform::Helpers& helpers)
    : options_(std::move(options)),
      settings_(std::move(settings)),
      log_(platform::standard_error_sink(), settings_.log_level),
      started_(platform::read_clock().monotonic),
      neighbour_listener_(loop_, [this](PacketReceived packet) { runner_.handle(std::move(packet)); }),
      echo_listener_(loop_, [this](PacketReceived packet) { runner_.handle(std::move(packet)); }),
      policy_source_(std::move(state.source)),
      kept_home_addresses_(std::move(state.home_addresses)),
      left_out_at_start_(std::move(state.left_out)),
      node_(settings_.node, std::move(state.policy), random_),
      applications_(loop_, node_, helpers, application_hooks()),
      first_packets_(loop_, helpers.socket_holders, first_packet_hooks(), settings_.node.hold_limit),
      requests_({node_, runner_, applications_, started_, policy_source_, [this] { return counters(); }, [this](StatusSnapshot& status) { complete(status); }}),
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
  auto lock = platform::InstanceLock::take(options_.runtime_directory, "mnd", options_.device);
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
  if (settings_.node.probe_home_agent)
    if (const auto done = echo_listener_.open(); !done) return done;
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
  wall_clock_.emplace(loop_, [this](platform::WallClock::Time time) { runner_.handle(TimeOfDay{time.weekday, time.minute}); });
  const auto observed = observer_->start();
  runner_.end();
  if (!observed) return observed;
  kernel_->follow_routes();

  if (const auto done = first_packets_.begin(applications_.marks()); !done) warn("owners-not-known", {done.error()});
  watch();
  if (const auto done = kernel_->install_first_packet_rules(); !done) return done;
  auto control = platform::ControlServer::open(loop_, options_.runtime_directory / "mnd.sock",
                                               [this](const std::string& line, const platform::ControlServer::Peer& peer) { return requests_.handle(line, peer); });
  if (!control) return Unexpected{control.error()};
  control_ = std::move(*control);
  if (!control_->warning().empty()) warn("control-socket", {{control_->warning(), 0}});
  tell_left_out(std::exchange(left_out_at_start_, {}));
  return {};
}

void Daemon::take_over_flows() {
  for (const Address& home_agent : kernel_->data_path()->home_agents()) runner_.handle(HomeAgentRecovered{home_agent});
  const auto bindings = kernel_->data_path()->bindings();
  const auto flows = kernel_->data_path()->flows();
  for (const auto& [key, item] : flows) {
    const auto binding = bindings.find(item.binding);
    const auto header = binding == bindings.end() ? forwarding::HeaderKind::Tunnel : binding->second.header;
    runner_.handle(FlowRecovered{.key = key,
                                 .home_address = item.home_address,
                                 .direct = header == forwarding::HeaderKind::RouteOptimized,
                                 .bypassed_on = header == forwarding::HeaderKind::Plain ? binding->second.uplink : 0});
  }
  for (const auto& [home_address, item] : kernel_->data_path()->home_addresses()) {
    const auto binding = bindings.find(item.default_binding);
    if (binding == bindings.end() || binding->second.header != forwarding::HeaderKind::Tunnel) continue;
    // At home it has no binding, and its packets are the kernel's own affair.
    if (home_address == settings_.node.primary_home_address) take_over_flows_since(flows);
    runner_.handle(HomeAddressRecovered{.home_address = home_address,
                                        .care_of_address = binding->second.care_of_address,
                                        .interface = binding->second.uplink,
                                        .home_agent = binding->second.peer});
  }
  for (const auto& pair : kernel_->data_path()->routing_header_sources()) runner_.handle(CorrespondentRecovered{pair});
}

// Those that began while no daemon ran, and so with the source that any socket has by default. A connection shows by its packets that
// it is under way; for UDP only the socket does, and its peer knows it by that address.
void Daemon::take_over_flows_since(const std::unordered_map<FlowKey, forwarding::FlowItem>& known) {
  auto sockets = platform::SocketDiagnosis::open();
  if (!sockets) return warn("flows-not-known", {sockets.error()});
  const Address& source = settings_.node.primary_home_address;
  for (const FlowKey& key : sockets->connected_from(source))
    if (!known.contains(key)) runner_.handle(FlowRecovered{.key = key, .home_address = source});
}

void Daemon::run() {
  platform::tell_service_ready("running");
  loop_.run();
  platform::tell_service_stopping();
  control_.reset();
  watches_.clear();
  forget_data_path();
  neighbours_->release_all();
  applications_.stop();
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
  if (!changes.home_agents.empty()) hear_probes_answered(refused);
  for (const auto& entry : changes.watched_addresses.set)
    if (const auto done = neighbour_listener_.watch(entry.first); !done) refused.push_back(done.error());
}

// The plan is the new one already; who only leaves it may be heard a while longer.
void Daemon::hear_probes_answered(std::vector<Failure>& refused) {
  std::vector<Address> home_agents;
  for (const auto& entry : node_.plan().home_agents.items()) home_agents.push_back(entry.first);
  if (const auto done = echo_listener_.hear(home_agents); !done) refused.push_back(done.error());
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

void Daemon::keep(const KeptText& text) {
  if (text.name == kKeptNetworkPolicy) return keep_network_policy(text.text);
  if (text.name != kKeptHomeAddresses) return;
  if (const auto kept = kept_home_addresses_.write(text.text); !kept)
    log_.note(Severity::Error, "home-addresses-not-kept", kept.error(), now().monotonic);
}

void Daemon::keep_network_policy(const std::string& document) {
  if (const auto kept = policy_source_.keep_network_policy(document); !kept) {
    log_.note(Severity::Error, "network-policy-not-kept", kept.error(), now().monotonic);
    return;
  }
  // The runner is still at work.
  boost::asio::post(loop_, [this] { reload(); });
}

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

void Daemon::complete(StatusSnapshot& status) const { status.socket_addresses = kernel_->socket_addresses(); }

// ---- commands from outside ----

// What users or the home agent wrote wrongly is not used; the operator's policy is.
void Daemon::tell_left_out(const platform::ConfigurationErrors& left_out) {
  for (const auto& mistake : left_out)
    log_.note(Severity::Warning, "policy-left-out", "Not used: " + platform::to_string(mistake), now().monotonic);
}

void Daemon::reload() {
  const auto reloaded = requests_.reload_policy();
  if (!reloaded) {
    log_.note(Severity::Error, "policy-refused", "The policy stays as it was: " + reloaded.error(), now().monotonic);
    return;
  }
  log_.note(Severity::Info, "policy-reloaded",
            "The policy is read again; flows that move: " + std::to_string(reloaded->moved.size()), now().monotonic);
  tell_left_out(reloaded->left_out);
}

void Daemon::stop() {
  first_packets_.stop();
  if (stopping_ || options_.keep_state) {
    loop_.stop();  // asked a second time: at once
    return;
  }
  stopping_ = true;
  healer_.stop();
  runner_.command([this](Now at, Outputs& outputs) { node_.stop(at, outputs); });
  // Peers answer within a round trip, but a correspondent node of many home addresses is told three times a second at most
  // (RFC 6275 §11.8). A dead link must not hold up a shutdown for long.
  stop_timer_.expires_after(kPatienceWithPeers);
  stop_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) loop_.stop();
  });
  finish_when_deregistered();
}

void Daemon::finish_when_deregistered() {
  if (stopping_ && node_.stopped()) loop_.stop();
}

}  // namespace mipflow::mnd
