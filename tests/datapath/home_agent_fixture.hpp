// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <catch2/catch.hpp>

#include "kernel_fixture.hpp"
#include "lent_path.hpp"

namespace mipflow::datapath::home_agent_tests {

inline const Address kHome = packets::address("2001:db8:100::1");
inline const Address kOtherHome = packets::address("2001:db8:100::2");
inline const Address kCareOf = packets::address("2001:db8:21::2");
inline const Address kHomeAgent = packets::address("2001:db8:1::2");  // on wlan0, which stands for the link to the Internet here
inline const Address kAnycast = packets::address("2001:db8:100:0:fdff:ffff:ffff:fffe");
inline const Address kCorrespondent = packets::address("2001:db8:6::2");
inline const Address kRouter = packets::address("2001:db8:1::1");
inline const packets::Ends kOuterIn{kCareOf, kHomeAgent};
inline const packets::Ends kDown{kCorrespondent, kHome};
inline const packets::Ends kUp{kHome, kCorrespondent};

// A home agent with one registered home address.
class HomeAgentFixture {
 public:
  HomeAgentFixture() : path(borrow(Role::HomeAgent, {"wlan0"})) {
    must(path->set_signalling_address(kHomeAgent));
    must(path->set_signalling_address(kAnycast));
    must(path->set_tunnel(kHome, {kCareOf, kHomeAgent}));
    must(path->set_tunnel_source({kHome, kCareOf}));
  }
  ~HomeAgentFixture() { give_back(Role::HomeAgent, std::move(path)); }

  static void must(const Expected<void, Error>& result) {
    if (!result) FAIL(result.error().text);
  }
  Ran out(const packets::Octets& packet) { return run_forwarded(Role::HomeAgent, "mip0", packet, "wwan0"); }
  Ran in(const packets::Octets& packet) { return run_ingress(Role::HomeAgent, "wlan0", packet); }

  std::unique_ptr<DataPath> path;
};

}  // namespace mipflow::datapath::home_agent_tests
