// SPDX-License-Identifier: GPL-3.0-or-later
// The lines of the control socket; docs/control-protocol.md describes them for other programs.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/correspondent-node/correspondent_node.hpp"
#include "mipflow/flow-separator/policy.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/mn-core/snapshot.hpp"
#include "mipflow/platform/privileges.hpp"

namespace mipflow::platform {

inline constexpr int kControlProtocolVersion = 1;

// A request that is well formed as far as every request is. Its parameters are looked at by who carries it out.
class ControlRequest {
 public:
  struct Refusal {
    std::string kind;
    std::string message;
  };
  // Never throws, whatever the line holds.
  static Expected<ControlRequest, Refusal> parse(const std::string& line);

  const std::string& name() const { return name_; }
  // nullopt when the parameter is absent or of another type.
  std::optional<std::uint64_t> number(const char* parameter) const;
  std::optional<std::string> text(const char* parameter) const;
  std::optional<bool> flag(const char* parameter) const;
  // A list of objects with `name` and `text`, like the files of `policy-test`.
  struct NamedText {
    std::string name;
    std::string text;
  };
  std::optional<std::vector<NamedText>> named_texts(const char* parameter) const;
  // Whether it is there at all, of whatever type, and not null.
  bool has(const char* parameter) const;

 private:
  std::string name_;
  std::shared_ptr<const nlohmann::json> body_;
};

// {"version":1,"ok":true,"result":…} and {"version":1,"ok":false,"error":{"kind":…,"message":…}}
std::string answer(const nlohmann::json& result);
std::string error_answer(const std::string& kind, const std::string& message);

nlohmann::json to_json(const Privileges& privileges);  // what the status of every role says of them
nlohmann::json to_json(const mobile_node::StatusSnapshot& status, Duration uptime);
nlohmann::json to_json(const mobile_node::FlowSnapshot& flow);
nlohmann::json to_json(const mobile_node::HomeAddressSnapshot& home_address);
nlohmann::json to_json(const mobile_node::InterfaceSnapshot& interface);
nlohmann::json to_json(const mobile_node::BindingSnapshot& binding);
nlohmann::json to_json(const mobile_node::FlowExplanation& explanation);  // the flow's keys and more
nlohmann::json to_json(const mobile_node::PolicyEffect& effect);
nlohmann::json to_json(const mobile_node::MoveStatistics& statistics);
nlohmann::json to_json(const flow_separator::PolicyClass& item);
nlohmann::json to_json(const home_agent::BindingSnapshot& binding);
nlohmann::json to_json(const home_agent::AgentSnapshot& agent);
struct LoadSharingPicture {
  home_agent::LoadSharing configuration;
  std::vector<home_agent::AgentSnapshot> agents;
  bool listening = false;          // the port is open
  std::size_t home_addresses = 0;  // that there is a tunnel for: bound here, or delegated by a primary
  double packets_per_second = 0;   // through these tunnels
};
nlohmann::json to_json(const LoadSharingPicture& picture);
nlohmann::json to_json(const home_agent::DelegationSnapshot& delegation);
nlohmann::json to_json(const correspondent_node::BindingSnapshot& binding);
// By the names that the request `counters` is answered with.
std::map<std::string, std::uint64_t> counters_of(const correspondent_node::Counters& counters);
std::map<std::string, std::uint64_t> counters_of(const home_agent::LoadSharingCounters& counters);
const char* kind_of(const mobile_node::CommandError& error);

}  // namespace mipflow::platform
