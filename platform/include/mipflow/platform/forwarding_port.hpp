// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "mipflow/home-agent/load_sharing.hpp"
#include "mipflow/platform/event_loop.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/kernel_objects.hpp"

namespace mipflow::platform {

// The UDP port at which home agents that share the load hear each other (docs/forwarding-protocol.md); what they say leaves
// like all packets of a role. Bound to the home agent's own address. The kernel drops what has a wrong checksum; what comes
// from nobody who is configured is counted and goes no further, so that strangers cost a system call for many messages and
// no more.
class ForwardingPort {
 public:
  // Messages that came together, in their order.
  using MessagesHandler = std::function<void(std::vector<home_agent::ForwardingMessageReceived>)>;
  // Why it is not open although it should be; empty: it is. Each once.
  using TroubleHandler = std::function<void(const std::string&)>;

  // `loop` must outlive this. Neither handler is called by the constructor.
  ForwardingPort(boost::asio::io_context& loop, Address own, std::uint16_t port, TroubleHandler on_trouble, MessagesHandler on_messages);

  // Who may speak. Open while there is somebody, and the own address is on an interface and not tentative any more: tell it
  // of every address of the host, and of every change.
  void set_peers(const std::vector<Address>& peers);
  void on_address(const InterfaceAddress& address);
  void on_address_removed(const InterfaceAddress& address);

  bool is_open() const { return static_cast<bool>(socket_); }
  const std::string& trouble() const { return trouble_; }
  std::uint64_t strangers() const { return strangers_; }  // messages of others

 private:
  void follow();
  void try_to_open();
  Result<void> open();
  void read();

  boost::asio::io_context& loop_;
  Address own_;
  std::uint16_t port_;
  TroubleHandler on_trouble_;
  MessagesHandler on_messages_;
  std::unordered_set<Address> peers_;
  std::unordered_set<InterfaceIndex> interfaces_;  // that have the own address
  std::string trouble_;
  std::uint64_t strangers_ = 0;
  FileDescriptor socket_;
  std::unique_ptr<DescriptorWatch> watch_;
  boost::asio::steady_timer retry_;
};

}  // namespace mipflow::platform
