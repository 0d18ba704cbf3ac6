// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/dhcpv6_client_port.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "mipflow/wire/dhcpv6.hpp"
#include "socket_messages.hpp"
#include "usable_address.hpp"

namespace mipflow::platform {

namespace {

constexpr std::size_t kLongest = 4'096;  // octets; an answer about one address has a few hundred
constexpr auto kRetryInterval = std::chrono::seconds{5};

}  // namespace

Dhcpv6ClientPort::Dhcpv6ClientPort(boost::asio::io_context& loop, InterfaceIndex interface, std::string interface_name,
                                   StateHandler on_state, MessageHandler on_message)
    : loop_(loop),
      interface_(interface),
      interface_name_(std::move(interface_name)),
      on_state_(std::move(on_state)),
      on_message_(std::move(on_message)),
      retry_(loop) {}

void Dhcpv6ClientPort::want(bool wanted) {
  if (wanted == std::exchange(wanted_, wanted) || address_.is_unspecified()) return;
  if (wanted) return try_to_open();
  close();
  on_state_({});
}

void Dhcpv6ClientPort::on_address(const InterfaceAddress& address) {
  if (address.interface != interface_ || !address.address.is_link_local()) return;
  if (!is_usable(address)) return on_address_removed(address);
  if (!address_.is_unspecified()) return;
  address_ = address.address;
  if (wanted_) try_to_open();
}

void Dhcpv6ClientPort::on_address_removed(const InterfaceAddress& address) {
  if (address.interface != interface_ || address.address != address_ || address_.is_unspecified()) return;
  address_ = Address{};
  if (!wanted_) return;
  close();
  on_state_({});
}

void Dhcpv6ClientPort::try_to_open() {
  const auto opened = open();
  const std::string trouble = opened ? "" : opened.error().message;
  if (opened || trouble != trouble_) on_state_({.link_local_address = opened ? address_ : Address{}, .trouble = trouble});
  trouble_ = trouble;
  if (opened) return;
  retry_.expires_after(kRetryInterval);
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (!error) try_to_open();
  });
}

Result<void> Dhcpv6ClientPort::open() {
  FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail("cannot open a socket for DHCPv6", errno);
  if (!tell_arrivals(socket.get()))
    return fail("cannot prepare a socket for DHCPv6", errno);
  sockaddr_in6 here{};
  here.sin6_family = AF_INET6;
  here.sin6_port = htons(wire::kDhcpv6ClientPort);
  here.sin6_scope_id = interface_;
  std::ranges::copy(address_.octets, here.sin6_addr.s6_addr);
  // Without SO_REUSEADDR: with it two clients would share the port, and one would get the other's answers.
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) {
    const std::string port = "UDP port " + std::to_string(wire::kDhcpv6ClientPort) + " of " + interface_name_;
    if (errno == EADDRINUSE)
      return fail("another program has " + port + ", probably a DHCPv6 client of this host; let it leave " +
                  interface_name_ + " alone, or take \"dhcpv6\" out of the sources of home addresses");
    return fail("cannot use " + port, errno);
  }
  socket_ = std::move(socket);
  watch_ = std::make_unique<DescriptorWatch>(loop_, socket_.get(), [this] { read(); });
  return {};
}

void Dhcpv6ClientPort::close() {
  retry_.cancel();
  trouble_.clear();
  watch_.reset();
  socket_.reset();
}

void Dhcpv6ClientPort::read() {
  std::array<std::uint8_t, kLongest> room;
  read_messages(socket_, room, [this](const SocketMessage& answer) {
    on_message_({.message = Bytes(answer.octets.begin(), answer.octets.end()), .source = answer.source, .interface = answer.interface});
  });
}

}  // namespace mipflow::platform
