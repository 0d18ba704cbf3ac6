// SPDX-License-Identifier: GPL-3.0-or-later
// Peers choose addresses and ports: patterns that somebody can easily make must not fall into few buckets.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "mipflow/base/flow_key.hpp"

using namespace mipflow;

namespace {

// Loads of 2^bits buckets, taken from the low bits as a power-of-two table would and from a prime as libstdc++ does.
template <class Key, class Make>
void check_spread(std::size_t count, Make make) {
  for (const std::size_t buckets : {std::size_t{1024}, std::size_t{1031}}) {
    std::vector<std::size_t> load(buckets);
    for (std::size_t i = 0; i < count; ++i) ++load[std::hash<Key>{}(make(i)) % buckets];
    const std::size_t mean = count / buckets;
    // Five standard deviations of a binomial around 64 are 40.
    CHECK(*std::max_element(load.begin(), load.end()) < mean + 45);
    CHECK(*std::min_element(load.begin(), load.end()) + 45 > mean);
  }
}

constexpr std::size_t kCount = 65'536;

Address counted(std::size_t i, std::size_t low_octet, std::size_t high_octet) {
  Address value = *Address::parse("2001:db8::1");
  value.octets[low_octet] = static_cast<std::uint8_t>(i);
  value.octets[high_octet] = static_cast<std::uint8_t>(i >> 8);
  return value;
}

}  // namespace

TEST_CASE("addresses that count in any two octets spread") {
  for (std::size_t low = 0; low < 16; ++low)
    for (std::size_t high : {(low + 1) % 16, (low + 8) % 16}) {
      INFO("octets " << low << " and " << high);
      check_spread<Address>(kCount, [&](std::size_t i) { return counted(i, low, high); });
    }
}

TEST_CASE("addresses whose halves change alike spread") {
  // An exclusive-or of the halves would give one and the same value for all of them.
  check_spread<Address>(kCount, [](std::size_t i) {
    Address value;
    for (const std::size_t at : {6u, 14u}) {
      value.octets[at] = static_cast<std::uint8_t>(i >> 8);
      value.octets[at + 1] = static_cast<std::uint8_t>(i);
    }
    return value;
  });
}

TEST_CASE("flow keys spread over ports and over addresses") {
  const Address here = *Address::parse("2001:db8:100::100");
  const Address there = *Address::parse("2001:db8:300::7");
  check_spread<FlowKey>(kCount, [&](std::size_t i) {
    return FlowKey{here, there, static_cast<std::uint16_t>(i), 443, kProtocolTcp};
  });
  check_spread<FlowKey>(kCount, [&](std::size_t i) {
    return FlowKey{here, there, 40000, static_cast<std::uint16_t>(i), kProtocolUdp};
  });
  check_spread<FlowKey>(kCount, [&](std::size_t i) {
    return FlowKey{here, there, static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(i), kProtocolUdp};
  });
  check_spread<FlowKey>(kCount, [&](std::size_t i) { return FlowKey{counted(i, 15, 14), counted(i, 15, 14), 1, 2, 17}; });
}

TEST_CASE("each part of a flow key counts") {
  const Address here = *Address::parse("2001:db8:100::100");
  const Address there = *Address::parse("2001:db8:300::7");
  const FlowKey key{here, there, 1, 2, 6};
  const auto hash = std::hash<FlowKey>{};
  CHECK(hash(key) == hash(FlowKey{here, there, 1, 2, 6}));
  for (const FlowKey& other : {FlowKey{there, here, 1, 2, 6}, FlowKey{here, there, 2, 1, 6}, FlowKey{here, there, 1, 2, 17},
                               FlowKey{here, here, 1, 2, 6}, FlowKey{here, there, 1, 0x0206, 0}})
    CHECK(hash(other) != hash(key));
}
