// SPDX-License-Identifier: GPL-3.0-or-later
// What is written comes back when it is read; that the kernel understands it too is for the system tests.
#include "rtnetlink_codec.hpp"

#include <catch2/catch.hpp>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cstring>

using namespace mipflow;
using namespace mipflow::platform;

namespace {

const Address kAddress = *Address::parse("2001:db8:1::100");
const Address kRouter = *Address::parse("fe80::1");

}  // namespace

TEST_CASE("an address comes back with all 32 flags") {
  const InterfaceAddress address{.interface = 7, .address = kAddress, .prefix_length = 128, .flags = 0x202 | 0x800, .preferred = 0};
  const auto message = encode(Change::Add, address);
  CHECK(message.raw().nlmsg_type == RTM_NEWADDR);
  CHECK(decode_address(message.raw()) == address);
}

TEST_CASE("a route comes back") {
  const Route route{.destination = *Prefix::parse("2001:db8:2::/48"), .gateway = kRouter, .interface = 3, .table = 6275, .protocol = 75,
                    .metric = 77, .preferred_source = kAddress, .mtu = 1460};
  const auto message = encode(Change::Add, route);
  REQUIRE(decode_route(message.raw()).size() == 1);
  CHECK(decode_route(message.raw()).front() == route);
}

TEST_CASE("a rule comes back, with and without each selector") {
  Rule rule{.preference = 6275, .table = 6275, .protocol = 75};
  const auto check = [&] { CHECK(decode_rule(encode(Change::Add, rule).raw()) == rule); };
  check();
  rule.from = Prefix(kAddress, 128);
  check();
  rule.to = *Prefix::parse("2001:db8::/32");
  check();
  rule.mark = rule.mark_mask = 0x1000'0000;
  rule.inverted = true;
  check();
  rule.mark = 0;  // none of the bits of the mask
  check();
  rule.input_interface = "lo";
  check();
  rule.suppress_prefix_length = 0;
  check();
  rule.table = 254;
  check();
}

TEST_CASE("a proxied neighbour comes back") {
  const Neighbour neighbour{.interface = 4, .address = kAddress, .proxy = true, .protocol = 75};
  CHECK(decode_neighbour(encode(Change::Add, neighbour).raw()) == neighbour);
}

TEST_CASE("a route with several next hops is as many routes") {
  NetlinkMessage message(RTM_NEWROUTE, 0);
  auto& header = message.header<rtmsg>();
  header.rtm_family = AF_INET6;
  header.rtm_type = RTN_UNICAST;
  header.rtm_table = RT_TABLE_MAIN;
  // rtnexthop and RTA_GATEWAY twice
  std::vector<std::uint8_t> hops;
  for (const int interface : {3, 5}) {
    rtnexthop hop{};
    hop.rtnh_len = sizeof hop + 20;
    hop.rtnh_ifindex = interface;
    const rtattr gateway{20, RTA_GATEWAY};
    const auto append = [&](const void* data, std::size_t size) {
      hops.insert(hops.end(), static_cast<const std::uint8_t*>(data), static_cast<const std::uint8_t*>(data) + size);
    };
    append(&hop, sizeof hop);
    append(&gateway, sizeof gateway);
    append(kRouter.octets.data(), 16);
  }
  message.put(RTA_MULTIPATH, hops.data(), hops.size());
  const auto routes = decode_route(message.raw());
  REQUIRE(routes.size() == 2);
  CHECK(routes[0].interface == 3);
  CHECK(routes[1].interface == 5);
  CHECK(routes[1].gateway == kRouter);
}

TEST_CASE("messages about something else are not taken for ours") {
  auto message = encode(Change::Add, Route{.interface = 1});
  CHECK_FALSE(decode_address(message.raw()));
  CHECK_FALSE(decode_rule(message.raw()));
  CHECK_FALSE(decode_neighbour(message.raw()));
  CHECK_FALSE(decode_link(message.raw()));
  reinterpret_cast<rtmsg*>(&message.raw() + 1)->rtm_family = AF_INET;
  CHECK(decode_route(message.raw()).empty());
}

TEST_CASE("messages that are cut or filled with anything do no harm") {
  const auto whole = encode(Change::Add, Route{.destination = *Prefix::parse("2001:db8:2::/48"), .gateway = kRouter, .interface = 3, .mtu = 1400});
  const auto read_all = [](const nlmsghdr& message) {
    decode_link(message);
    decode_address(message);
    decode_route(message);
    decode_rule(message);
    decode_neighbour(message);
  };
  std::vector<std::uint8_t> copy(whole.raw().nlmsg_len);
  for (std::uint32_t length = sizeof(nlmsghdr); length <= whole.raw().nlmsg_len; ++length)
    for (const std::uint16_t type : {RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWRULE, RTM_NEWNEIGH}) {
      std::memcpy(copy.data(), &whole.raw(), copy.size());
      auto& message = *reinterpret_cast<nlmsghdr*>(copy.data());
      message.nlmsg_len = length;
      message.nlmsg_type = type;
      read_all(message);
    }
  SUCCEED("no sanitizer complained");
}
