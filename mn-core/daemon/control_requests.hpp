// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "application_requests.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/mn-core/mobile_node.hpp"
#include "mipflow/platform/control_protocol.hpp"
#include "mipflow/platform/control_server.hpp"
#include "mipflow/platform/runner.hpp"
#include "policy_source.hpp"

namespace mipflow::mnd {

using namespace mobile_node;

using NodeRunner = platform::Runner<MobileNode, Event>;

// Carries out what operators ask for at the control socket; docs/control-protocol.md has the requests.
class ControlRequests {
 public:
  struct Context {
    MobileNode& node;
    NodeRunner& runner;
    ApplicationRequests& applications;
    TimePoint started;
    const PolicySource& policy;
    std::function<std::map<std::string, std::uint64_t>()> counters;
    std::function<void(StatusSnapshot&)> complete_status;  // with what only the daemon knows
  };
  explicit ControlRequests(Context context) : context_(std::move(context)) {}

  using Peer = platform::ControlServer::Peer;
  platform::ControlServer::Reply handle(const std::string& line, const Peer& peer);

  // Reads the policy again and uses it. An error changes nothing and comes back as text, one line per mistake.
  struct Reloaded {
    std::vector<FlowId> moved;
    std::vector<PolicyEffect> changed;
    platform::ConfigurationErrors left_out{};  // mistakes of users and of the home agent, whose files are not used
  };
  Expected<Reloaded, std::string> reload_policy();

 private:
  using Reply = platform::ControlServer::Reply;
  using Request = platform::ControlRequest;
  struct Entry {
    const char* name;
    Reply (ControlRequests::*carry_out)(const Request& request, const Peer& peer);
  };
  static const std::vector<Entry>& table();

  Reply status(const Request&, const Peer&);
  Reply flows(const Request&, const Peer&);
  Reply interfaces(const Request&, const Peer&);
  Reply bindings(const Request&, const Peer&);
  Reply counters(const Request&, const Peer&);
  Reply move_statistics(const Request&, const Peer&);

  // flow_requests.cpp
  Reply flow(const Request& request, const Peer&);
  Reply explain(const Request& request, const Peer&);
  Reply move_flow(const Request& request, const Peer&);
  Reply try_flow(const Request& request, const Peer&);
  Reply keep_flow(const Request& request, const Peer&);
  Reply undo_move(const Request& request, const Peer&);
  Reply release_flow(const Request& request, const Peer&);
  std::optional<FlowSnapshot> find_flow(FlowId id) const;

  // home_address_requests.cpp
  Reply home_addresses(const Request&, const Peer&);
  Reply home_address(const Request& request, const Peer&);
  Reply allocate_home_address(const Request&, const Peer&);
  Reply free_home_address(const Request& request, const Peer&);
  Reply pin_home_address(const Request& request, const Peer&);

  // policy_requests.cpp
  Reply policy_show(const Request&, const Peer&);
  Reply policy_test(const Request& request, const Peer&);
  Reply policy_reload(const Request& request, const Peer&);
  Reply user_policy(const Request& request, const Peer& peer);
  Expected<Reloaded, std::string> use(PolicySource::Loaded loaded);

  template <class Call>
  auto command(Call&& call) {
    return context_.runner.command(std::forward<Call>(call));
  }

  Context context_;
};

// An answer that says why a command was refused.
platform::ControlServer::Reply refuse_command(const CommandError& error);

}  // namespace mipflow::mnd
