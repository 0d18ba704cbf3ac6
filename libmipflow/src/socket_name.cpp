// SPDX-License-Identifier: GPL-3.0-or-later
#include "socket_name.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace mipflow::library {

namespace {

template <class Value>
int option(int socket, int name, Value& value) {
  socklen_t size = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? 0 : -errno;
}

}  // namespace

int name_of(int socket, SocketName& out) {
  int family = 0, protocol = 0;
  std::uint64_t cookie = 0;
  if (const int error = option(socket, SO_DOMAIN, family)) return error;
  if (family != AF_INET6) return -EAFNOSUPPORT;
  if (const int error = option(socket, SO_PROTOCOL, protocol)) return error;
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) return -EPROTONOSUPPORT;
  if (const int error = option(socket, SO_COOKIE, cookie)) return error;
  out.parameters["cookie"] = cookie;

  sockaddr_in6 here{}, there{};
  socklen_t size = sizeof here;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &size) != 0) return -errno;
  size = sizeof there;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&there), &size) != 0) return errno == ENOTCONN ? 0 : -errno;
  if (IN6_IS_ADDR_V4MAPPED(&there.sin6_addr)) return -EAFNOSUPPORT;
  const auto text = [](const in6_addr& address) {
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    return std::string(::inet_ntop(AF_INET6, &address, buffer.data(), buffer.size()));
  };
  out.connected = true;
  out.parameters["protocol"] = protocol == IPPROTO_TCP ? "tcp" : "udp";
  out.parameters["source"] = text(here.sin6_addr);
  out.parameters["source_port"] = ntohs(here.sin6_port);
  out.parameters["correspondent"] = text(there.sin6_addr);
  out.parameters["correspondent_port"] = ntohs(there.sin6_port);
  return 0;
}

}  // namespace mipflow::library
