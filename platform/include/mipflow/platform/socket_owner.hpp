// SPDX-License-Identifier: GPL-3.0-or-later
// Who a flow's local socket belongs to: user, process, program, control group, systemd unit.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "mipflow/base/flow_key.hpp"
#include "mipflow/base/flow_owner.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/flow_wish.hpp"
#include "mipflow/platform/socket_holders.hpp"

namespace mipflow::platform {

// Asks the kernel (sock_diag) for the socket and /proc for the process that has it. Takes tens of microseconds for processes
// that it knows or that it finds by their control group, and milliseconds where it has to look through all of /proc: not on
// the thread that packets wait for. One thread at a time. Knows the sockets of the network namespace of its open().
class SocketOwners {
 public:
  using Clock = std::chrono::steady_clock;

  // What came with the packet: known for what this host sends, and then right.
  struct Known {
    std::optional<std::uint32_t> user = std::nullopt;
    std::optional<std::uint32_t> group = std::nullopt;
  };

  // `marks` is asked for the wishes of sockets, `holders` for processes; both have to outlive this.
  static Result<SocketOwners> open(const SocketMarks& marks, SocketHolders& holders);
  ~SocketOwners();
  SocketOwners(SocketOwners&&) noexcept;
  SocketOwners& operator=(SocketOwners&&) noexcept;

  struct Found {
    FlowOwner owner;             // at least what was known already
    bool time_was_over = false;  // its process was not found, and longer patience may find it
  };
  // `patience` is for the search for the process alone: it begins when the kernel has told the socket, for which it may have had to
  // load a module first.
  Found find(const FlowKey& key, const Known& known, Clock::duration patience);

 private:
  class Implementation;
  explicit SocketOwners(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mipflow::platform
