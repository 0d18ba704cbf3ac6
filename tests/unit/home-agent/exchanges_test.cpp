// SPDX-License-Identifier: GPL-3.0-or-later
// Breaks when a secondary is told of more at once than it can carry out between two heartbeats, or when a home address that moves
// has to wait behind thousands that are handed over.
#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

#include "sharing/primary_exchanges.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

Address home_address(unsigned number) {
  Address out = *Address::parse("2001:db8:100::");
  out.octets[14] = static_cast<std::uint8_t>(number >> 8);
  out.octets[15] = static_cast<std::uint8_t>(number);
  return out;
}

struct Conversation {
  OwnEnd own{.address = *Address::parse("2001:db8:100::2"), .session = 7};
  Association association{own, *Address::parse("2001:db8:100::3"), Bytes(32, 1)};
  Exchanges exchanges{milliseconds{50}};
  LoadSharingCounters counters;
  TimePoint now{seconds{1000}};
  std::vector<Address> said;  // what was told of in Starts, in order

  void send(Duration later) {
    now += later;
    Outputs outputs;
    exchanges.send(association, [this](const Address& address, wire::DelegationNumber number) {
      said.push_back(address);
      wire::StartForwarding start;
      start.home_address = address;
      start.number = number;
      start.duration = 100;
      return start;
    }, counters, now, outputs);
  }
};

}  // namespace

TEST_CASE("Words beyond those in flight wait until some are acknowledged") {
  Conversation with;
  for (unsigned number = 0; number < 1000; ++number)
    with.exchanges.start(home_address(number), number + 1, false, TimePoint{}, seconds{5}, with.now);
  with.send(milliseconds{0});
  CHECK(with.counters.starts_sent == Exchanges::kMostInFlight);

  // Nobody is woken for what may not be sent.
  CHECK(with.exchanges.next_transmission() >= with.now + milliseconds{25});
  const std::vector<Address> first = with.said;
  for (unsigned number = 0; number < 100; ++number) with.exchanges.finish(first[number]);
  CHECK(with.exchanges.next_transmission() <= with.now + milliseconds{20});
  with.send(milliseconds{20});
  CHECK(with.counters.starts_sent == Exchanges::kMostInFlight + 100);
  CHECK(with.exchanges.size() == 900);
}

TEST_CASE("What an agent has already is told to it before what it shall get") {
  Conversation with;
  for (unsigned number = 0; number < 1000; ++number)
    with.exchanges.start(home_address(number), number + 1, false, TimePoint{}, seconds{5}, with.now);
  with.send(milliseconds{0});
  const Address moved = home_address(2000);
  with.exchanges.start(moved, 2000, true, with.now + seconds{100}, milliseconds{700}, with.now);
  with.exchanges.finish(with.said.front());
  with.said.clear();
  with.send(milliseconds{20});
  REQUIRE(!with.said.empty());
  CHECK(with.said.front() == moved);
}

TEST_CASE("A word that takes the place of one in flight leaves at once") {
  Conversation with;
  for (unsigned number = 0; number < 1000; ++number)
    with.exchanges.start(home_address(number), number + 1, false, TimePoint{}, seconds{5}, with.now);
  with.send(milliseconds{0});
  const Address replaced = with.said.front();
  with.said.clear();
  with.exchanges.start(replaced, 3000, false, TimePoint{}, seconds{5}, with.now);
  with.send(milliseconds{20});
  CHECK(std::count(with.said.begin(), with.said.end(), replaced) == 1);
}
