// SPDX-License-Identifier: GPL-3.0-or-later
// The lab's bad network: what it says it does to packets is what becomes of them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>

#include "impairment.hpp"
#include "mipflow/wire/udp.hpp"
#include "packet_log.hpp"

using namespace mipflow;
using namespace mipflow::lab;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint kBegin{1000s};
constexpr int kPackets = 20000;

Bytes numbered(int number) {
  Writer writer;
  writer.u32(static_cast<std::uint32_t>(number));
  return writer.take();
}
int number_of(const Bytes& packet) { return static_cast<int>(Reader(packet).u32()); }

// One packet each millisecond; {number of each packet that came out, in order}.
std::vector<int> send_through(Impairment& network) {
  std::vector<int> out;
  TimePoint now = kBegin;
  const auto take = [&] {
    while (const auto packet = network.take_due(now)) out.push_back(number_of(*packet));
  };
  for (int number = 0; number < kPackets; ++number, now += 1ms) {
    network.receive(numbered(number), now);
    take();
  }
  while (network.next_due() != kNever) {
    now = network.next_due();
    take();
  }
  return out;
}

// Within five standard deviations of a binomial distribution.
void check_part(std::uint64_t count, double of, double probability) {
  const double deviation = std::sqrt(of * probability * (1 - probability));
  CHECK(std::abs(static_cast<double>(count) - of * probability) <= 5 * deviation);
}

}  // namespace

TEST_CASE("A network without faults passes packets in their order, after its delay") {
  SeededRandom random(1);
  Impairment network({.delay = 5ms}, random);
  CHECK(network.next_due() == kNever);
  CHECK(network.receive(numbered(1), kBegin) == Fate::Passed);
  CHECK(network.receive(numbered(2), kBegin) == Fate::Passed);
  CHECK(network.next_due() == kBegin + 5ms);
  CHECK(!network.take_due(kBegin + 5ms - 1ns));
  CHECK(network.take_due(kBegin + 5ms) == numbered(1));
  CHECK(network.take_due(kBegin + 5ms) == numbered(2));
  CHECK(!network.take_due(kBegin + 1h));
}

TEST_CASE("Counters of a bad network are those of its packets") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  SeededRandom random(seed);
  const ImpairmentProfile profile{.loss = 0.1, .duplicate = 0.05, .reorder = 0.2, .reorder_by = 20ms};
  Impairment network(profile, random);
  const auto out = send_through(network);
  const auto& counters = network.counters();

  CHECK(counters.received == kPackets);
  CHECK(counters.received_octets == 4 * kPackets);
  CHECK(counters.received == counters.lost + counters.crowded_out + counters.passed);
  CHECK(counters.crowded_out == 0);
  CHECK(out.size() == counters.passed + counters.duplicated);
  std::map<int, int> copies;
  for (const int number : out) ++copies[number];
  CHECK(copies.size() == counters.passed);
  CHECK(static_cast<std::uint64_t>(std::ranges::count_if(copies, [](const auto& entry) { return entry.second == 2; })) == counters.duplicated);
  check_part(counters.lost, kPackets, profile.loss);
  check_part(counters.duplicated, static_cast<double>(counters.passed), profile.duplicate);
  check_part(counters.reordered, static_cast<double>(out.size()), profile.reorder);
  std::uint64_t overtaken = 0;
  int highest = -1;
  for (const int number : out) {
    if (number < highest) ++overtaken;
    highest = std::max(highest, number);
  }
  CHECK(overtaken > counters.reordered / 2);
  CHECK(overtaken <= counters.reordered);
}

TEST_CASE("The same seed gives every packet the same fate") {
  const ImpairmentProfile profile{.loss = 0.3, .duplicate = 0.1, .reorder = 0.2, .reorder_by = 20ms};
  SeededRandom one(42);
  SeededRandom two(42);
  SeededRandom other(43);
  Impairment first(profile, one);
  Impairment second(profile, two);
  Impairment third(profile, other);
  const auto out = send_through(first);
  CHECK(out == send_through(second));
  CHECK(out != send_through(third));
}

TEST_CASE("A network that is full says which packets it dropped") {
  SeededRandom random(1);
  Impairment network({.duplicate = 1, .delay = 1s, .most_held = 3}, random);
  CHECK(network.receive(numbered(1), kBegin) == Fate::Duplicated);
  CHECK(network.receive(numbered(2), kBegin) == Fate::CrowdedOut);
  CHECK(network.counters().crowded_out == 1);
  CHECK(network.take_due(kBegin + 1s) == numbered(1));
  CHECK(network.receive(numbered(3), kBegin + 1s) == Fate::Duplicated);
}

TEST_CASE("Packets are told by what is in their tunnels") {
  const Address outer_source = *Address::parse("2001:db8:1::1");
  const Address outer_destination = *Address::parse("2001:db8:2::2");
  const Bytes data{1, 2, 3, 4};
  const Bytes plain = wire::build_udp_packet({.source = outer_source, .destination = outer_destination}, 1000, 2000, data);
  const Bytes tunnelled = wire::encapsulate(wire::encapsulate(plain, outer_source, outer_destination), outer_source, outer_destination);
  for (const Bytes& packet : {plain, tunnelled}) {
    const auto inner = innermost_packet(packet);
    CHECK(inner.protocol == 17);
    CHECK(inner.source_port == 1000);
    CHECK(inner.destination_port == 2000);
    CHECK(Bytes(inner.data.begin(), inner.data.end()) == data);
    for (std::size_t length = 0; length < packet.size(); ++length) {
      const Bytes cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length));
      CHECK(innermost_packet(cut).data.size() <= data.size());
    }
  }
  Bytes deep = plain;
  for (int depth = 0; depth < 20; ++depth) deep = wire::encapsulate(deep, outer_source, outer_destination);
  CHECK(innermost_packet(deep).protocol == 59);
}
