// SPDX-License-Identifier: GPL-3.0-or-later
// What operators ask for: at the control socket, and by SIGHUP.
#include <nlohmann/json.hpp>

#include "daemon.hpp"
#include "mipflow/platform/control_reply.hpp"

namespace mipflow::cnd {

using nlohmann::json;
using Reply = platform::ControlServer::Reply;

Reply Daemon::answer(const platform::ControlRequest& request) {
  if (request.name() == "bindings") return platform::reply_list(node_->bindings(now()));
  if (request.name() == "status") return status();
  return platform::refuse("unknown-request", "a correspondent node knows no request '" + request.name() + "'; it knows status, bindings, counters, reload");
}

Reply Daemon::status() {
  json addresses = json::array();
  for (const auto& address : reachable_addresses()) addresses.push_back(to_string(address));
  json problems = json::array();
  if (addresses.empty()) problems.push_back("no interface has an address that mobile nodes could send to; plug in a cable or add one with ip address add");
  if (!settings_.node.route_optimization)
    problems.push_back("route optimization is switched off (route-optimization = false), so every packet takes the way by the home agents");
  json status{{"role", "correspondent-node"},
              {"version", platform::version()},
              {"route_optimization", settings_.node.route_optimization},
              {"addresses", addresses},
              {"bindings", plan_.correspondent_bindings.items().size()},
              {"binding_cache_capacity", settings_.node.binding_cache_capacity},
              {"problems", problems},
              {"uptime_seconds", uptime_seconds()}};
  status.update(platform::to_json(platform::present_privileges()));
  return platform::reply(std::move(status));
}

Expected<void, platform::ConfigurationErrors> Daemon::reload() {
  auto settings = platform::load_correspondent_node_settings(options_.configuration);
  if (!settings) return Unexpected{settings.error()};
  if (settings->node.binding_cache_capacity != settings_.node.binding_cache_capacity)
    return needs_restart("binding-cache-capacity");
  settings_ = std::move(*settings);
  runner_->command([this](Now at, Outputs& outputs) { node_->set_configuration(settings_.node, at, outputs); });
  return {};
}

}  // namespace mipflow::cnd
