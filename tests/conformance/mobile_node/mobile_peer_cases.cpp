// SPDX-License-Identifier: GPL-3.0-or-later
// A correspondent node that is a mobile node itself. mipflow-mnd is no correspondent node: what of these cases is a
// correspondent node's is not there, and what a peer sends for it must do no harm.
#include "conformance/mobile_node/groups.hpp"
#include "conformance/mobile_node/home_agent_tester.hpp"

namespace mipflow::conformance::mobile {

namespace {

constexpr const char* kNoCorrespondentNode =
    "A function that the suite leaves to choice, and §8.5 does not ask a mobile node for: mipflow-mnd is no correspondent node "
    "(§8.2, §9), so that a mobile peer's own packets and its answers go by way of both home agents. That its messages begin "
    "nothing: X-MN-22";

// As if it were abroad: HoTI of its home address, CoTI and Binding Update of its care-of address, by the tunnel and straight.
void peer_registers(MobileBench& bench) {
  constexpr std::uint64_t kCookie = 0x0102030405060708;
  bench.home_registration();
  bench.clear();
  const MobilityHeader home(kHomeTestInit, test_init_data(kCookie)), care_of(kCareOfTestInit, test_init_data(kCookie));
  for (int i = 0; i < 3; ++i) {
    bench.by_tunnel(home);
    bench.by_tunnel(care_of, kStranger);
    bench.straight(care_of, kStranger);
    MobilityHeader update(kBindingUpdate, binding_update_data(static_cast<std::uint16_t>(i), kAcknowledge, kLongest));
    update.nonce_indices(1, 1).wrong_authorization();
    bench.send_tunnelled(update.packet({.source = kStranger, .destination = kHome, .home_address_option = kCorrespondent}));
    bench.wait(1s);
  }
  bench.expect_no_return_routability(16s, "messages of a mobile peer");
  bench.expect_no_return_routability(16s, "messages of a mobile peer", kStranger);
  bench.expect_no_update(1s, "messages of a mobile peer");
  const bool answered = bench.next<wire::HomeTest>({}, [](const auto&) { return true; }) ||
                        bench.next<wire::CareOfTest>({}, [](const auto&) { return true; }) ||
                        bench.next<wire::BindingAcknowledgement>({}, [](const auto&) { return true; });
  require(!answered, "half a correspondent node is none");
  require(bench.node.flow(5000) == std::nullopt, "a flow out of signalling");
  // Its datagrams are as anybody's.
  bench.traffic_is_tunnelled();
}

}  // namespace

Group mobile_peer_cases() {
  Group out{"The correspondent node is a mobile node, too", {}};
  const auto none = [&](const char* id, const char* title, const char* section) {
    out.cases.push_back(not_applicable(id, title, section, kNoCorrespondentNode));
  };
  none("MN-0-0-0-3-001", "all the way with a mobile peer", "9, 11.3.1, 11.7.2");
  none("MN-2-1-1-2-002", "its address is that of its Home Address option", "11.7.2, 9.3.1");
  none("MN-2-1-1-2-003", "a tunnelled Care-of Test Init begins nothing", "11.7.2");
  none("MN-2-1-1-3-001", "Home Test through the tunnel", "9.4.1, 9.4.3, 6.1.5");
  none("MN-2-1-2-3-001", "Care-of Test through the tunnel", "9.4.2, 9.4.4, 6.1.6");
  none("MN-3-1-1-3-001", "Binding Acknowledgement through the tunnel", "9.5.4, 6.1.8, 11.3.1");
  none("MN-3-1-2-3-001", "it refreshes its binding", "9.5.1, 9.5.4");
  none("MN-3-1-3-3-001", "it deletes its binding from abroad", "9.5.1, 9.5.3, 9.5.4, 5.2.5");
  none("MN-4-1-1-3-001", "data with routing header and Home Address option", "9.3.1, 9.3.2, 11.3.1, 6.4");
  none("MN-4-1-2-3-001", "Binding Error through the tunnel", "9.3.1, 9.3.3, 11.3.1");
  out.cases.push_back(mobile_case("X-MN-22", "messages for a correspondent node begin nothing", "8.5, 11.7.2", peer_registers));
  return out;
}

Group security_cases() {
  constexpr const char* kNoIke =
      "IKEv1 between mobile node and home agent (RFC 3776): an option of the suite. mipflow authenticates by RFC 4285 with keys "
      "that are configured, decision 4; the K bit stays 0";
  Group out{"IPsec and IKE", {}};
  const auto none = [&](const char* id, const char* title) {
    out.cases.push_back(not_applicable(id, title, "11.3.2, RFC 3776 4.2, 4.4", kNoIke));
  };
  none("MN-1-2-1-1-001", "Binding Update: nothing was negotiated");
  none("MN-1-2-1-1-002", "Binding Update: phase 1 and 2 have ended");
  none("MN-1-2-1-1-004", "Binding Update: phase 2 has ended");
  none("MN-1-2-1-1-012", "Binding Update: on another link with K = 0, phase 2 has ended");
  none("MN-1-2-1-1-014", "Binding Update: on another link with K = 1, phase 2 has ended");
  none("MN-1-2-1-1-022", "Binding Update: home and away, phase 1 and 2 have ended");
  none("MN-1-2-1-1-024", "Binding Update: home and away, phase 2 has ended");
  none("MN-1-2-1-1-025", "Binding Update: home and away, nothing has ended");
  none("MN-1-2-2-1-001", "Home Test Init: nothing was negotiated");
  none("MN-1-2-2-1-002", "Home Test Init: phase 1 and 2 have ended");
  none("MN-1-2-2-1-004", "Home Test Init: on another link with K = 0, phase 2 has ended");
  none("MN-1-2-2-1-006", "Home Test Init: on another link with K = 1, phase 2 has ended");
  none("MN-1-2-2-1-018", "Home Test Init: the tunnel's policy is off at home");
  none("MN-1-2-2-1-010", "Home Test Init: home and away, phase 1 and 2 have ended");
  none("MN-1-2-2-1-014", "Home Test Init: home and away, phase 2 has ended");
  none("MN-1-2-2-1-019", "Home Test Init: home and away, nothing has ended");
  none("MN-1-2-3-1-001", "Mobile Prefix Solicitation: nothing was negotiated");
  none("MN-1-2-3-1-002", "Mobile Prefix Solicitation: phase 1 and 2 have ended");
  none("MN-1-2-3-1-004", "Mobile Prefix Solicitation: on another link with K = 0, phase 2 has ended");
  none("MN-1-2-3-1-006", "Mobile Prefix Solicitation: on another link with K = 1, phase 2 has ended");
  none("MN-1-2-3-1-010", "Mobile Prefix Solicitation: home and away, phase 1 and 2 have ended");
  none("MN-1-2-3-1-014", "Mobile Prefix Solicitation: home and away, phase 2 has ended");
  none("MN-1-2-3-1-017", "Mobile Prefix Solicitation: home and away, nothing has ended");
  out.cases.push_back(not_applicable("MN-4-1-1-2-007", "ESP between mobile node and correspondent node", "11.3.2",
                                     "An option of the suite. IPsec between applications' hosts is the kernel's, which mipflow "
                                     "does not tell about home addresses"));
  return out;
}

}  // namespace mipflow::conformance::mobile
