// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <catch2/catch.hpp>

#include "kernel_fixture.hpp"
#include "lent_path.hpp"

namespace mipflow::datapath::correspondent_tests {

inline const Address kHome = packets::address("2001:db8:100::1");
inline const Address kOtherHome = packets::address("2001:db8:100::2");
inline const Address kCareOf = packets::address("2001:db8:21::2");
inline const Address kPreviousCareOf = packets::address("2001:db8:22::2");
inline const Address kHere = packets::address("2001:db8:1::2");  // on wlan0
inline const Address kAlsoHere = packets::address("2001:db8:1::3");
inline const packets::Ends kDown{kHere, kHome};
inline const packets::Ends kUp{kHome, kHere};
inline const packets::Ends kWireUp{kCareOf, kHere};

// A correspondent node, or a home agent as one, with one binding.
class CorrespondentFixture {
 public:
  explicit CorrespondentFixture(Role its_role = Role::CorrespondentNode) : role(its_role), path(borrow(role, {"wlan0"})) {
    must(path->set_signalling_address(kHere));
    must(path->set_correspondent_binding({kHome, kHere}, {kCareOf, kPreviousCareOf}));
  }
  ~CorrespondentFixture() { give_back(role, std::move(path)); }

  static void must(const Expected<void, Error>& result) {
    if (!result) FAIL(result.error().text);
  }
  Ran out(const packets::Octets& packet) { return run_egress(role, "mip0", packet); }
  Ran in(const packets::Octets& packet) { return run_ingress(role, "wlan0", packet); }
  Duration idle() { return path->correspondent_idle_times().at({kHome, kHere}); }

  Role role;
  std::unique_ptr<DataPath> path;
};

class HomeAgentAsCorrespondentFixture : public CorrespondentFixture {
 public:
  HomeAgentAsCorrespondentFixture() : CorrespondentFixture(Role::HomeAgent) {}
};

}  // namespace mipflow::datapath::correspondent_tests
