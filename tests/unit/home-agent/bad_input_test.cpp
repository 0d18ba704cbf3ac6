// SPDX-License-Identifier: GPL-3.0-or-later
// Whatever comes from the network that nobody with the key made: it changes nothing, it ends nothing.
#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "support/seed.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;

namespace {

// Everything that the home agent reads, in good form.
std::vector<Bytes> good_packets(const Fixture& f) {
  const wire::MobilePrefixSolicitation solicitation{.identifier = 1};
  const Bytes inner = wire::build_packet_around({kCorrespondent, kPrimary}, kProtocolUdp, Bytes(100, 1));
  return {
      f.packet_of({.sequence = 16}),
      f.packet_of({.home_address = kDynamic, .link_local = true}),
      f.packet_of({.sequence = 17, .lifetime_units = 0}),
      wire::build_packet_around({kCareOf1, kHomeAgent, kPrimary}, kProtocolIcmpv6,
                                wire::encode_signed(solicitation, 1000, Fixture::key_of(kPrimary),
                                                    wire::ntp_timestamp(f.now.wall), kCareOf1, kPrimary, kHomeAgent,
                                                    kPrimary, kHomeAgent)),
      wire::build_packet({kCareOf1, kHomeAgent}, wire::HomeAgentAddressDiscoveryRequest{.identifier = 5}),
      wire::build_packet({address("2001:db8:9::9"), kHomeAgent},
                         wire::Icmpv6Error{2, 0, 1300, wire::encapsulate(inner, kHomeAgent, kCareOf1)}),
      wire::build_packet({address("fe80::9"), address("ff02::1")},
                         wire::NeighborAdvertisement{.override_flag = true, .target = kPrimary}),
      wire::build_packet({kCareOf1, kHomeAgent}, wire::HomeTestInit{.home_init_cookie = 1}),
  };
}

// Bytes that checksums and authenticators have no say in are the addresses of the outer header's source (where answers
// go) and a few of its fields; so a mutation only has to leave the bindings alone.
Bytes mutated(Bytes packet, RandomSource& random) {
  switch (random.next_u64() % 4) {
    case 0:
      packet.resize(random.next_u64() % packet.size());
      break;
    case 1:
      for (std::uint64_t i = 0; i < 1 + random.next_u64() % 40; ++i) packet.push_back(static_cast<std::uint8_t>(random.next_u64()));
      break;
    default:
      for (std::uint64_t i = 0; i < 1 + random.next_u64() % 4; ++i)
        packet[24 + random.next_u64() % (packet.size() - 24)] ^= static_cast<std::uint8_t>(1u << random.next_u64() % 8);
      break;
  }
  // Half of them with a right checksum, to get behind it.
  const auto view = wire::parse_packet(packet);
  if (view && view->protocol == kProtocolMobilityHeader && random.next_u64() % 2 == 0 && view->payload.size() >= 8) {
    Bytes header(view->payload.begin(), view->payload.end());
    wire::fill_checksum(header, view->logical_source(), view->logical_destination());
    std::ranges::copy(header, packet.begin() + static_cast<std::ptrdiff_t>(view->payload_offset));
  }
  return packet;
}

// Bits behind the payload, or of padding in front of it, make no difference to the message.
bool says_the_same(const Bytes& good, const Bytes& bad) {
  const auto a = wire::parse_packet(good);
  const auto b = wire::parse_packet(bad);
  return b && a->logical_source() == b->logical_source() && a->destination == b->destination &&
         std::ranges::equal(a->payload, b->payload);
}

}  // namespace

TEST_CASE("mutated packets change no binding") {
  SeededRandom random(mipflow::test::seed("mutated packets"));
  for (const bool real_link : {true, false}) {
    Fixture f(real_link ? Fixture::default_configuration() : Fixture::on_virtual_home_link());
    f.establish({});
    f.advance(10s);
    const auto packets = good_packets(f);
    const auto before = f.fingerprint();
    for (int i = 0; i < 20'000; ++i) {
      const Bytes& good = packets[random.next_u64() % packets.size()];
      Bytes bad = mutated(good, random);
      if (says_the_same(good, bad)) continue;
      f.send_packet(std::move(bad), random.next_u64() % 2 ? kOutside : kHomeInterface);
      REQUIRE(f.fingerprint() == before);
    }
    f.take_sent();
  }
}

TEST_CASE("random octets change nothing") {
  SeededRandom random(mipflow::test::seed("random octets"));
  Fixture f;
  f.establish({});
  const auto before = f.fingerprint();
  for (int i = 0; i < 20'000; ++i) {
    Bytes packet(random.next_u64() % 200);
    for (auto& octet : packet) octet = static_cast<std::uint8_t>(random.next_u64());
    if (!packet.empty() && i % 2 == 0) packet[0] = 0x60;
    f.send_packet(std::move(packet));
  }
  CHECK(f.fingerprint() == before);
  CHECK(f.take_acknowledgements().size() <= 1);
}
