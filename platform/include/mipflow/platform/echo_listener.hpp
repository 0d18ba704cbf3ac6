// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/platform/event_loop.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

// Hears the ICMPv6 Echo Replies of a few hosts: what answers a mobile node's probes. A raw socket that gets copies of these and
// nothing else; what the kernel and other programs do with ICMPv6 is not changed.
class EchoListener {
 public:
  // The packet as it was on the wire, but for extension headers and the header's other fields, which raw sockets do not hand
  // up.
  using Handler = std::function<void(PacketReceived)>;

  // `loop` must outlive this.
  EchoListener(boost::asio::io_context& loop, Handler handler) : loop_(loop), handler_(std::move(handler)) {}

  // Hears nobody yet.
  Result<void> open();
  // Of more than kMost nobody behind these is heard.
  Result<void> hear(const std::vector<Address>& hosts);

  static constexpr std::size_t kMost = 64;

 private:
  void read();

  boost::asio::io_context& loop_;
  Handler handler_;
  FileDescriptor socket_;
  std::unique_ptr<DescriptorWatch> watch_;
};

}  // namespace mipflow::platform
