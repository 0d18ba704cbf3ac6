// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "mipflow/base/time.hpp"
#include "mipflow/mn-core/mobile_node.hpp"
#include "mipflow/platform/control_protocol.hpp"
#include "mipflow/platform/control_server.hpp"
#include "mipflow/platform/runner.hpp"

namespace mipflow::mnd {

using namespace mobile_node;

using NodeRunner = platform::Runner<MobileNode, Event>;

// Carries out what operators ask for at the control socket.
class ControlRequests {
 public:
  struct Context {
    MobileNode& node;
    NodeRunner& runner;
    TimePoint started;
    std::filesystem::path policy_directory;
    std::function<std::map<std::string, std::uint64_t>()> counters;
  };
  explicit ControlRequests(Context context) : context_(std::move(context)) {}

  platform::ControlServer::Reply handle(const std::string& line);
  // Reads the policy files again. An error changes nothing and comes back as text, one line per mistake.
  Expected<std::vector<FlowId>, std::string> reload_policy();

 private:
  using Reply = platform::ControlServer::Reply;
  Reply status();
  Reply flow(const platform::ControlRequest& request);
  Reply move_flow(const platform::ControlRequest& request);
  Reply home_address(const platform::ControlRequest& request);
  Reply policy_reload();

  Context context_;
};

}  // namespace mipflow::mnd
