// SPDX-License-Identifier: GPL-3.0-or-later
// What operators ask for: at the control socket, and by SIGHUP.
#include <memory>
#include <nlohmann/json.hpp>

#include "daemon.hpp"
#include "mipflow/platform/control_protocol.hpp"

namespace mipflow::had {

using nlohmann::json;
using Reply = platform::ControlServer::Reply;

namespace {

Reply refuse(std::string kind, std::string message) {
  return [kind = std::move(kind), message = std::move(message)] { return platform::error_answer(kind, message); };
}

}  // namespace

Reply Daemon::answer_request(const std::string& line) {
  const auto request = platform::ControlRequest::parse(line);
  if (!request) return refuse(request.error().kind, request.error().message);
  if (request->name() == "bindings") {
    auto bindings = std::make_shared<const std::vector<BindingSnapshot>>(agent_->bindings(now()));
    return [bindings = std::move(bindings)] {
      json out = json::array();
      for (const auto& binding : *bindings) out.push_back(platform::to_json(binding));
      return platform::answer(out);
    };
  }
  if (request->name() == "counters") return [counters = counters()] { return platform::answer(json(counters)); };
  if (request->name() == "status") {
    json problems = json::array();
    if (!own_addresses_.contains(settings_.agent.home_agent_address))
      problems.push_back("no interface has the home-agent-address " + to_string(settings_.agent.home_agent_address) + "; add it with ip address add");
    if (settings_.agent.accept_unauthenticated_insecure)
      problems.push_back("Binding Updates are accepted without authentication (authentication = \"none-insecure\")");
    json prefixes = json::array();
    for (const auto& prefix : settings_.agent.home_prefixes) prefixes.push_back(to_string(prefix.prefix));
    const json status{{"role", "home-agent"},
                      {"version", platform::version()},
                      {"home_agent", to_string(settings_.agent.home_agent_address)},
                      {"home_link", settings_.home_link.empty() ? "virtual" : settings_.home_link},
                      {"prefixes", prefixes},
                      {"mobile_nodes", settings_.agent.mobile_nodes.size()},
                      {"bindings", agent_->bindings(now()).size()},
                      {"problems", problems},
                      {"uptime_seconds", std::chrono::duration<double>(now().monotonic - started_).count()}};
    return [status] { return platform::answer(status); };
  }
  return refuse("unknown-request", "a home agent knows no request '" + request->name() + "'; it knows status, bindings, counters");
}

std::map<std::string, std::uint64_t> Daemon::counters() const {
  auto out = log_.counters();
  const auto& role = agent_->counters();
  for (const auto& [name, value] : {std::pair{"binding-updates", role.binding_updates},
                                    std::pair{"binding-updates-accepted", role.accepted},
                                    std::pair{"binding-updates-refused", role.refused},
                                    std::pair{"dropped-unauthenticated", role.dropped_unauthenticated},
                                    std::pair{"dropped-malformed", role.dropped_malformed},
                                    std::pair{"replayed", role.replayed},
                                    std::pair{"prefix-solicitations", role.prefix_solicitations},
                                    std::pair{"bindings-expired", role.expired}})
    out[name] = value;
  if (auto* data_path = kernel_->data_path())
    for (const auto& counter : data_path->counters()) out.emplace(std::string("datapath-") + counter.name, counter.value);
  return out;
}

void Daemon::reload() {
  auto settings = platform::load_home_agent_settings(options_.configuration);
  if (!settings) {
    for (const auto& error : settings.error())
      log_.note(Severity::Error, "configuration-refused", "The configuration stays as it was: " + to_string(error), now().monotonic);
    return;
  }
  if (settings->agent.home_agent_address != settings_.agent.home_agent_address || settings->home_link != settings_.home_link) {
    log_.note(Severity::Error, "configuration-refused",
              "The configuration stays as it was: home-agent-address and home-link change only with a restart", now().monotonic);
    return;
  }
  settings->agent.home_interface = settings_.agent.home_interface;
  settings->agent.home_link_layer_address = settings_.agent.home_link_layer_address;
  settings_ = std::move(*settings);
  runner_->command([this](Now at, Outputs& outputs) { agent_->set_configuration(settings_.agent, at, outputs); });
  log_.note(Severity::Info, "configuration-reloaded", "The configuration is read again", now().monotonic);
}

}  // namespace mipflow::had
