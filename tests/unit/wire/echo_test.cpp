// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <random>

#include "mipflow/wire/echo.hpp"
#include "support/seed.hpp"

namespace mipflow::wire {
namespace {

const Address kSource = Address::parse("2001:db8:a::10").value();
const Address kDestination = Address::parse("2001:db8:1::1").value();
const Echo kRequest{.reply = false, .identifier = 0x1234, .sequence = 0x0102, .data = {0xde, 0xad, 0xbe}};

std::optional<Echo> decode(BytesView packet) {
  const auto view = parse_packet(packet);
  return view ? decode_echo(*view) : std::nullopt;
}

}  // namespace

TEST_CASE("an Echo Request, octet by octet", "[echo]") {
  const Bytes packet = build_packet({.source = kSource, .destination = kDestination}, kRequest);
  REQUIRE(packet.size() == 40 + 8 + 3);
  const Bytes expected{128, 0, 0x74, 0x47, 0x12, 0x34, 0x01, 0x02, 0xde, 0xad, 0xbe};
  CHECK(Bytes(packet.begin() + 40, packet.end()) == expected);
  CHECK(packet[6] == 58);
}

TEST_CASE("what was built is read again, with and without mobility headers", "[echo]") {
  Echo reply = kRequest;
  reply.reply = true;
  const Envelope plain{.source = kSource, .destination = kDestination};
  const Envelope mobile{.source = kSource,
                        .destination = kDestination,
                        .home_address_option = Address::parse("2001:db8:1::100"),
                        .routing_header_home_address = Address::parse("2001:db8:1::200")};
  for (const auto& envelope : {plain, mobile})
    for (const auto& echo : {kRequest, reply, Echo{}}) CHECK(decode(build_packet(envelope, echo)) == echo);
}

TEST_CASE("what is cut, altered or something else is no echo", "[echo][random]") {
  const Bytes packet = build_packet({.source = kSource, .destination = kDestination}, kRequest);
  for (std::size_t length = 0; length < packet.size(); ++length)
    CHECK_FALSE(decode(BytesView(packet).first(length)));
  std::mt19937_64 random(test::seed("echo_test"));
  for (int run = 0; run < 2'000; ++run) {
    Bytes altered = packet;
    // Behind the first eight octets: some of what stands there no checksum covers.
    const std::size_t at = 8 + random() % (packet.size() - 8);
    altered[at] = static_cast<std::uint8_t>(altered[at] ^ (1u << random() % 8));
    CHECK_FALSE(decode(altered));
  }
  for (const unsigned type : {0u, 127u, 130u, 255u}) {
    Bytes other = packet;
    other[40] = static_cast<std::uint8_t>(type);
    CHECK_FALSE(decode(other));
  }
}

}  // namespace mipflow::wire
