// SPDX-License-Identifier: GPL-3.0-or-later
// A netlink socket: requests that wait for the kernel's answer, dumps, and subscriptions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <linux/netlink.h>

#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

// One netlink message under construction. The buffer is large enough for everything this program sends; what does not
// fit is a programming error that send refuses, never an overrun.
class NetlinkMessage {
 public:
  NetlinkMessage(std::uint16_t type, std::uint16_t flags);

  // Appends the fixed header behind nlmsghdr, zeroed; to be used before any attribute.
  template <class Header>
  Header& header() { return *static_cast<Header*>(extend(sizeof(Header))); }

  void put(std::uint16_t type, const void* data, std::size_t size);
  void put_u8(std::uint16_t type, std::uint8_t value) { put(type, &value, sizeof value); }
  void put_u32(std::uint16_t type, std::uint32_t value) { put(type, &value, sizeof value); }
  void put_string(std::uint16_t type, const std::string& value) { put(type, value.c_str(), value.size() + 1); }
  // Attributes put between begin and end are inside; returns a token for end().
  std::size_t begin(std::uint16_t type);
  void end(std::size_t token);

  nlmsghdr& raw() { return *reinterpret_cast<nlmsghdr*>(buffer_.data()); }
  const nlmsghdr& raw() const { return *reinterpret_cast<const nlmsghdr*>(buffer_.data()); }

 private:
  void* extend(std::size_t size);

  std::vector<std::byte> buffer_;
};

class NetlinkSocket {
 public:
  // Handles one message of a dump or a notification.
  using Handler = std::function<void(const nlmsghdr&)>;

  // `protocol`: NETLINK_ROUTE, NETLINK_NETFILTER. A socket for requests and one for notifications are kept apart, so
  // that an answer is never mistaken for a notification. Close-on-exec.
  static Result<NetlinkSocket> open(int protocol);

  Result<void> subscribe(unsigned group);
  // Not bounded by net.core.rmem_max where the capability allows.
  void enlarge_receive_buffer(int octets);
  void set_non_blocking();

  // Sends the message, waits for the kernel's acknowledgement. 0 or the errno that the kernel answered with.
  int request(NetlinkMessage& message) { return request(message.raw()); }
  // The same for a message that a library built.
  int request(nlmsghdr& message) { return ask(message, {}); }
  // Sends the messages together, which costs a tenth of what one by one does, and waits until the kernel has dealt with all of
  // them, in this order; one that is refused does not stop those behind it. Tells their places among the messages, errnos and
  // reasons. At most kMostTogether. 0, or the errno when they could not be sent or nothing came back.
  using OnRefused = std::function<void(std::size_t place, int error, const std::string& reason)>;
  static constexpr std::size_t kMostTogether = 64;  // refusals of all of them fit into the socket's receive buffer
  int request_together(std::span<NetlinkMessage> messages, const OnRefused& on_refused);
  // The same for a question: what the kernel says ahead of its acknowledgement goes to `handler`.
  int ask(nlmsghdr& message, const Handler& handler);
  // Hands every message that comes to `visit`, until that gives the result: 0 or an errno.
  template <class Visit>
  int receive_answers(const Visit& visit);
  // Sends a finished run of messages (an nf_tables transaction) and waits for the answer to `last_sequence`. 0 or the
  // errno of the first message that was refused.
  int exchange(std::span<const std::uint8_t> messages, std::uint32_t last_sequence);
  // Sends a dump request and hands every answer to `handler`. Repeats a dump that the kernel marks as interrupted, so
  // `restart` is called before each try. 0 or an errno.
  int dump(NetlinkMessage& message, const std::function<void()>& restart, const Handler& handler);

  enum class Received { Messages, Nothing, Overrun, Failed };
  // Reads what has arrived on a non-blocking socket once. Messages that do not come from the kernel are dropped.
  // Overrun: the kernel had to throw messages away (ENOBUFS), so the picture has to be dumped anew.
  Received receive(const Handler& handler);

  int descriptor() const { return descriptor_.get(); }
  std::uint32_t port() const { return port_; }
  // What the kernel said about the last refused request (extended acknowledgement), empty when it said nothing.
  const std::string& last_reason() const { return last_reason_; }

 private:
  NetlinkSocket(FileDescriptor descriptor, std::uint32_t port);
  int send(nlmsghdr& message);

  FileDescriptor descriptor_;
  std::uint32_t port_ = 0;
  std::uint32_t sequence_ = 0;
  std::string last_reason_;
  std::vector<std::byte> buffer_;
};

}  // namespace mipflow::platform
