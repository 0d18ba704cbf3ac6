// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>

#include "mipflow/base/role.hpp"
#include "mipflow/platform/event_loop.hpp"
#include "mipflow/platform/failure.hpp"

namespace mipflow::platform {

// Hears Router Advertisements on one interface, for the Home Agents List of a home agent (RFC 6275 §10.5.1), whose kernel does
// not take them: it is a router itself.
class RouterListener {
 public:
  using Handler = std::function<void(PacketReceived)>;

  // `loop` must outlive this.
  RouterListener(boost::asio::io_context& loop, Handler handler) : loop_(loop), handler_(std::move(handler)) {}

  Result<void> open(InterfaceIndex interface);

 private:
  void read();

  boost::asio::io_context& loop_;
  Handler handler_;
  FileDescriptor socket_;
  std::unique_ptr<DescriptorWatch> watch_;
};

}  // namespace mipflow::platform
