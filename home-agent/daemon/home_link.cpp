// SPDX-License-Identifier: GPL-3.0-or-later
#include "home_link.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace mipflow::had {

using platform::Result;

Result<void> prepare_forwarding(platform::Sysctls& sysctls, const std::vector<std::string>& interfaces, const std::string& home_link) {
  const auto of_interface = [](const std::string& name, const char* setting) { return "net/ipv6/conf/" + name + "/" + setting; };
  if (platform::Sysctls::get("net/ipv6/conf/all/forwarding") != "1") {
    for (const auto& name : interfaces)
      if (platform::Sysctls::get(of_interface(name, "accept_ra")) == "1")
        if (const auto done = sysctls.set(of_interface(name, "accept_ra"), "2"); !done) return done;
    if (const auto done = sysctls.set("net/ipv6/conf/all/forwarding", "1"); !done) return done;
  }
  if (home_link.empty()) return {};
  // "all" is what lets the kernel answer unicast solicitations, by which neighbours check that we are still there.
  for (const auto& [name, value] : {std::pair{std::string("net/ipv6/conf/all/proxy_ndp"), "1"},
                                    std::pair{of_interface(home_link, "proxy_ndp"), "1"},
                                    std::pair{"net/ipv6/neigh/" + home_link + "/proxy_delay", "0"}})
    if (const auto done = sysctls.set(name, value); !done) return done;
  return {};
}

Result<void> AnycastMemberships::join(InterfaceIndex interface, const Address& address) {
  platform::FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return platform::fail("cannot open a socket", errno);
  ipv6_mreq request{};
  std::copy(address.octets.begin(), address.octets.end(), request.ipv6mr_multiaddr.s6_addr);
  request.ipv6mr_interface = interface;
  if (::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_JOIN_ANYCAST, &request, sizeof request) != 0)
    return platform::fail("cannot answer at the home agents' anycast address " + to_string(address) + "; mobile nodes that look for a home agent will not find this one", errno);
  sockets_.push_back(std::move(socket));
  return {};
}

}  // namespace mipflow::had
