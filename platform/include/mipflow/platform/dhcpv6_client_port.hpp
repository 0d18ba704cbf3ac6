// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>

#include "mipflow/home-agent/dhcpv6_events.hpp"
#include "mipflow/platform/event_loop.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/kernel_objects.hpp"

namespace mipflow::platform {

// UDP port 546 of a home agent that asks DHCPv6 servers on its home link: hears their answers (the questions leave like
// all packets of a role). Bound to the link-local address of that interface and never shared, so that no other DHCPv6
// client of the host loses an answer; when one has the port on this interface, that is told, and tried again now and then.
class Dhcpv6ClientPort {
 public:
  using StateHandler = std::function<void(const home_agent::Dhcpv6Port&)>;
  using MessageHandler = std::function<void(home_agent::Dhcpv6Received)>;

  // `loop` must outlive this. Neither handler is called by the constructor.
  Dhcpv6ClientPort(boost::asio::io_context& loop, InterfaceIndex interface, std::string interface_name,
                   StateHandler on_state, MessageHandler on_message);

  // Tell it of every address of the host, and of every change: while it is wanted, which it is not at first, it opens the
  // port when the interface has a link-local address that is not tentative any more, and closes it when that goes.
  void want(bool wanted);
  void on_address(const InterfaceAddress& address);
  void on_address_removed(const InterfaceAddress& address);

 private:
  void try_to_open();
  Result<void> open();
  void close();
  void read();

  boost::asio::io_context& loop_;
  InterfaceIndex interface_;
  std::string interface_name_;
  StateHandler on_state_;
  MessageHandler on_message_;
  bool wanted_ = false;
  Address address_;      // `::` while the interface has none
  std::string trouble_;  // that was told last
  FileDescriptor socket_;
  std::unique_ptr<DescriptorWatch> watch_;
  boost::asio::steady_timer retry_;
};

}  // namespace mipflow::platform
