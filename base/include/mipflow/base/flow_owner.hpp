// SPDX-License-Identifier: GPL-3.0-or-later
// Who a flow's local socket belongs to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace mipflow {

// Everything that could be found out; what could not is empty.
struct FlowOwner {
  std::optional<std::uint32_t> user = std::nullopt;   // uid
  std::optional<std::uint32_t> group = std::nullopt;  // gid
  std::uint32_t process = 0;     // pid of one process that has the socket
  std::string program{};         // absolute path of its executable
  std::string cgroup{};          // path below the root of the cgroup v2 hierarchy, "/user.slice/..."
  std::string unit{};            // the innermost systemd unit that the path names: "ssh.service", "firefox.scope"
  // `mipflow run`: what the user wants for the program, see docs/policy.md.
  std::string wanted_class{};    // name of a class of the policy
  std::string wanted_interface{};
  friend bool operator==(const FlowOwner&, const FlowOwner&) = default;
};

// Shared by all flows of one owner; nullptr while nothing is known.
using FlowOwnerPointer = std::shared_ptr<const FlowOwner>;

}  // namespace mipflow
