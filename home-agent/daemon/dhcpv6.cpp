// SPDX-License-Identifier: GPL-3.0-or-later
// The home agent as a DHCPv6 client on its home link: its port.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "daemon.hpp"

namespace mipflow::had {

bool Daemon::wants_dhcpv6() const {
  const auto& sources = settings_.agent.address_service.sources;
  return std::ranges::find(sources, wire::HomeAddressSource::Dhcpv6) != sources.end();
}

void Daemon::make_dhcpv6_port() {
  if (settings_.agent.home_interface == 0) return;
  const auto tell = [this](const Dhcpv6Port& port) {
    if (!port.trouble.empty()) note(Severity::Warning, "dhcpv6-port", port.trouble);
    // The first address may come before the service has begun.
    boost::asio::post(loop_, [this, port] { runner_->handle(port); });
  };
  dhcpv6_port_.emplace(loop_, settings_.agent.home_interface, settings_.home_link, tell,
                       [this](Dhcpv6Received received) { runner_->handle(std::move(received)); });
  dhcpv6_port_->want(wants_dhcpv6());
}

}  // namespace mipflow::had
