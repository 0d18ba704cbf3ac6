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
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/mn-core/snapshot.hpp"

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

 private:
  std::string name_;
  std::shared_ptr<const nlohmann::json> body_;
};

// {"version":1,"ok":true,"result":…} and {"version":1,"ok":false,"error":{"kind":…,"message":…}}
std::string answer(const nlohmann::json& result);
std::string error_answer(const std::string& kind, const std::string& message);

nlohmann::json to_json(const mobile_node::StatusSnapshot& status, Duration uptime);
nlohmann::json to_json(const mobile_node::FlowSnapshot& flow);
nlohmann::json to_json(const mobile_node::HomeAddressSnapshot& home_address);
nlohmann::json to_json(const mobile_node::InterfaceSnapshot& interface);
nlohmann::json to_json(const mobile_node::BindingSnapshot& binding);
nlohmann::json to_json(const home_agent::BindingSnapshot& binding);
const char* kind_of(const mobile_node::CommandError& error);

}  // namespace mipflow::platform
