// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <netinet/in.h>

#include <string>
#include <utility>

namespace mipflow::lab {

// "[2001:db8::1]:5000"; std::invalid_argument says what is wrong with it.
sockaddr_in6 parse_endpoint(const std::string& text);
std::string to_string(const sockaddr_in6& endpoint);

class Socket {
 public:
  // Non-blocking IPv6 socket of SOCK_DGRAM or SOCK_STREAM; std::system_error when the kernel refuses.
  explicit Socket(int type);
  explicit Socket(int descriptor, std::nullptr_t) : descriptor_(descriptor) {}
  ~Socket();
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;

  int descriptor() const { return descriptor_; }

  void bind(const sockaddr_in6& local);
  // Starts a connection; for a datagram socket it is complete at once.
  void connect(const sockaddr_in6& peer);
  void set_option(int level, int name, int value);
  sockaddr_in6 local() const;
  sockaddr_in6 peer() const;

  // Waits until the socket can be read (or written); false after `milliseconds`.
  bool wait_readable(int milliseconds) const;
  bool wait_writable(int milliseconds) const;

 private:
  int descriptor_;
};

}  // namespace mipflow::lab
