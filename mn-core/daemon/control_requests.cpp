// SPDX-License-Identifier: GPL-3.0-or-later
#include "control_requests.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/control_reply.hpp"

namespace mipflow::mnd {

using platform::refuse;
using platform::reply;
using platform::reply_list;
using Reply = platform::ControlServer::Reply;

Reply refuse_command(const CommandError& error) { return refuse(platform::kind_of(error), error.message); }

const std::vector<ControlRequests::Entry>& ControlRequests::table() {
  static const std::vector<Entry> entries{
      {"status", &ControlRequests::status},
      {"flows", &ControlRequests::flows},
      {"flow", &ControlRequests::flow},
      {"explain", &ControlRequests::explain},
      {"move-flow", &ControlRequests::move_flow},
      {"try-flow", &ControlRequests::try_flow},
      {"keep-flow", &ControlRequests::keep_flow},
      {"undo-move", &ControlRequests::undo_move},
      {"release-flow", &ControlRequests::release_flow},
      {"home-addresses", &ControlRequests::home_addresses},
      {"home-address", &ControlRequests::home_address},
      {"allocate-home-address", &ControlRequests::allocate_home_address},
      {"free-home-address", &ControlRequests::free_home_address},
      {"pin-home-address", &ControlRequests::pin_home_address},
      {"interfaces", &ControlRequests::interfaces},
      {"bindings", &ControlRequests::bindings},
      {"policy-show", &ControlRequests::policy_show},
      {"policy-test", &ControlRequests::policy_test},
      {"policy-reload", &ControlRequests::policy_reload},
      {"user-policy", &ControlRequests::user_policy},
      {"move-statistics", &ControlRequests::move_statistics},
      {"counters", &ControlRequests::counters},
  };
  return entries;
}

Reply ControlRequests::handle(const std::string& line, const Peer& peer) {
  const auto request = Request::parse(line);
  if (!request) return refuse(request.error().kind, request.error().message);
  for (const auto& entry : table())
    if (request->name() == entry.name) return (this->*entry.carry_out)(*request, peer);
  if (auto answer = context_.applications.handle(*request, peer)) return *answer;
  std::string known;
  for (const auto& entry : table()) known += (known.empty() ? "" : ", ") + std::string(entry.name);
  return refuse("unknown-request", "a mobile node knows no request '" + request->name() + "'; it knows " + known);
}

Reply ControlRequests::status(const Request&, const Peer&) {
  const Now now = platform::read_clock();
  auto status = context_.node.status(now);
  context_.complete_status(status);
  return [status = std::move(status), uptime = now.monotonic - context_.started] {
    return platform::answer(platform::to_json(status, uptime));
  };
}

Reply ControlRequests::flows(const Request&, const Peer&) { return reply_list(context_.node.flows(platform::read_clock())); }
Reply ControlRequests::interfaces(const Request&, const Peer&) { return reply_list(context_.node.interfaces(platform::read_clock())); }
Reply ControlRequests::bindings(const Request&, const Peer&) { return reply_list(context_.node.bindings(platform::read_clock())); }
Reply ControlRequests::counters(const Request&, const Peer&) { return reply(context_.counters()); }

Reply ControlRequests::move_statistics(const Request&, const Peer&) {
  return [statistics = context_.node.move_statistics()] { return platform::answer(platform::to_json(statistics)); };
}

}  // namespace mipflow::mnd
