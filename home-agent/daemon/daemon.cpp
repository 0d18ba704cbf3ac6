// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon.hpp"

#include <algorithm>

#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/service_manager.hpp"
#include "mipflow/platform/start_checks.hpp"

namespace mipflow::had {

using platform::Failure;
using platform::Result;

platform::KernelState::Options kernel_options(const platform::DaemonOptions& options, const Configuration& configuration) {
  platform::KernelState::Options out;
  out.device = options.device;
  out.data_path.role = datapath::Role::HomeAgent;
  out.data_path.pin_directory = options.pin_directory;
  out.data_path.tunnel_capacity = static_cast<std::uint32_t>(configuration.binding_cache_capacity);
  return out;
}

Daemon::Daemon(platform::DaemonOptions options, platform::HomeAgentSettings settings)
    : options_(std::move(options)),
      settings_(std::move(settings)),
      log_(platform::standard_error_sink(), settings_.log_level),
      started_(platform::read_clock().monotonic),
      store_((options_.state_directory.empty() ? settings_.state_directory : options_.state_directory) / "bindings"),
      deadline_(loop_, [this] { runner_->on_deadline(); }) {}

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
  auto lock = platform::InstanceLock::take(options_.runtime_directory / "had.lock");
  if (!lock) return Unexpected{lock.error()};
  lock_.emplace(std::move(*lock));
  auto kernel = platform::KernelState::open(kernel_options(options_, settings_.agent));
  if (!kernel) return Unexpected{kernel.error()};
  kernel_ = std::move(*kernel);
  auto sender = platform::PacketSender::open();
  if (!sender) return Unexpected{sender.error()};
  sender_.emplace(std::move(*sender));
  if (const auto done = find_home_link(); !done) return done;
  if (const auto done = restore_bindings(); !done) return done;

  observer_.emplace(kernel_->requests(), static_cast<platform::NetworkListener&>(*this));
  if (const auto done = observer_->start(); !done) return done;
  if (!own_addresses_.contains(settings_.agent.home_agent_address))
    log_.note(Severity::Warning, "home-agent-address-missing",
              "No interface has the home-agent-address " + to_string(settings_.agent.home_agent_address) + "; nobody reaches this home agent until one has",
              now().monotonic);
  set_signalling_addresses();
  // Bindings of before the restart are served at once; what the kernel holds beyond them is taken away.
  std::vector<Failure> failures;
  runner_->begin();
  runner_->end();
  kernel_->reconcile(agent_->plan(), true, failures);
  warn("kernel-refused", failures);

  watch();
  auto control = platform::ControlServer::open(loop_, options_.runtime_directory / "had.sock",
                                               [this](const std::string& line) { return answer_request(line); });
  if (!control) return Unexpected{control.error()};
  control_ = std::move(*control);
  if (!control_->warning().empty()) warn("control-socket", {{control_->warning(), 0}});
  return {};
}

Result<void> Daemon::find_home_link() {
  std::vector<std::string> interfaces;
  const auto links = platform::list_links(kernel_->requests());
  if (!links) return Unexpected{links.error()};
  for (const auto& link : *links) {
    interfaces.push_back(link.name);
    if (link.name != settings_.home_link) continue;
    settings_.agent.home_interface = link.index;
    if (link.link_layer_address) settings_.agent.home_link_layer_address = *link.link_layer_address;
  }
  if (!settings_.home_link.empty() && settings_.agent.home_interface == 0)
    return platform::fail("there is no interface " + settings_.home_link + "; correct home-link in " + options_.configuration.string() +
                          ", or make the interface before the daemon starts");
  sysctls_.emplace(options_.runtime_directory / "had.sysctls");
  return prepare_forwarding(*sysctls_, interfaces, settings_.home_link);
}

Result<void> Daemon::restore_bindings() {
  std::error_code error;
  const auto directory = options_.state_directory.empty() ? settings_.state_directory : options_.state_directory;
  std::filesystem::create_directories(directory, error);
  if (error) return platform::fail("cannot make the state directory " + directory.string(), error.value());
  auto restored = store_.load();
  if (!restored) warn("bindings-not-restored", {restored.error()});
  agent_ = std::make_unique<HomeAgent>(settings_.agent, restored ? *restored : std::vector<PersistedBinding>{}, random_, now());
  runner_ = std::make_unique<platform::Runner<HomeAgent, Event>>(*agent_, static_cast<platform::RunnerPort&>(*this));
  return {};
}

void Daemon::set_signalling_addresses() {
  std::vector<Failure> failures;
  const auto listen = [&](const Address& address) {
    if (const auto done = kernel_->data_path()->set_signalling_address(address); !done) failures.push_back({done.error().text, done.error().code});
  };
  listen(settings_.agent.home_agent_address);
  // On a virtual home link the question comes to the node itself: any interface that lives as long as we do.
  const InterfaceIndex link = settings_.agent.home_interface != 0 ? settings_.agent.home_interface : kernel_->device();
  for (const auto& prefix : settings_.agent.home_prefixes) {
    const auto anycast = anycast_of_home_agents(prefix.prefix);
    if (!anycast) continue;
    listen(*anycast);
    if (const auto done = anycast_.join(link, *anycast); !done) failures.push_back(done.error());
  }
  warn("kernel-refused", failures);
}

void Daemon::run() {
  platform::tell_service_ready("running");
  loop_.run();
  platform::tell_service_stopping();
  control_.reset();
  watches_.clear();
  ring_watch_.reset();
  disk_.join();
  std::vector<Failure> failures;
  if (const auto saved = store_.save(agent_->persisted(now())); !saved) failures.push_back(saved.error());
  warn("bindings-not-saved", failures);
  if (!options_.keep_state) take_back();
}

void Daemon::take_back() {
  std::vector<Failure> failures;
  kernel_->take_back(failures);
  if (sysctls_) sysctls_->restore();
  warn("not-taken-back", failures);
}

// ---- platform::RunnerPort ----

Now Daemon::now() { return platform::read_clock(); }

void Daemon::add(const platform::PlanChanges& changes, std::vector<Failure>& refused) { kernel_->add(changes, refused); }

void Daemon::remove(const platform::PlanChanges& changes, std::vector<Failure>& refused) { kernel_->remove(changes, refused); }

void Daemon::send(const OutgoingPacket& packet) {
  if (const auto sent = sender_->send(packet); !sent) log_.note(Severity::Warning, "packet-not-sent", sent.error().message, now().monotonic);
}

void Daemon::tell(const Notice& notice, TimePoint at) { log_.note(notice, at); }

void Daemon::arm(TimePoint deadline) {
  deadline_.set(deadline);
  if (agent_->persistence_is_due()) save_later();
}

void Daemon::refused(std::vector<Failure> failures) { warn("kernel-refused", failures); }

void Daemon::warn(const char* event, const std::vector<Failure>& failures) {
  for (const auto& failure : failures) log_.note(Severity::Warning, event, failure.message, now().monotonic);
}

}  // namespace mipflow::had
