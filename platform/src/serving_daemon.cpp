// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/serving_daemon.hpp"

#include <algorithm>

#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/control_reply.hpp"
#include "mipflow/platform/interface_kind.hpp"
#include "mipflow/platform/service_manager.hpp"
#include "mipflow/platform/start_checks.hpp"

namespace mipflow::platform {

ServingDaemon::ServingDaemon(DaemonOptions options, std::string brief, Severity log_level)
    : options_(std::move(options)),
      brief_(std::move(brief)),
      log_(standard_error_sink(), log_level),
      started_(read_clock().monotonic),
      deadline_(loop_, [this] { on_due(); }) {}

ServingDaemon::~ServingDaemon() = default;

Result<void> ServingDaemon::start() {
  auto done = set_up();
  // What this start has put into the kernel is of no use without it; what an earlier daemon left still carries flows.
  if (!done && kernel_ && kernel_->is_fresh()) take_back();
  return done;
}

Result<void> ServingDaemon::set_up() {
  if (const auto missing = check_start(); !missing.empty()) {
    warn("start-check", missing);
    return Unexpected{missing.front()};
  }
  auto lock = InstanceLock::take(options_.runtime_directory, brief_, options_.device);
  if (!lock) return Unexpected{lock.error()};
  lock_.emplace(std::move(*lock));
  auto kernel = KernelState::open(kernel_options());
  if (!kernel) return Unexpected{kernel.error()};
  kernel_ = std::move(*kernel);
  auto sender = PacketSender::open();
  if (!sender) return Unexpected{sender.error()};
  sender_.emplace(std::move(*sender));
  if (const auto done = make_role(); !done) return done;

  observer_.emplace(kernel_->requests(), static_cast<NetworkListener&>(*this));
  if (const auto done = observer_->start(); !done) return done;
  std::vector<Failure> failures;
  listen();
  begin_service();
  kernel_->reconcile(plan(), true, failures);
  warn("kernel-refused", failures);

  watch();
  auto control = ControlServer::open(loop_, options_.runtime_directory / (brief_ + ".sock"), [this](const std::string& line, const ControlServer::Peer&) { return answer_request(line); });
  if (!control) return Unexpected{control.error()};
  control_ = std::move(*control);
  if (!control_->warning().empty()) warn("control-socket", {{control_->warning(), 0}});
  return {};
}

void ServingDaemon::run() {
  tell_service_ready("running");
  loop_.run();
  tell_service_stopping();
  control_.reset();
  network_watch_.reset();
  forget_data_path();
  end_service();
  if (!options_.keep_state) take_back();
}

void ServingDaemon::take_back() {
  std::vector<Failure> failures;
  kernel_->take_back(failures);
  take_back_more();
  warn("not-taken-back", failures);
}

// ---- RunnerPort ----

Now ServingDaemon::now() { return read_clock(); }

void ServingDaemon::add(const PlanChanges& changes, std::vector<Failure>& refused) {
  kernel_->add(changes, refused);
  // In front of the acknowledgement: whoever has that may rely on the binding.
  for (const auto& entry : changes.correspondent_bindings.set) keep_binding(entry.first, refused);
}

void ServingDaemon::keep_binding(const forwarding::HomeAddressAndCorrespondent& pair, std::vector<Failure>& refused) {
  auto* data_path = kernel_->data_path();
  const auto kept = kept_binding(pair);
  if (!data_path || !kept) return;
  if (const auto done = data_path->note_correspondent_registration(pair, {kept->sequence, kept->ends}); !done)
    refused.push_back({done.error().text, done.error().code});
}

std::vector<correspondent_node::KeptBinding> ServingDaemon::bindings_of_before() const {
  std::vector<correspondent_node::KeptBinding> out;
  const auto registrations = kernel_->data_path()->correspondent_registrations();
  for (const auto& [pair, item] : kernel_->data_path()->correspondent_bindings())
    if (const auto registration = registrations.find(pair); registration != registrations.end())
      out.push_back({.pair = pair,
                     .care_of_address = item.care_of_address,
                     .previous_care_of_address = item.previous_care_of_address,
                     .sequence = registration->second.sequence,
                     .ends = registration->second.ends});
  return out;
}

void ServingDaemon::send(const OutgoingPacket& packet) {
  if (const auto sent = sender_->send(packet); !sent) note(Severity::Warning, "packet-not-sent", sent.error().message);
}

void ServingDaemon::arm(TimePoint deadline) {
  deadline_.set(deadline);
  report_activities_later();
  look_for_proxies_later();
}

// ---- NetworkListener ----

void ServingDaemon::on_link(const Link& link) {
  if (!may_be_uplink(link, options_.device, {})) return forget_uplink(link.index);  // renamed, or put into a bridge
  if (uplinks_.insert_or_assign(link.index, link).second) attach_uplink(link.index);
  follow_uplink_mtu();
}

void ServingDaemon::attach_uplink(InterfaceIndex interface) {
  auto* data_path = kernel_->data_path();
  if (!data_path) return;
  if (const auto done = data_path->attach_uplink(interface); !done) warn("uplink-not-attached", {{done.error().text, done.error().code}});
}

void ServingDaemon::on_link_removed(const Link& link) { forget_uplink(link.index); }

void ServingDaemon::forget_uplink(InterfaceIndex interface) {
  if (uplinks_.erase(interface) == 0) return;
  sender_->forget(interface);
  if (auto* data_path = kernel_->data_path())
    if (const auto done = data_path->detach_uplink(interface); !done) warn("uplink-not-detached", {{done.error().text, done.error().code}});
  follow_uplink_mtu();
}

void ServingDaemon::follow_uplink_mtu() {
  // Only the routing tables know which way a packet to a care-of address takes, and they may change with every packet.
  std::optional<std::uint32_t> smallest;
  for (const auto& [index, link] : uplinks_)
    if (link.up && (!smallest || link.mtu < *smallest)) smallest = link.mtu;
  if (!smallest) return;
  std::vector<Failure> failures;
  kernel_->set_uplink_mtu(*smallest, plan(), failures);
  warn("kernel-refused", failures);
}

void ServingDaemon::on_address(const InterfaceAddress& address) {
  if (address.interface != kernel_->device()) addresses_.emplace(address.address, address.interface);
}

void ServingDaemon::on_address_removed(const InterfaceAddress& address) { addresses_.erase({address.address, address.interface}); }

void ServingDaemon::on_notification(const nlmsghdr& notification) {
  using enum KernelState::Loss;
  const auto report = kernel_->examine(notification, plan());
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

bool ServingDaemon::has_address(const Address& address) const {
  const auto found = addresses_.lower_bound({address, 0});
  return found != addresses_.end() && found->first == address;
}

std::vector<Address> ServingDaemon::reachable_addresses() const {
  std::vector<Address> out;
  for (const auto& entry : addresses_)
    if (entry.first.is_unicast_routable() && (out.empty() || out.back() != entry.first)) out.push_back(entry.first);
  return out;
}

// ---- for the operator ----

ControlServer::Reply ServingDaemon::answer_request(const std::string& line) {
  const auto request = ControlRequest::parse(line);
  if (!request) return refuse(request.error().kind, request.error().message);
  if (request->name() == "counters") return reply(counters());
  if (request->name() != "reload") return answer(*request);
  const auto done = reload_and_tell();
  return done ? reply(nlohmann::json::object()) : refuse("configuration", to_string(done.error()));
}

Expected<void, ConfigurationErrors> ServingDaemon::reload_and_tell() {
  auto done = reload();
  if (done) {
    note(Severity::Info, "configuration-reloaded", "The configuration is read again");
  } else {
    for (const auto& error : done.error())
      note(Severity::Error, "configuration-refused", "The configuration stays as it was: " + to_string(error));
  }
  return done;
}

void ServingDaemon::note(Severity severity, const char* event, const std::string& text) { log_.note(severity, event, text, now().monotonic); }

void ServingDaemon::warn(const char* event, const std::vector<Failure>& failures) {
  for (const auto& failure : failures) note(Severity::Warning, event, failure.message);
}

std::map<std::string, std::uint64_t> ServingDaemon::counters() const {
  auto out = log_.counters();
  for (const auto& [name, value] : role_counters()) out[name] = value;
  if (auto* data_path = kernel_->data_path())
    for (const auto& counter : data_path->counters()) out.emplace(std::string("datapath-") + counter.name, counter.value);
  return out;
}

Unexpected<ConfigurationErrors> ServingDaemon::needs_restart(const std::string& keys) const {
  return Unexpected{ConfigurationErrors{{.file = options_.configuration.string(), .reason = keys + ": can change only with a restart"}}};
}

double ServingDaemon::uptime_seconds() { return std::chrono::duration<double>(now().monotonic - started_).count(); }

}  // namespace mipflow::platform
