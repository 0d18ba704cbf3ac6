// SPDX-License-Identifier: GPL-3.0-or-later
// Every well-formed packet of vectors.json: what we read in it is what tshark reads in it, and written again it is the
// same packet.
#include <catch2/catch.hpp>
#include <set>

#include "mipflow/wire/packet.hpp"
#include "tshark_view.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

Envelope envelope_of(const PacketView& view) {
  return {view.source, view.destination, view.home_address_option, view.routing_header_home_address, view.hop_limit};
}

// Decodes as far as we understand the packet and builds it again from the values.
Bytes built_again(const Bytes& packet) {
  const auto view = parse_packet(packet);
  REQUIRE(view);
  const auto signalling = decode_packet(packet);
  if (signalling)
    return std::visit([&](const auto& message) { return build_packet(envelope_of(*view), message); }, signalling->message);
  INFO(to_string(signalling.error().kind) << " at " << signalling.error().offset);
  REQUIRE(signalling.error().kind == DecodeErrorKind::NotMobileIpv6);
  if (view->protocol == kProtocolIpv6)
    return encapsulate(built_again(Bytes(view->payload.begin(), view->payload.end())), view->source, view->destination);
  return build_packet_around(envelope_of(*view), view->protocol, view->payload);
}

}  // namespace

TEST_CASE("the file holds the packets that the tests count on") {
  REQUIRE(all_vectors().size() == 79);
  REQUIRE(std::ranges::count_if(all_vectors(), &Vector::malformed) == 22);
}

TEST_CASE("what we decode is what tshark decodes") {
  for (const Vector& vector : all_vectors()) {
    if (vector.malformed) continue;
    INFO(vector.name);
    const auto ours = tshark_view(vector.packet);
    std::size_t compared = 0;
    for (const auto& [field, value] : vector.whole.at("tshark").items()) {
      if (!is_our_business(field)) continue;
      INFO(field);
      const auto found = ours.find(field);
      REQUIRE(found != ours.end());
      CHECK(found->second == value.get<std::string>());
      ++compared;
    }
    CHECK(compared >= 3);  // source, destination and hop limit of every packet
  }
}

TEST_CASE("a packet built from its values is the packet") {
  // What no role of ours sends: the Tunnel Encapsulation Limit option, fragments, Default Router Preference (RFC 4191).
  const std::set<std::string> not_ours{"tunnel_encap_limit", "hao_before_fragment", "ra_home_agent"};
  for (const Vector& vector : all_vectors()) {
    if (vector.malformed || not_ours.contains(vector.name)) continue;
    INFO(vector.name);
    CHECK(to_hex(built_again(vector.packet)) == to_hex(vector.packet));
  }
}

TEST_CASE("no cut of a good packet is taken for a signalling message") {
  for (const Vector& vector : all_vectors()) {
    if (vector.malformed || !decode_packet(vector.packet)) continue;
    for (std::size_t length = 0; length < vector.packet.size(); ++length) {
      INFO(vector.name << " cut to " << length);
      const auto decoded = decode_packet(BytesView(vector.packet).first(length));
      REQUIRE(!decoded);
      CHECK(decoded.error().kind == DecodeErrorKind::Truncated);
      CHECK(decoded.error().offset <= length);
    }
  }
}

TEST_CASE("no packet with one flipped bit ends the decoder, and no changed Mobility Header passes") {
  for (const Vector& vector : all_vectors()) {
    const auto original = parse_packet(vector.packet);
    if (vector.malformed || !original || original->protocol != kProtocolMobilityHeader) continue;
    Bytes packet = vector.packet;
    for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
      packet[bit / 8] = static_cast<std::uint8_t>(packet[bit / 8] ^ (1u << bit % 8));
      const auto decoded = decode_packet(packet);
      if (bit / 8 >= original->payload_offset) {
        INFO(vector.name << " bit " << bit);
        CHECK(!decoded);
      }
      packet[bit / 8] = static_cast<std::uint8_t>(packet[bit / 8] ^ (1u << bit % 8));
    }
  }
}
