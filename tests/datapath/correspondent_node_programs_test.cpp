// SPDX-License-Identifier: GPL-3.0-or-later
// The correspondent node's programs: type 2 routing header out, Home Address option in; the home agent does the same.
#include <chrono>
#include <thread>

#include "correspondent_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::datapath::correspondent_tests;
using namespace mipflow::packets;

namespace {

// The packet as a mobile node sends it: `packet` is what its socket made.
Octets with_option(const Octets& packet, const Address& care_of = kCareOf) {
  const Read inner = read(packet);
  return ipv6({care_of, inner.destination}, kDestinationOptions,
              joined(home_address_option(inner.next_header, inner.source), inner.payload), inner.traffic_class, inner.hop_limit);
}

void check_leaves_with_routing_header(CorrespondentFixture& fixture, const Octets& packet) {
  const Ran ran = fixture.out(packet);
  REQUIRE(ran.verdict == kRedirect);
  const Read outer = read(ran.packet);
  CHECK(to_string(outer.source) == to_string(kHere));
  CHECK(to_string(outer.destination) == to_string(kCareOf));
  CHECK(outer.next_header == kRouting);
  CHECK(outer.payload_octets == ran.packet.size() - kIpv6Header);
  const Read inner = read(packet);
  CHECK(outer.payload == joined(type_2_routing_header(inner.next_header, kHome), inner.payload));
}

}  // namespace

TEST_CASE_METHOD(CorrespondentFixture, "a packet to a bound home address leaves with a type 2 routing header") {
  check_leaves_with_routing_header(*this, tcp(kDown, 80, 1000));
  check_leaves_with_routing_header(*this, udp(kDown, 53, 1000, 0));
  check_leaves_with_routing_header(*this, udp(kDown, 53, 1000, 1));
  check_leaves_with_routing_header(*this, echo(kDown, 129, 7));
  CHECK(counter(*path, "route_optimized_out") == 4);
}
TEST_CASE_METHOD(HomeAgentAsCorrespondentFixture, "the home agent's own packets leave with a type 2 routing header") {
  must(path->set_tunnel(kHome, {kPreviousCareOf, kHere}));
  check_leaves_with_routing_header(*this, tcp(kDown, 80, 1000));
  // What it forwards goes through the tunnel, also when somebody uses its address.
  const Ran forwarded = run_forwarded(role, "mip0", tcp(kDown, 80, 1000), "wwan0");
  CHECK(read(forwarded.packet).next_header == kIpv6);
  must(path->erase_correspondent_binding({kHome, kHere}));
  CHECK(read(out(tcp(kDown, 80, 1000)).packet).next_header == kIpv6);
}

TEST_CASE_METHOD(CorrespondentFixture, "what is not for the care-of address goes on as it is") {
  const auto check = [&](const Octets& packet) {
    const Ran ran = out(packet);
    CHECK(ran.verdict == kRedirect);
    CHECK(ran.packet == packet);
  };
  SECTION("another source") { check(tcp({kAlsoHere, kHome}, 80, 1000)); }
  SECTION("another home address") { check(tcp({kHere, kOtherHome}, 80, 1000)); }
  SECTION("signalling, which the daemon addresses itself") { check(ipv6(kDown, kMobility, mobility_header(kDown, 3, 24))); }
  SECTION("headers for the routers on the way") {
    check(ipv6(kDown, 0, joined({kUdp, 0, 5, 2, 0, 0, 1, 0}, udp_header_and(kDown, 1, 2, 10))));
    CHECK(counter(*path, "not_optimized") == 1);
  }
  SECTION("no longer bound") {
    must(path->erase_correspondent_binding({kHome, kHere}));
    check(tcp(kDown, 80, 1000));
  }
}

TEST_CASE_METHOD(CorrespondentFixture, "a packet with a permitted Home Address option comes from its home address") {
  const auto check = [&](const Octets& packet, const Address& care_of) {
    const Ran ran = in(with_option(packet, care_of));
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == packet);
  };
  check(tcp(kUp, 1000, 80), kCareOf);
  check(udp(kUp, 1000, 53, 1), kCareOf);
  check(echo(kUp, 128, 3), kPreviousCareOf);
  CHECK(counter(*path, "route_optimized_in") == 3);
}
TEST_CASE_METHOD(HomeAgentAsCorrespondentFixture, "the home agent takes permitted Home Address options") {
  const Ran ran = in(with_option(tcp(kUp, 1000, 80)));
  CHECK(ran.verdict == kPass);
  CHECK(ran.packet == tcp(kUp, 1000, 80));
}

TEST_CASE_METHOD(CorrespondentFixture, "a Home Address option that no binding permits is refused and told") {
  const auto refused = [&](const Octets& packet) {
    const Ran ran = in(packet);
    CHECK(ran.verdict == kDrop);
    return read_all(*path).packets;
  };
  const Octets stranger = with_option(tcp(kUp, 1000, 80), address("2001:db8:21::3"));
  const auto told = refused(stranger);
  REQUIRE(told.size() == 1);
  CHECK(told[0].packet == stranger);
  // Not again at once.
  CHECK(refused(stranger).empty());
  std::this_thread::sleep_for(std::chrono::milliseconds{6});  // the limit for all sources together
  CHECK(refused(with_option(tcp({kOtherHome, kHere}, 1000, 80))).size() == 1);
  // No previous care-of address is not "any".
  must(path->set_correspondent_binding({kHome, kHere}, {kCareOf, {}}));
  CHECK(refused(with_option(tcp(kUp, 1000, 80), address("::"))).empty());
  CHECK(counter(*path, "home_address_option_refused") == 4);
}

TEST_CASE_METHOD(CorrespondentFixture, "what is read back from the kernel is what was set, and a move is no use") {
  using forwarding::CorrespondentBindingItem;
  CHECK(path->correspondent_bindings().at({kHome, kHere}) == CorrespondentBindingItem{kCareOf, kPreviousCareOf});
  std::this_thread::sleep_for(std::chrono::milliseconds{1100});
  CHECK(idle() >= std::chrono::milliseconds{1100});
  must(path->set_correspondent_binding({kHome, kHere}, {kPreviousCareOf, kCareOf}));
  CHECK(idle() >= std::chrono::milliseconds{1100});
  in(with_option(tcp(kUp, 1000, 80)));
  CHECK(idle() < std::chrono::milliseconds{500});
  must(path->erase_correspondent_binding({kHome, kHere}));
  CHECK(path->correspondent_bindings().empty());
}

TEST_CASE_METHOD(CorrespondentFixture, "what the next daemon needs is kept beside a binding as long as that is there") {
  const forwarding::HomeAddressAndCorrespondent pair{kHome, kHere};
  const CorrespondentRegistration registration{.sequence = 65'535, .ends = TimePoint{std::chrono::hours{3}}};
  CHECK(path->correspondent_registrations().empty());
  must(path->note_correspondent_registration(pair, registration));
  CHECK(path->correspondent_registrations().at(pair) == registration);
  // Packets and moves leave it as it is, and it leaves them.
  in(with_option(tcp(kUp, 1000, 80)));
  must(path->set_correspondent_binding(pair, {kPreviousCareOf, kCareOf}));
  CHECK(path->correspondent_registrations().at(pair) == registration);
  CHECK(path->correspondent_bindings().at(pair) == forwarding::CorrespondentBindingItem{kPreviousCareOf, kCareOf});
  CHECK(idle() < std::chrono::milliseconds{1500});
  must(path->erase_correspondent_binding(pair));
  CHECK(path->correspondent_registrations().empty());
  const auto refused = path->note_correspondent_registration(pair, registration);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ENOENT);
}

TEST_CASE_METHOD(CorrespondentFixture, "an option beside others, or behind others, is passed over instead of taken off") {
  const Octets upper = udp_header_and(kUp, 1000, 53, 20);
  const Octets option = home_address_option(kUdp, kHome);
  const auto arriving = [&](std::uint8_t first, const Octets& headers) {
    const Ran ran = in(ipv6(kWireUp, first, joined(headers, upper)));
    REQUIRE(ran.verdict == kPass);
    const Read inner = read(ran.packet);
    CHECK(inner.source == kHome);
    CHECK(inner.destination == kHere);
    CHECK(inner.payload.size() == headers.size() + upper.size());
    CHECK(transport_sum(kHome, kHere, kUdp, std::span(inner.payload).subspan(headers.size())) == 0xffff);
    return inner.payload;
  };
  SECTION("behind hop-by-hop options") {
    const Octets payload = arriving(0, joined({kDestinationOptions, 0, 5, 2, 0, 0, 1, 0}, option));
    CHECK(payload[8 + 6] == 0x1e);
  }
  SECTION("beside an unknown option") {
    Octets options = option;
    options[1] = 3;
    options.insert(options.end(), {0x1f, 6, 1, 2, 3, 4, 5, 6});
    const Octets payload = arriving(kDestinationOptions, options);
    CHECK(payload[6] == 0x1e);
    CHECK(payload[24] == 0x1f);
  }
}

TEST_CASE_METHOD(CorrespondentFixture, "padding beside the option goes with it") {
  const Octets packet = udp(kUp, 1000, 53, 20);
  const auto arriving = [&](const Octets& options) {
    const Ran ran = in(ipv6(kWireUp, kDestinationOptions, joined(options, read(packet).payload)));
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == packet);
  };
  Octets single = home_address_option(kUdp, kHome);
  std::fill_n(single.begin() + 2, 4, std::uint8_t{0});  // Pad1, four times
  arriving(single);
  Octets longer = home_address_option(kUdp, kHome);
  longer[1] = 3;
  longer.insert(longer.end(), {1, 6, 0, 0, 0, 0, 0, 0});
  arriving(longer);
}

TEST_CASE_METHOD(CorrespondentFixture, "malformed and doubtful Home Address options are refused and not told") {
  const Octets upper = udp_header_and(kUp, 1000, 53, 20);
  const auto refused = [&](const Octets& packet) {
    CHECK(in(packet).verdict == kDrop);
    CHECK(read_all(*path).packets.empty());
    CHECK(counter(*path, "home_address_option_refused") == 1);
  };
  Octets option = home_address_option(kUdp, kHome);
  SECTION("wrong length") {
    option[7] = 15;
    refused(ipv6(kWireUp, kDestinationOptions, joined(option, upper)));
  }
  SECTION("longer than its header") {
    const Octets short_header{kUdp, 0, 1, 0, 0xc9, 16, 0, 0};
    refused(ipv6(kWireUp, kDestinationOptions, joined(short_header, upper)));
  }
  SECTION("two of them") {
    Octets twice = home_address_option(kDestinationOptions, kHome);
    refused(ipv6(kWireUp, kDestinationOptions, joined(twice, joined(option, upper))));
  }
  SECTION("behind the Fragment header") {
    refused(ipv6(kWireUp, kFragment, joined({kDestinationOptions, 0, 0, 1, 0, 0, 0, 7}, joined(option, upper))));
  }
  SECTION("a home address that is none") {
    const char* none = GENERATE("fe80::1", "ff02::1", "::", "::1");
    refused(ipv6(kWireUp, kDestinationOptions, joined(home_address_option(kUdp, address(none)), upper)));
  }
  SECTION("neighbour discovery") {
    const Read solicitation = read(icmpv6(kUp, 135, filler(20), 0, 255));
    refused(ipv6(kWireUp, kDestinationOptions, joined(home_address_option(kIcmpv6, kHome), solicitation.payload), 0, 255));
  }
}

TEST_CASE_METHOD(CorrespondentFixture, "what authenticates itself passes with its option, signalling goes into the ring") {
  const Octets protected_one = ipv6(kWireUp, kDestinationOptions, joined(home_address_option(50, kOtherHome), filler(40)));
  const Ran ran = in(protected_one);
  CHECK(ran.verdict == kPass);
  CHECK(ran.packet == protected_one);
  const Octets update = ipv6(kWireUp, kDestinationOptions,
                             joined(home_address_option(kMobility, kOtherHome), mobility_header({kOtherHome, kHere}, 5)));
  CHECK(in(update).verdict == kDrop);
  const auto ringed = read_all(*path);
  REQUIRE(ringed.packets.size() == 1);
  CHECK(ringed.packets[0].packet == update);
  const Octets test_init = ipv6(kWireUp, kMobility, mobility_header(kWireUp, 2));
  CHECK(in(test_init).verdict == kDrop);
  CHECK(read_all(*path).packets.size() == 1);
}

TEST_CASE_METHOD(CorrespondentFixture, "fragments are permitted one by one") {
  const auto fragment = [&](const Ends& ends, std::size_t offset) {
    Octets header{kUdp, 0, 0, 0, 0, 0, 0, 9};
    put16(header, 2, static_cast<std::uint32_t>(offset));
    return ipv6(ends, kFragment, joined(header, filler(80)));
  };
  for (std::size_t offset : {1, 80}) {
    const Octets packet = fragment(kUp, offset);
    const Ran ran = in(with_option(packet));
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == packet);
    CHECK(in(with_option(packet, address("2001:db8:21::3"))).verdict == kDrop);
  }
}

TEST_CASE_METHOD(CorrespondentFixture, "a correspondent node has no home address: type 2 routing headers are dropped") {
  const Ends ends{address("2001:db8:6::9"), kHere};
  const Octets packet = ipv6(ends, kRouting, joined(type_2_routing_header(kUdp, kHere), udp_header_and(ends, 1, 2, 10)));
  CHECK(in(packet).verdict == kDrop);
  CHECK(counter(*path, "routing_header_refused") == 1);
  const Ends others{address("2001:db8:6::9"), address("2001:db8:7::9")};
  const Octets theirs = ipv6(others, kRouting, joined(type_2_routing_header(kUdp, kHere), udp_header_and(others, 1, 2, 10)));
  CHECK(in(theirs).verdict == kPass);
}

TEST_CASE_METHOD(CorrespondentFixture, "options to others pass untouched") {
  const Octets packet = with_option(udp({kHome, address("2001:db8:7::9")}, 1, 2));
  const Ran ran = in(packet);
  CHECK(ran.verdict == kPass);
  CHECK(ran.packet == packet);
}

TEST_CASE_METHOD(CorrespondentFixture, "a packet longer than the path carries is answered, what every link carries goes by way of the home agent") {
  const auto of_length = [&](std::size_t octets) { return out(tcp(kDown, 80, 1000, kAck, octets - 60)); };
  shell("ip link set wlan0 mtu 1400");
  CHECK(of_length(1376).packet.size() == 1400);
  const Read answer = read(of_length(1377).packet);
  CHECK(answer.source == kHere);
  CHECK(answer.destination == kHere);
  CHECK(get32(answer.payload, 4) == 1376);
  CHECK(checksum_is_right(answer));
  shell("ip link set wlan0 mtu 1290");
  CHECK(of_length(1266).packet.size() == 1290);
  CHECK(read(of_length(1267).packet).destination == kHome);
  CHECK(get32(read(of_length(1281).packet).payload, 4) == 1280);
  shell("ip link set wlan0 mtu 1500");
}

TEST_CASE_METHOD(CorrespondentFixture, "an error about a packet with a routing header reaches daemon and socket") {
  const Address router = address("2001:db8:1::1");
  const Octets sent = tcp(kDown, 80, 1000, kAck, 1340);
  const auto on_the_wire = [&](const Address& care_of) {
    return ipv6({kHere, care_of}, kRouting, joined(type_2_routing_header(kTcp, kHome), read(sent).payload));
  };
  const auto daemon_is_told = [&](const Octets& error) {
    const auto ringed = read_all(*path);
    REQUIRE(ringed.packets.size() == 1);
    CHECK(ringed.packets[0].packet == error);
  };
  SECTION("Packet Too Big") {
    const Octets error = icmpv6_error({router, kHere}, 2, 1380, on_the_wire(kCareOf));
    const Ran ran = in(error);
    REQUIRE(ran.verdict == kPass);
    daemon_is_told(error);
    const Read relayed = read(ran.packet);
    CHECK(relayed.source == router);
    CHECK(relayed.destination == kHere);
    CHECK(checksum_is_right(relayed));
    CHECK(get32(relayed.payload, 4) == 1356);
    CHECK(std::equal(relayed.payload.begin() + 8, relayed.payload.end(), sent.begin()));
    // Remembered for the binding, and told at once, also to who sends more than the link carries.
    CHECK(get32(read(out(sent).packet).payload, 4) == 1356);
    CHECK(get32(read(out(tcp(kDown, 80, 1000, kAck, 1440)).packet).payload, 4) == 1356);
  }
  SECTION("about the care-of address of before") {
    const Octets error = icmpv6_error({router, kHere}, 1, 0, on_the_wire(kPreviousCareOf));
    CHECK(in(error).verdict == kDrop);
    daemon_is_told(error);
  }
  SECTION("Parameter Problem at the routing header") {
    const Octets error = icmpv6_error({router, kHere}, 4, 42, on_the_wire(kCareOf));
    CHECK(in(error).verdict == kDrop);
    daemon_is_told(error);
  }
  SECTION("about a Binding Acknowledgement, bound or not") {
    must(path->erase_correspondent_binding({kHome, kHere}));
    const Octets acknowledgement = joined(type_2_routing_header(kMobility, kHome), mobility_header(kDown, 6));
    const Octets error = icmpv6_error({router, kHere}, 1, 0, ipv6({kHere, kCareOf}, kRouting, acknowledgement));
    CHECK(in(error).verdict == kDrop);
    daemon_is_told(error);
  }
  SECTION("about data that no binding sent: anybody can invent that") {
    must(path->erase_correspondent_binding({kHome, kHere}));
    CHECK(in(icmpv6_error({router, kHere}, 1, 0, on_the_wire(kCareOf))).verdict == kDrop);
    CHECK(read_all(*path).packets.empty());
  }
  SECTION("no routing header") {
    const Octets error = icmpv6_error({router, kHere}, 1, 0, sent);
    const Ran ran = in(error);
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == error);
    CHECK(read_all(*path).packets.empty());
  }
}

TEST_CASE_METHOD(CorrespondentFixture, "packets with a Home Address option cut anywhere do no harm") {
  const Octets whole = with_option(tcp(kUp, 1000, 80));
  for (std::size_t length = kIpv6Header; length < whole.size(); ++length) {
    INFO("cut behind " << length);
    const Ran ran = in(Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    CHECK((ran.verdict == kPass || ran.verdict == kDrop));
  }
}

TEST_CASE_METHOD(CorrespondentFixture, "where the Home Address option may stand, and beside what") {
  const Octets data = udp_header_and(kUp, 1000, 53, 20);
  // A Destination Options header of these options, filled up with padding.
  const auto header = [](std::uint8_t next_header, Octets options) {
    Octets out = joined({next_header, 0}, options);
    if (const std::size_t rest = (8 - out.size() % 8) % 8; rest == 1) {
      out.push_back(0);
    } else if (rest > 1) {
      out.insert(out.end(), {1, static_cast<std::uint8_t>(rest - 2)});
      out.resize(out.size() + rest - 2);
    }
    out[1] = static_cast<std::uint8_t>(out.size() / 8 - 1);
    return out;
  };
  const Octets option = [] {
    const Octets whole = home_address_option(0, kHome);
    return Octets(whole.begin() + 6, whole.end());
  }();
  const Octets ignored{0x1f, 2, 7, 7}, pad_1s(10);
  const auto arrives = [&](std::uint8_t first, const Octets& headers) {
    const Ran ran = in(ipv6(kWireUp, first, joined(headers, data)));
    CHECK(ran.verdict == kPass);
    CHECK(read(ran.packet).source == kHome);
    CHECK(counter(*path, "route_optimized_in") == 1);
    return ran.packet;
  };
  const auto stays = [&](std::uint8_t first, const Octets& headers) {  // another option stands where it stood
    const Octets packet = arrives(first, headers);
    CHECK(packet.size() == kIpv6Header + headers.size() + data.size());
    CHECK(std::search(packet.begin(), packet.end(), option.begin(), option.begin() + 2) == packet.end());
    CHECK(std::search(packet.begin(), packet.end(), option.begin() + 2, option.end()) != packet.end());
    CHECK(transport_sum(kHome, kHere, kUdp, std::span(packet).subspan(kIpv6Header + headers.size())) == 0xffff);
  };
  const auto refused = [&](std::uint8_t first, const Octets& headers) {
    CHECK(in(ipv6(kWireUp, first, headers)).verdict == kDrop);
    CHECK(counter(*path, "home_address_option_refused") == 1);
  };
  const auto passes = [&](std::uint8_t first, const Octets& headers) {
    const Octets packet = ipv6(kWireUp, first, headers);
    const Ran ran = in(packet);
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == packet);
    CHECK(counter(*path, "route_optimized_in") == 0);
  };
  SECTION("in front of an option") { stays(kDestinationOptions, header(kUdp, joined(option, ignored))); }
  SECTION("behind an option") { stays(kDestinationOptions, header(kUdp, joined(ignored, option))); }
  SECTION("behind padding, octet by octet") { CHECK(arrives(kDestinationOptions, header(kUdp, joined(pad_1s, option))).size() == kIpv6Header + data.size()); }
  SECTION("in front of more padding than is looked through") { stays(kDestinationOptions, header(kUdp, joined(option, Octets(12)))); }
  SECTION("behind more padding than is looked through: nobody sees it") { passes(kDestinationOptions, joined(header(kUdp, joined(Octets(12), option)), data)); }
  SECTION("in the second header") { stays(kDestinationOptions, joined(header(kDestinationOptions, ignored), header(kUdp, option))); }
  SECTION("in front of a second header") {
    const Octets second = header(kUdp, ignored);
    CHECK(arrives(kDestinationOptions, joined(header(kDestinationOptions, option), second)) == ipv6(kUp, kDestinationOptions, joined(second, data)));
  }
  SECTION("behind a routing header without segments left") {
    stays(kRouting, joined({kDestinationOptions, 0, 4, 0, 0, 0, 0, 0}, header(kUdp, option)));
  }
  SECTION("in no header") { passes(kDestinationOptions, joined(header(kUdp, ignored), data)); }
  SECTION("in front of a header that authenticates the packet") {
    const auto authenticated = static_cast<std::uint8_t>(GENERATE(50, 51));
    passes(kDestinationOptions, joined(header(authenticated, option), filler(40)));
  }
  SECTION("behind a later fragment's header there are no headers") {
    passes(kDestinationOptions, joined(empty_options(kFragment), joined({kDestinationOptions, 0, 0, 8, 0, 0, 0, 7}, joined(header(kUdp, option), data))));
  }
  SECTION("further behind than headers are looked through") {
    Octets headers = header(kUdp, option);
    for (int i = 0; i < 6; ++i) headers = joined(empty_options(kDestinationOptions), headers);
    passes(kDestinationOptions, joined(headers, data));
  }
  SECTION("as far behind as headers are looked through") {
    Octets headers = header(kUdp, option);
    for (int i = 0; i < 5; ++i) headers = joined(empty_options(kDestinationOptions), headers);
    stays(kDestinationOptions, headers);
  }
  SECTION("cut") {
    const Octets whole = header(59, option);
    for (std::size_t octets = 8 + 2; octets < 2 + 18; ++octets) CHECK(in(ipv6(kWireUp, kDestinationOptions, front_of(whole, octets))).verdict == kDrop);
    CHECK(counter(*path, "home_address_option_refused") == 10);
  }
  SECTION("cut in front of it") { passes(kDestinationOptions, {59, 3, 1, 4, 0, 0, 0, 0}); }
  SECTION("cut behind its type") { passes(kDestinationOptions, {59, 3, 1, 3, 0, 0, 0, 0xc9}); }
  SECTION("longer than its header by an octet") {
    Octets moved = header(kUdp, joined({0, 0, 0, 0}, option));
    REQUIRE(moved.size() == 24);
    moved.insert(moved.begin() + 2, 0);
    moved.pop_back();
    refused(kDestinationOptions, joined(moved, data));
  }
}

TEST_CASE_METHOD(CorrespondentFixture, "of a long packet with an unknown home address the daemon gets as much as it can hold") {
  const Octets packet = with_option(udp({kOtherHome, kHere}, 1000, 53, 2100));
  CHECK(in(packet).verdict == kDrop);
  const auto ringed = read_all(*path);
  REQUIRE(ringed.packets.size() == 1);
  CHECK(ringed.packets[0].packet == front_of(packet, 2048));
}

TEST_CASE_METHOD(CorrespondentFixture, "what nobody can be told of is dropped: errors that are too long, and what has no route") {
  SECTION("too long for the direct path") {
    CHECK(out(icmpv6(kDown, 1, filler(1473))).verdict == kDrop);
    CHECK(out(icmpv6(kDown, 128, filler(1473))).verdict == kRedirect);
    CHECK(counter(*path, "too_big") == 2);
  }
  SECTION("too long for the way to a home address that is not bound") {
    shell("ip link set wlan0 mtu 1400");
    const Ends plain{kHere, kOtherHome};
    const Octets fits = udp(plain, 1, 2, 1400 - 48);
    CHECK(out(fits).packet == fits);
    const Read answer = read(out(udp(plain, 1, 2, 1401 - 48)).packet);
    CHECK(answer.payload[0] == 2);
    CHECK(get32(answer.payload, 4) == 1400);
    CHECK(out(icmpv6(plain, 1, filler(1400))).verdict == kDrop);
    shell("ip link set wlan0 mtu 1500");
    CHECK(counter(*path, "too_big") == 2);
  }
  SECTION("no route to the care-of address") {
    shell("ip -6 route add unreachable 2001:db8:21::/64");
    CHECK(out(tcp(kDown, 80, 1000)).verdict == kDrop);
    shell("ip -6 route del unreachable 2001:db8:21::/64");
    CHECK(counter(*path, "no_route") == 1);
  }
  SECTION("no route to a home address that is not bound") {
    shell("ip -6 route add unreachable 2001:db8:100::2/128");
    CHECK(out(tcp({kHere, kOtherHome}, 80, 1000)).verdict == kDrop);
    shell("ip -6 route del unreachable 2001:db8:100::2/128");
    CHECK(counter(*path, "no_route") == 1);
  }
}

TEST_CASE_METHOD(CorrespondentFixture, "a packet leaves the same way whether the neighbour is known or not") {
  const Octets before = out(tcp(kDown, 80, 1000)).packet;
  shell("ip -6 neigh replace 2001:db8:1::1 lladdr 02:00:00:00:00:99 dev wlan0");
  const Ran ran = out(tcp(kDown, 80, 1000));
  shell("ip -6 neigh del 2001:db8:1::1 dev wlan0");
  CHECK(ran.verdict == kRedirect);
  CHECK(ran.packet == before);
}

TEST_CASE_METHOD(CorrespondentFixture, "errors that only look as if they were about a routing header are not for us") {
  const Octets on_the_wire = ipv6({kHere, kCareOf}, kRouting, joined(type_2_routing_header(kTcp, kHome), read(tcp(kDown, 80, 1000)).payload));
  const auto about = [&](std::size_t place, std::uint8_t value) {
    Octets changed = on_the_wire;
    changed[place] = value;
    const Octets error = icmpv6_error({address("2001:db8:1::1"), kHere}, 1, 0, changed);
    const Ran ran = in(error);
    CHECK(ran.verdict == kPass);
    CHECK(ran.packet == error);
    CHECK(read_all(*path).packets.empty());
  };
  SECTION("a longer header") { about(kIpv6Header + 1, 4); }
  SECTION("another type of routing header") { about(kIpv6Header + 2, 4); }
  SECTION("another source") { about(8 + 15, 0x77); }
  SECTION("another header") { about(6, kDestinationOptions); }
}

TEST_CASE_METHOD(CorrespondentFixture, "an error about signalling to a bound home address is the daemon's alone") {
  const Octets message = joined(type_2_routing_header(kMobility, kHome), mobility_header(kDown, 6));
  const Octets error = icmpv6_error({address("2001:db8:1::1"), kHere}, 1, 0, ipv6({kHere, kCareOf}, kRouting, message));
  CHECK(in(error).verdict == kDrop);
  CHECK(read_all(*path).packets.size() == 1);
  CHECK(counter(*path, "errors_translated") == 0);
}
