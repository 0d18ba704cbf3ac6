// SPDX-License-Identifier: GPL-3.0-or-later
// What routing says about packets that leave mip0: ways that lead back into it, links that became smaller than what a router said
// of the path, and no router at all.
#include "correspondent_fixture.hpp"
#include "home_agent_fixture.hpp"
#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

// For as long as it lives.
class Route {
 public:
  explicit Route(std::string what) : what_(std::move(what)) { shell("ip -6 route add " + what_); }
  ~Route() { shell("ip -6 route del " + what_); }
  Route(const Route&) = delete;
  Route& operator=(const Route&) = delete;

 private:
  std::string what_;
};

// The home network is routed to mip0 by a table of the daemon's, beside which stand the operator's routes.
class RoutedHomeNetwork {
 public:
  RoutedHomeNetwork() : to_mip0_("2001:db8:100::/64 dev mip0 table 100") { shell("ip -6 rule add to 2001:db8:100::/64 lookup 100"); }
  ~RoutedHomeNetwork() { shell("ip -6 rule del to 2001:db8:100::/64 lookup 100"); }
  RoutedHomeNetwork(const RoutedHomeNetwork&) = delete;
  RoutedHomeNetwork& operator=(const RoutedHomeNetwork&) = delete;

 private:
  Route to_mip0_;
};

class WithoutRouterFixture : public MobileNodeFixture {
 public:
  WithoutRouterFixture() { shell("ip -6 route del default via 2001:db8:1::1 dev wlan0"); }
  ~WithoutRouterFixture() { shell("ip -6 route add default via 2001:db8:1::1 dev wlan0 metric 100"); }
};

}  // namespace

TEST_CASE_METHOD(correspondent_tests::CorrespondentFixture, "a packet to what is not bound, that routing leads to mip0 all the same, is dropped") {
  using namespace correspondent_tests;
  const Octets packet = tcp({kHere, kOtherHome}, 80, 1000);
  CHECK(out(packet).verdict == kRedirect);
  const Route back("2001:db8:100::2/128 dev mip0");
  CHECK(out(packet).verdict == kDrop);
  CHECK(counter(*path, "no_route") == 1);
}

TEST_CASE_METHOD(home_agent_tests::HomeAgentFixture, "what nobody has bound is routed once more without the way to mip0, and not twice") {
  using namespace home_agent_tests;
  const RoutedHomeNetwork routed;
  SECTION("the home agent's own packet has passed no router") {
    const Octets packet = tcp({home_agent_tests::kHomeAgent, kOtherHome}, 80, 1000);
    const Ran ran = run_egress(Role::HomeAgent, "mip0", packet);
    CHECK(ran.verdict == kRedirect);
    CHECK(ran.packet == packet);
    CHECK(ran.mark != 0);
    CHECK(run_frame(Role::HomeAgent, "mip0", false, frame(packet), {.mark = ran.mark}).verdict == kDrop);
  }
  SECTION("forwarded") {
    const Ran ran = out(tcp({home_agent_tests::kCorrespondent, kOtherHome}, 80, 1000));
    CHECK(ran.verdict == kRedirect);
    CHECK(run_frame(Role::HomeAgent, "mip0", false, frame(ran.packet), {.came_from = "wwan0", .mark = ran.mark}).verdict == kDrop);
  }
  SECTION("whatever else is marked by somebody else is not meant, and keeps its mark") {
    constexpr std::uint32_t kTheirs = 0x10;
    const Ran ran = run_frame(Role::HomeAgent, "mip0", false, frame(tcp({home_agent_tests::kCorrespondent, kOtherHome}, 80, 1000)),
                              {.came_from = "wwan0", .mark = kTheirs});
    CHECK(ran.verdict == kRedirect);
    CHECK((ran.mark & kTheirs) != 0);
    CHECK(ran.mark != kTheirs);
    CHECK(counter(*path, "no_binding") == 0);
    return;
  }
  CHECK(counter(*path, "unbound_destinations") == 1);
  CHECK(counter(*path, "no_binding") == 1);
}

TEST_CASE_METHOD(home_agent_tests::HomeAgentFixture, "a care-of address below the home network is reached as routing says, one that is bound never") {
  using namespace home_agent_tests;
  const RoutedHomeNetwork routed;
  must(path->set_tunnel(home_agent_tests::kHome, {kOtherHome, home_agent_tests::kHomeAgent}));
  const Ran ran = out(tcp(kDown, 80, 1000));
  CHECK(ran.verdict == kRedirect);
  CHECK(read(ran.packet).destination == kOtherHome);
  // A tunnel into a tunnel of ours, of which the first may be the end of the second.
  must(path->set_tunnel(kOtherHome, {home_agent_tests::kCareOf, home_agent_tests::kHomeAgent}));
  CHECK(out(tcp(kDown, 80, 1000)).verdict == kDrop);
  CHECK(counter(*path, "no_route") == 1);
}

TEST_CASE_METHOD(home_agent_tests::HomeAgentFixture, "a link that carries less than a router said of the path decides") {
  using namespace home_agent_tests;
  const Octets packet = tcp(kDown, 80, 1000, kAck, 1400 - 60);
  in(icmpv6_error({home_agent_tests::kRouter, home_agent_tests::kHomeAgent}, 2, 1380,
                  tunnelled({home_agent_tests::kHomeAgent, home_agent_tests::kCareOf}, packet)));
  shell("ip link set wlan0 mtu 1340");
  const Read answer = read(out(packet).packet);
  shell("ip link set wlan0 mtu 1500");
  CHECK(answer.payload[0] == 2);
  CHECK(get32(answer.payload, 4) == 1300);
}

TEST_CASE_METHOD(correspondent_tests::HomeAgentAsCorrespondentFixture, "an error about the home agent's own packet with a routing header reaches its socket") {
  using namespace correspondent_tests;
  const Octets sent = tcp(kDown, 80, 1000, kAck, 200);
  const Octets on_the_wire =
      ipv6({kHere, correspondent_tests::kCareOf}, kRouting, joined(type_2_routing_header(kTcp, kHome), read(sent).payload));
  const Ran ran = in(icmpv6_error({address("2001:db8:1::1"), kHere}, 1, 3, on_the_wire));
  REQUIRE(ran.verdict == kPass);
  const Read error = read(ran.packet);
  CHECK(checksum_is_right(error));
  CHECK(Octets(error.payload.begin() + 8, error.payload.end()) == sent);
  CHECK(counter(*path, "errors_translated") == 1);
  CHECK(read_all(*path).packets.size() == 1);
}

TEST_CASE_METHOD(WithoutRouterFixture, "on a link without a router packets go to whom they are for, and the kernel looks for them there") {
  SECTION("through a tunnel") {
    must(path->set_binding(5, binding(kHome1, kCareOf, "wlan0")));
    must(path->set_flow(key(kTcp, 1000, 80), {7, kHome1, 5}));
    const Ran ran = out(tcp({kHome1, kCorrespondent}, 1000, 80));
    CHECK(ran.verdict == kRedirect);
    CHECK(read(ran.packet).destination == kHomeAgent);
    CHECK(read(ran.packet).payload == tcp({kHome1, kCorrespondent}, 1000, 80));
  }
  SECTION("bypassed") {
    must(path->set_binding(5, {forwarding::HeaderKind::Plain, {}, kCareOf, {}, interface_named("wlan0")}));
    must(path->set_flow(key(kTcp, 1000, 80), {7, kCareOf, 5}));
    const Ran ran = out(tcp({kHome1, kCorrespondent}, 1000, 80));
    CHECK(ran.verdict == kRedirect);
    CHECK(ran.packet == tcp({kCareOf, kCorrespondent}, 1000, 80));
  }
}
