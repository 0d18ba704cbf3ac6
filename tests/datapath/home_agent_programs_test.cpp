// SPDX-License-Identifier: GPL-3.0-or-later
// The home agent's programs: into the tunnels, out of the tunnels, signalling, watched neighbour discovery.
#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "home_agent_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::datapath::home_agent_tests;
using namespace mipflow::packets;

TEST_CASE_METHOD(HomeAgentFixture, "a packet to a home address goes to its care-of address") {
  const Octets packet = tcp(kDown, 80, 1000);
  const Ran ran = out(packet);
  REQUIRE(ran.verdict == kRedirect);
  const Read outer = read(ran.packet);
  CHECK(outer.source == kHomeAgent);
  CHECK(outer.destination == kCareOf);
  CHECK(outer.next_header == kIpv6);
  CHECK(outer.hop_limit == 64);
  CHECK(outer.payload_octets == packet.size());
  CHECK(outer.payload == packet);
  CHECK(counter(*path, "tunnelled_out") == 1);

  must(path->set_tunnel(kHome, {address("2001:db8:22::7"), kHomeAgent}));
  CHECK(read(out(packet).packet).destination == address("2001:db8:22::7"));
}

TEST_CASE_METHOD(HomeAgentFixture, "what goes into each tunnel is counted, for who divides the load") {
  using Sizes = std::map<Address, std::pair<std::uint64_t, std::uint64_t>>;
  const auto take = [&] {
    Sizes sizes;
    for (const auto& activity : path->take_tunnel_activity()) sizes[activity.home_address] = {activity.packets, activity.octets};
    return sizes;
  };
  must(path->set_tunnel(kOtherHome, {kCareOf, kHomeAgent}));
  CHECK(take().empty());
  const Octets packet = tcp(kDown, 80, 1000);
  const Octets other = tcp({kCorrespondent, kOtherHome}, 80, 1000, kAck, 500);
  out(packet);
  out(packet);
  CHECK(take() == Sizes{{kHome, {2, 2 * packet.size()}}});
  CHECK(take().empty());
  out(packet);
  out(other);
  CHECK(take() == Sizes{{kHome, {1, packet.size()}}, {kOtherHome, {1, other.size()}}});

  SECTION("a move is another tunnel of the same home address") {
    out(packet);
    must(path->set_tunnel(kHome, {address("2001:db8:22::7"), kHomeAgent}));
    out(packet);
    CHECK(take() == Sizes{{kHome, {2, 2 * packet.size()}}});
  }
  SECTION("the next home address in the place of one that is gone begins at nothing") {
    const Address next = address("2001:db8:100::3");
    out(packet);
    must(path->erase_tunnel(kHome));
    CHECK(take().empty());
    must(path->set_tunnel(next, {kCareOf, kHomeAgent}));
    CHECK(take().empty());
    out(tcp({kCorrespondent, next}, 80, 1000));
    CHECK(take() == Sizes{{next, {1, packet.size()}}});
  }
  SECTION("what is dropped, and what comes from the mobile node, does not count") {
    shell("ip -6 route add unreachable 2001:db8:21::/64");
    out(packet);
    shell("ip -6 route del unreachable 2001:db8:21::/64");
    in(tunnelled(kOuterIn, tcp(kUp, 1000, 80)));
    CHECK(take().empty());
  }
  SECTION("counting goes on while the daemon does not") {
    must(path->erase_tunnel(kHome));  // so that there is a gap among the places
    path.reset();
    out(other);
    auto opened = DataPath::open(options_for(Role::HomeAgent, pin_directory_of(Role::HomeAgent)));
    if (!opened) FAIL(opened.error().text);
    path = std::move(*opened);
    must(path->set_tunnel(kHome, {kCareOf, kHomeAgent}));
    out(packet);
    CHECK(take() == Sizes{{kHome, {1, packet.size()}}, {kOtherHome, {1, other.size()}}});
  }
}

TEST_CASE_METHOD(HomeAgentFixture, "what nobody has bound goes into mip0, to be routed again with the hop that it has lost there") {
  const Octets packet = tcp({kCorrespondent, kOtherHome}, 80, 1000);
  const Ran forwarded = out(packet);
  CHECK(forwarded.verdict == kRedirect);
  CHECK(read(forwarded.packet).hop_limit == read(packet).hop_limit + 1);
  CHECK(read(forwarded.packet).payload == read(packet).payload);
  // The host's own packet has not passed a router yet. Here nothing else leads to mip0, so it goes where routing leads.
  const Ran own = run_egress(Role::HomeAgent, "mip0", packet);
  CHECK(own.verdict == kRedirect);
  CHECK(own.packet == packet);
  CHECK(counter(*path, "unbound_destinations") == 1);
  CHECK(counter(*path, "tunnelled_out") == 0);
}

TEST_CASE_METHOD(HomeAgentFixture, "what can not be tunnelled to a mobile node is dropped and counted") {
  SECTION("link-local or multicast") {
    // fe80::/10 and ff00::/8 to their ends
    for (const char* source : {"fe80::1", "fe80:1::1", "febf:ffff:ffff::1", "ff00::1"})
      CHECK(out(udp({address(source), kHome}, 1, 2)).verdict == kDrop);
    CHECK(out(udp({kCorrespondent, address("ff02::1")}, 1, 2)).verdict == kDrop);
    CHECK(counter(*path, "not_forwardable") == 5);
    for (const char* source : {"fe7f:ffff::1", "fec0::1", "feff:ffff::1"}) CHECK(out(udp({address(source), kHome}, 1, 2)).verdict == kRedirect);
  }
  SECTION("no route to the care-of address") {
    shell("ip -6 route add unreachable 2001:db8:21::/64");
    CHECK(out(tcp(kDown, 80, 1000)).verdict == kDrop);
    CHECK(counter(*path, "no_route") == 1);
    shell("ip -6 route del unreachable 2001:db8:21::/64");
  }
  SECTION("the care-of address is reached through a tunnel of ours: a loop") {
    shell("ip -6 route add 2001:db8:100::2/128 dev mip0");
    must(path->set_tunnel(kHome, {kOtherHome, kHomeAgent}));
    CHECK(out(tcp(kDown, 80, 1000)).verdict == kDrop);
    CHECK(counter(*path, "no_route") == 1);
    shell("ip -6 route del 2001:db8:100::2/128 dev mip0");
  }
}

TEST_CASE_METHOD(HomeAgentFixture, "a packet longer than the way to the care-of address carries is answered") {
  shell("ip link set wlan0 mtu 1400");
  const Octets packet = tcp(kDown, 80, 1000, kAck, 1361 - 60);
  const Ran ran = out(packet);
  REQUIRE(ran.verdict == kRedirect);
  const Read answer = read(ran.packet);
  CHECK(answer.source == kHomeAgent);
  CHECK(answer.destination == kCorrespondent);
  CHECK(answer.payload[0] == 2);
  CHECK(get32(answer.payload, 4) == 1360);
  CHECK(checksum_is_right(answer));
  CHECK(out(tcp(kDown, 80, 1000, kAck, 1360 - 60)).verdict == kRedirect);
  CHECK(counter(*path, "too_big") == 1);
  CHECK(counter(*path, "tunnelled_out") == 1);
  shell("ip link set wlan0 mtu 1500");
}

TEST_CASE_METHOD(HomeAgentFixture, "a reverse-tunnelled packet is accepted from the registered care-of address only") {
  const Octets packet = tcp(kUp, 1000, 80);
  const Ran ran = in(tunnelled(kOuterIn, packet));
  REQUIRE(ran.verdict == kToMip0);
  CHECK(ran.packet == packet);
  CHECK(counter(*path, "tunnelled_in") == 1);

  CHECK(in(tunnelled({address("2001:db8:21::3"), kHomeAgent}, packet)).verdict == kDrop);
  CHECK(in(tunnelled(kOuterIn, tcp({kOtherHome, kCorrespondent}, 1000, 80))).verdict == kDrop);
  CHECK(in(tunnelled(kOuterIn, tcp({kCorrespondent, kHome}, 1000, 80))).verdict == kDrop);
  CHECK(counter(*path, "wrong_tunnel_source") == 3);

  must(path->set_tunnel_source({kHome, address("2001:db8:21::3")}));  // two at a time while the mobile node moves
  CHECK(in(tunnelled({address("2001:db8:21::3"), kHomeAgent}, packet)).verdict == kToMip0);
  CHECK(in(tunnelled(kOuterIn, packet)).verdict == kToMip0);
  must(path->erase_tunnel_source({kHome, kCareOf}));
  CHECK(in(tunnelled(kOuterIn, packet)).verdict == kDrop);
}

TEST_CASE_METHOD(HomeAgentFixture, "a Home Address option is accepted from the registered care-of address only") {
  const Octets plain = tcp({kHome, kHomeAgent}, 1000, 22);
  const auto with_option = [&](const Address& care_of, const Address& home) {
    const Octets upper = read(tcp({home, kHomeAgent}, 1000, 22)).payload;
    return ipv6({care_of, kHomeAgent}, kDestinationOptions, joined(home_address_option(kTcp, home), upper));
  };
  // To the home agent itself, RFC 6275 §9.3.1: its sockets see the home address.
  const Ran ran = in(with_option(kCareOf, kHome));
  REQUIRE(ran.verdict == kPass);
  CHECK(ran.packet == plain);
  CHECK(counter(*path, "route_optimized_in") == 1);
  CHECK(in(with_option(address("2001:db8:21::3"), kHome)).verdict == kDrop);
  CHECK(in(with_option(kCareOf, kOtherHome)).verdict == kDrop);
  CHECK(counter(*path, "home_address_option_refused") == 2);
  must(path->erase_tunnel_source({kHome, kCareOf}));
  CHECK(in(with_option(kCareOf, kHome)).verdict == kDrop);
}

TEST_CASE_METHOD(HomeAgentFixture, "the daemon learns of sources that are not bound, and no more often than it can bear") {
  const auto pair = [](const UnboundSource& source) { return std::pair{source.home_address, source.care_of_address}; };
  const Address stranger = address("2001:db8:21::3");
  const Octets from_stranger = tunnelled({stranger, kHomeAgent}, tcp(kUp, 1000, 80));
  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::steady_clock::now() - begin; };
  in(from_stranger);
  auto told = read_all(*path);
  CHECK(told.packets.empty());
  REQUIRE(told.unbound.size() == 1);
  CHECK(pair(told.unbound[0]) == std::pair{kHome, stranger});

  // One source, again and again.
  std::size_t same = 0;
  while (same == 0 && elapsed() < std::chrono::seconds{5}) {
    in(from_stranger);
    same += read_all(*path).unbound.size();
  }
  CHECK(same == 1);
  CHECK(elapsed() >= std::chrono::milliseconds{250});

  // Another source each time.
  const auto flood = std::chrono::steady_clock::now();
  std::size_t others = 0;
  for (std::uint16_t i = 0; i < 2000; ++i) {
    Address source = kOtherHome;
    source.octets[12] = static_cast<std::uint8_t>(i >> 8);
    source.octets[13] = static_cast<std::uint8_t>(i);
    in(tunnelled(kOuterIn, tcp({source, kCorrespondent}, 1000, 80)));
    if (i % 100 == 0) others += read_all(*path).unbound.size();
  }
  others += read_all(*path).unbound.size();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - flood);
  CHECK(others >= 1);
  CHECK(others <= static_cast<std::size_t>(took.count()) / 5 + 2);
  CHECK(counter(*path, "unbound_sources_told") == 2 + others);

  // What is bound is never told, and what could not be answered neither.
  std::this_thread::sleep_for(std::chrono::milliseconds{6});  // the limit for all sources together
  in(tunnelled(kOuterIn, tcp(kUp, 1000, 80)));
  in(tunnelled({address("fe80::1"), kHomeAgent}, tcp(kUp, 1000, 80)));
  in(tunnelled(kOuterIn, tcp({address("ff02::1"), kCorrespondent}, 1000, 80)));
  CHECK(read_all(*path).unbound.empty());
}

TEST_CASE_METHOD(HomeAgentFixture, "a mobile node can not speak on our links through its tunnel") {
  for (const char* destination : {"fe80::1", "ff02::1", "::1", "::"})
    CHECK(in(tunnelled(kOuterIn, udp({kHome, address(destination)}, 1, 2))).verdict == kDrop);
  for (std::uint8_t type = 133; type <= 137; ++type)
    CHECK(in(tunnelled(kOuterIn, icmpv6({kHome, kHomeAgent}, type, filler(28), 0, 255))).verdict == kDrop);
  CHECK(counter(*path, "inner_refused") == 9);
}

TEST_CASE_METHOD(HomeAgentFixture, "a link-local address that somebody bound does not come out of a tunnel") {
  must(path->set_tunnel_source({address("fe80::5"), kCareOf}));
  CHECK(in(tunnelled(kOuterIn, udp({address("fe80::5"), kCorrespondent}, 1, 2))).verdict == kDrop);
  CHECK(counter(*path, "inner_refused") == 1);
}

TEST_CASE_METHOD(HomeAgentFixture, "signalling to the home agent goes into the ring") {
  const auto check = [&](const Octets& packet) {
    CHECK(in(packet).verdict == kDrop);
    const auto ringed = read_all(*path);
    REQUIRE(ringed.packets.size() == 1);
    CHECK(ringed.packets[0].packet == packet);
    CHECK(ringed.packets[0].link_layer_source == LinkLayerAddress{2, 0, 0, 0, 0, 2});
    return ringed.packets[0];
  };
  SECTION("Binding Update with Home Address option") {
    check(ipv6(kOuterIn, kDestinationOptions, joined(home_address_option(kMobility, kHome), mobility_header({kHome, kHomeAgent}, 5))));
  }
  SECTION("de-registration at home") {
    const Ends ends{kHome, kHomeAgent};
    check(ipv6(ends, kMobility, mobility_header(ends, 5)));
  }
  SECTION("prefix solicitation with Home Address option") {
    const Octets upper = read(icmpv6({kHome, kHomeAgent}, 146, filler(4))).payload;
    check(ipv6(kOuterIn, kDestinationOptions, joined(home_address_option(kIcmpv6, kHome), upper)));
  }
  SECTION("agent discovery to the anycast address") { check(icmpv6({kCareOf, kAnycast}, 144, filler(4))); }
  SECTION("out of a tunnel") {
    const Octets inner = ipv6({kHome, kHomeAgent}, kMobility, mobility_header({kHome, kHomeAgent}, 1));
    CHECK(in(tunnelled(kOuterIn, inner)).verdict == kDrop);
    const auto ringed = read_all(*path);
    REQUIRE(ringed.packets.size() == 1);
    CHECK(ringed.packets[0].packet == inner);
    CHECK(ringed.packets[0].tunnel_source == kCareOf);
  }
}

TEST_CASE_METHOD(HomeAgentFixture, "signalling between others is forwarded like any packet") {
  const Ends others{kHome, kCorrespondent};
  const Octets home_test_init = ipv6(others, kMobility, mobility_header(others, 1));
  const Ran tunnelled_one = in(tunnelled(kOuterIn, home_test_init));
  CHECK(tunnelled_one.verdict == kToMip0);
  CHECK(tunnelled_one.packet == home_test_init);
  const Ends home_test{kCorrespondent, kHome};
  CHECK(in(ipv6(home_test, kMobility, mobility_header(home_test, 3))).verdict == kPass);
  CHECK(out(ipv6(home_test, kMobility, mobility_header(home_test, 3))).verdict == kRedirect);
  CHECK(read_all(*path).packets.empty());
}

TEST_CASE_METHOD(HomeAgentFixture, "neighbour discovery about a watched address is copied and passed on") {
  must(path->set_watched_address({interface_named("wlan0"), kHome}));
  Octets body(4);
  body.insert(body.end(), kHome.octets.begin(), kHome.octets.end());
  const Octets solicitation = icmpv6({address("::"), address("ff02::1:ff00:1")}, 135, body, 0, 255);
  const Octets advertisement = icmpv6({kHome, address("ff02::1")}, 136, body, 0, 255);
  for (const Octets& packet : {solicitation, advertisement}) {
    expect_passed_and_told(in(packet), *path, packet);
  }
  SECTION("another address, another interface") {
    std::copy(kOtherHome.octets.begin(), kOtherHome.octets.end(), body.begin() + 4);
    CHECK(in(icmpv6({kRouter, address("ff02::1:ff00:2")}, 135, body, 0, 255)).verdict == kPass);
    must(path->attach_uplink(interface_named("wwan0")));
    CHECK(run_ingress(Role::HomeAgent, "wwan0", solicitation).verdict == kPass);
    must(path->detach_uplink(interface_named("wwan0")));
    CHECK(read_all(*path).packets.empty());
  }
  SECTION("no longer watched") {
    must(path->erase_watched_address({interface_named("wlan0"), kHome}));
    CHECK(in(solicitation).verdict == kPass);
    CHECK(read_all(*path).packets.empty());
  }
  SECTION("cut in front of the target") {
    CHECK(in(icmpv6({kRouter, kHomeAgent}, 135, Octets(19), 0, 255)).verdict == kPass);
    CHECK(read_all(*path).packets.empty());
  }
}

TEST_CASE_METHOD(HomeAgentFixture, "Packet Too Big from inside a tunnel becomes one for the correspondent node") {
  const Octets inner = tcp(kDown, 80, 1000, kAck, 1400 - 60);
  const Octets error = icmpv6_error({kRouter, kHomeAgent}, 2, 1380, tunnelled({kHomeAgent, kCareOf}, inner));
  const Ran ran = in(error);
  REQUIRE(ran.verdict == kRedirect);
  const Read relayed = read(ran.packet);
  CHECK(relayed.source == kHomeAgent);
  CHECK(relayed.destination == kCorrespondent);
  CHECK(relayed.payload[0] == 2);
  CHECK(get32(relayed.payload, 4) == 1340);
  CHECK(checksum_is_right(relayed));
  CHECK(std::equal(inner.begin(), inner.begin() + 1192, relayed.payload.begin() + 8));
  CHECK(counter(*path, "packet_too_big_relayed") == 1);
  CHECK(read_all(*path).packets.size() == 1);

  SECTION("what every link has to carry can be no longer than a path carries") {
    const auto about = [&](std::size_t octets) {
      const Octets longer = tcp(kDown, 80, 1000, kAck, octets - 60);
      return in(icmpv6_error({kRouter, kHomeAgent}, 2, 1300, tunnelled({kHomeAgent, kCareOf}, longer))).verdict;
    };
    CHECK(about(1280) == kPass);
    CHECK(about(1281) == kRedirect);
  }
  SECTION("not when the tunnel it quotes is not ours") {
    const Octets foreign = icmpv6_error({kRouter, kHomeAgent}, 2, 1380, tunnelled({kHomeAgent, kRouter}, inner));
    CHECK(in(foreign).verdict == kPass);
    CHECK(read_all(*path).packets.empty());
  }
}
