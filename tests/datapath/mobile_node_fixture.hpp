// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <catch2/catch.hpp>

#include "kernel_fixture.hpp"
#include "lent_path.hpp"

namespace mipflow::datapath {

inline const Address kHome1 = packets::address("2001:db8:100::1");
inline const Address kHome2 = packets::address("2001:db8:100::2");
inline const Address kCareOf = packets::address("2001:db8:1::2");
inline const Address kOtherCareOf = packets::address("2001:db8:2::2");
inline const Address kHomeAgent = packets::address("2001:db8:5::2");
inline const Address kCorrespondent = packets::address("2001:db8:6::2");
inline const Address kRouter = packets::address("2001:db8:1::1");
inline const packets::Ends kOuterIn{kHomeAgent, kCareOf};

// A mobile node with two home addresses: kHome1 bound to wlan0 (binding 1), kHome2 to wwan0 (binding 2).
class MobileNodeFixture {
 public:
  MobileNodeFixture() : path(borrow(Role::MobileNode, {"wlan0", "wwan0"})) {
    must(path->set_home_agent(kHomeAgent));
    must(path->set_care_of_address(kCareOf, {interface_named("wlan0")}));
    must(path->set_care_of_address(kOtherCareOf, {interface_named("wwan0")}));
    must(path->set_binding(1, binding(kHome1, kCareOf, "wlan0")));
    must(path->set_binding(2, binding(kHome2, kOtherCareOf, "wwan0")));
    must(path->set_home_address(kHome1, {1, true}));
    must(path->set_home_address(kHome2, {2, false}));
  }
  ~MobileNodeFixture() { give_back(Role::MobileNode, std::move(path)); }

  static forwarding::BindingItem binding(const Address& home, const Address& care_of, const char* uplink) {
    return {forwarding::HeaderKind::Tunnel, home, care_of, kHomeAgent, interface_named(uplink)};
  }
  static void must(const Expected<void, Error>& result) {
    if (!result) FAIL(result.error().text);
  }
  static FlowKey key(std::uint8_t protocol, std::uint16_t port, std::uint16_t correspondent_port) {
    return {kHome1, kCorrespondent, port, correspondent_port, protocol};
  }
  // A flow whose socket has kHome1 and that leaves with kHome2.
  void rewrite(std::uint8_t protocol, std::uint16_t port, std::uint16_t correspondent_port, FlowId id = 7) {
    must(path->set_flow(key(protocol, port, correspondent_port), {id, kHome2, 2}));
  }

  Ran out(const packets::Octets& packet) { return run_egress(Role::MobileNode, "mip0", packet); }
  Ran in(const packets::Octets& packet) { return run_ingress(Role::MobileNode, "wlan0", packet); }
  Ran in_tunnel(const packets::Octets& inner) { return in(packets::tunnelled(kOuterIn, inner)); }
  FlowActivity activity() {
    const auto all = path->activities();
    REQUIRE(all.size() == 1);
    return all.front();
  }

  std::unique_ptr<DataPath> path;
};

}  // namespace mipflow::datapath
