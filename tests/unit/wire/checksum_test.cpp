// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/checksum.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/mobility_header.hpp"
#include "mipflow/wire/packet.hpp"
#include "vectors.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

namespace {

// The definition written down: RFC 8200 §8.1, one 16-bit word after the other with the carry added at once.
std::uint16_t by_the_definition(std::uint8_t protocol, const Address& source, const Address& destination, Bytes data) {
  Writer all;
  all.address(source);
  all.address(destination);
  all.u32(static_cast<std::uint32_t>(data.size()));
  all.u32(protocol);
  all.bytes(data);
  if (all.size() % 2) all.u8(0);
  std::uint32_t sum = 0;
  for (Reader reader(all.view()); reader.remaining() > 0;) {
    sum += reader.u16();
    if (sum > 0xffff) sum -= 0xffff;
  }
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

TEST_CASE("the checksum is the one of the definition, for every length") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (std::size_t length = 0; length < 1500; ++length) {
    Bytes data(length);
    for (auto& octet : data) octet = static_cast<std::uint8_t>(random());
    Address source;
    Address destination;
    for (auto& octet : source.octets) octet = static_cast<std::uint8_t>(random());
    for (auto& octet : destination.octets) octet = static_cast<std::uint8_t>(random());
    CHECK(upper_layer_checksum(135, source, destination, data) == by_the_definition(135, source, destination, data));
  }
}

TEST_CASE("the largest sum does not overflow") {
  Address ones;
  ones.octets.fill(0xff);
  const Bytes data(65'535, 0xff);
  CHECK(upper_layer_checksum(255, ones, ones, data) == by_the_definition(255, ones, ones, data));
}

TEST_CASE("vectors: right where the file says so, with the substituted addresses") {
  std::size_t compared = 0;
  for (const Vector& vector : all_vectors()) {
    if (!vector.whole.contains("checksum_ok") || vector.whole.at("checksum_ok").is_null()) continue;
    const auto view = parse_packet(vector.packet);
    if (!view || view->truncated) continue;
    INFO(vector.name);
    // A Mobility Header that is longer than its packet has no checksum to speak of.
    if (vector.name == "mh_length_beyond_packet") continue;
    const bool right =
        upper_layer_checksum(view->protocol, view->logical_source(), view->logical_destination(), view->payload) == 0;
    CHECK(right == vector.whole.at("checksum_ok").get<bool>());
    ++compared;
  }
  CHECK(compared >= 65);
}
