// SPDX-License-Identifier: GPL-3.0-or-later
#include "socket.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>

namespace mipflow::lab {
namespace {

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

bool wait_for(int descriptor, short events, int milliseconds) {
  pollfd poller{descriptor, events, 0};
  return poll(&poller, 1, milliseconds) > 0;
}

}  // namespace

sockaddr_in6 parse_endpoint(const std::string& text) {
  const auto closing = text.rfind("]:");
  if (text.empty() || text.front() != '[' || closing == std::string::npos)
    throw std::invalid_argument("'" + text + "' is no endpoint: write it like [2001:db8::1]:5000");
  sockaddr_in6 endpoint{};
  endpoint.sin6_family = AF_INET6;
  const std::string address = text.substr(1, closing - 1);
  if (inet_pton(AF_INET6, address.c_str(), &endpoint.sin6_addr) != 1)
    throw std::invalid_argument("'" + address + "' is no IPv6 address");
  std::uint16_t port = 0;
  const char* first = text.data() + closing + 2;
  const char* last = text.data() + text.size();
  if (const auto [end, error] = std::from_chars(first, last, port); error != std::errc{} || end != last)
    throw std::invalid_argument("'" + std::string(first, last) + "' is no port: a number from 0 to 65535 is");
  endpoint.sin6_port = htons(port);
  return endpoint;
}

std::string to_string(const sockaddr_in6& endpoint) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(AF_INET6, &endpoint.sin6_addr, buffer.data(), buffer.size());
  return "[" + std::string(buffer.data()) + "]:" + std::to_string(ntohs(endpoint.sin6_port));
}

Socket::Socket(int type) : descriptor_(::socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (descriptor_ < 0) fail("socket");
}

Socket::~Socket() {
  if (descriptor_ >= 0) close(descriptor_);
}

void Socket::bind(const sockaddr_in6& local) {
  if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) fail("bind to " + to_string(local));
}

void Socket::connect(const sockaddr_in6& peer) {
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0 && errno != EINPROGRESS)
    fail("connect to " + to_string(peer));
}

void Socket::set_option(int level, int name, int value) {
  if (setsockopt(descriptor_, level, name, &value, sizeof value) != 0) fail("setsockopt");
}

sockaddr_in6 Socket::local() const {
  sockaddr_in6 out{};
  socklen_t length = sizeof out;
  getsockname(descriptor_, reinterpret_cast<sockaddr*>(&out), &length);
  return out;
}

sockaddr_in6 Socket::peer() const {
  sockaddr_in6 out{};
  socklen_t length = sizeof out;
  getpeername(descriptor_, reinterpret_cast<sockaddr*>(&out), &length);
  return out;
}

bool Socket::wait_readable(int milliseconds) const { return wait_for(descriptor_, POLLIN, milliseconds); }
bool Socket::wait_writable(int milliseconds) const { return wait_for(descriptor_, POLLOUT, milliseconds); }

}  // namespace mipflow::lab
