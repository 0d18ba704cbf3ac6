// SPDX-License-Identifier: GPL-3.0-or-later
#include "sharing/association.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <set>

#include "mipflow/base/flow_key.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/packet.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace std::chrono_literals;
using Judged = Association::Verdict;

namespace {

const Address kPrimary = *Address::parse("2001:db8:100::1");
const Address kSecondary = *Address::parse("2001:db8:100::2");
const Address kHome = *Address::parse("2001:db8:100::100");
const Bytes kKey(32, 7);

Bytes payload_of(const OutgoingPacket& packet) {
  const auto view = wire::parse_packet(packet.packet);
  REQUIRE(view);
  REQUIRE(view->payload.size() > 8);
  return {view->payload.begin() + 8, view->payload.end()};  // behind the UDP header
}

wire::ForwardingRecords heartbeat(std::uint64_t number) { return std::vector{wire::Heartbeat{.number = number}}; }
wire::ForwardingRecords stop(std::uint64_t number) { return std::vector{wire::StopForwarding{kHome, number}}; }

// One daemon, from its start to its end.
struct End {
  End(const Address& own_address, const Address& peer, std::uint64_t session)
      : own{.address = own_address, .session = session}, association(own, peer, kKey) {}

  Bytes seal(wire::ForwardingRecords records) {
    const auto packet = association.seal(std::move(records));
    REQUIRE(packet);
    return payload_of(*packet);
  }
  Association::Opened open(const Bytes& payload, TimePoint now = {}) { return association.open(payload, now); }

  OwnEnd own;
  Association association;
};

// A primary and a secondary, and a network that loses what it is told to lose.
struct Pair {
  std::unique_ptr<End> primary = std::make_unique<End>(kPrimary, kSecondary, 1'000'000);
  std::unique_ptr<End> secondary = std::make_unique<End>(kSecondary, kPrimary, 2'000'000);
  TimePoint now{};
  std::uint64_t beats = 0;

  // A heartbeat of the primary and what follows from it. The message of the number `lost` (0, 1, …) does not arrive.
  void beat(int lost = -1) {
    now += 100ms;
    End* to = secondary.get();
    Bytes message = primary->seal(heartbeat(++beats));
    for (int i = 0; i < 10; ++i) {
      if (i == lost) return;
      const auto opened = to->open(message, now);
      if (!opened.answer) return;
      message = payload_of(*opened.answer);
      to = to == secondary.get() ? primary.get() : secondary.get();
    }
    FAIL("they answer each other for ever");
  }
  bool talk() {
    if (!primary->association.knows_session() || !secondary->association.knows_session()) return false;
    return secondary->open(primary->seal(stop(1)), now).verdict == Judged::Believed &&
           primary->open(secondary->seal(stop(2)), now).verdict == Judged::Believed;
  }
};

std::uint64_t number_of(const wire::ForwardingRecords& records) { return std::get<std::vector<wire::StopForwarding>>(records).at(0).number; }

}  // namespace

TEST_CASE("a conversation begins with three heartbeats, and then both ends believe each other") {
  End primary(kPrimary, kSecondary, 1'000'000);
  End secondary(kSecondary, kPrimary, 2'000'000);
  CHECK_FALSE(primary.association.seal(stop(1)));
  CHECK_FALSE(secondary.association.seal(std::vector{wire::ForwardingReport{kHome, 1}}));

  const auto first = secondary.open(primary.seal(heartbeat(5)));
  CHECK(first.verdict == Judged::UnknownSession);
  CHECK_FALSE(secondary.association.knows_session());
  REQUIRE(first.answer);

  const auto second = primary.open(payload_of(*first.answer));
  CHECK(second.verdict == Judged::Believed);
  CHECK(second.session_is_new);
  CHECK(primary.association.knows_session());
  REQUIRE(second.answer);

  const auto third = secondary.open(payload_of(*second.answer));
  CHECK(third.verdict == Judged::Believed);
  CHECK(third.session_is_new);
  // The heartbeat that was not understood comes once more, so that its number comes back at once.
  CHECK(std::get<std::vector<wire::Heartbeat>>(third.records).at(0).number == 5);
  REQUIRE(third.answer);
  const auto fourth = primary.open(payload_of(*third.answer));
  CHECK(fourth.verdict == Judged::Believed);
  CHECK_FALSE(fourth.session_is_new);
  CHECK_FALSE(fourth.answer);

  const auto stopped = secondary.open(primary.seal(stop(77)));
  CHECK(stopped.verdict == Judged::Believed);
  CHECK_FALSE(stopped.session_is_new);
  CHECK(number_of(stopped.records) == 77);
}

TEST_CASE("messages go as UDP between the two addresses, from and to the port") {
  End primary(kPrimary, kSecondary, 1);
  primary.own.port = 7000;
  const auto packet = primary.association.seal(heartbeat(1));
  REQUIRE(packet);
  CHECK(packet->interface == 0);
  const auto view = wire::parse_packet(packet->packet);
  REQUIRE(view);
  CHECK(view->source == kPrimary);
  CHECK(view->destination == kSecondary);
  CHECK(view->protocol == kProtocolUdp);
  CHECK(view->hop_limit == 64);
  Reader udp(view->payload);
  CHECK(udp.u16() == 7000);
  CHECK(udp.u16() == 7000);
  CHECK(udp.u16() == view->payload.size());
  CHECK(wire::upper_layer_checksum(kProtocolUdp, kPrimary, kSecondary, view->payload) == 0);
}

TEST_CASE("a restart of either side, or of both, heals within one heartbeat") {
  Pair pair;
  pair.beat();
  REQUIRE(pair.talk());
  SECTION("the primary") { pair.primary = std::make_unique<End>(kPrimary, kSecondary, 3'000'000); }
  SECTION("the secondary") { pair.secondary = std::make_unique<End>(kSecondary, kPrimary, 4'000'000); }
  SECTION("both") {
    pair.primary = std::make_unique<End>(kPrimary, kSecondary, 3'000'000);
    pair.secondary = std::make_unique<End>(kSecondary, kPrimary, 4'000'000);
  }
  CHECK_FALSE(pair.talk());
  pair.beat();
  CHECK(pair.talk());
}

TEST_CASE("whichever message of the beginning is lost, the next heartbeat makes up for it") {
  for (const bool secondary_only : {false, true}) {
    for (int lost = 0; lost < 4; ++lost) {
      INFO("lost " << lost << (secondary_only ? ", the secondary has restarted" : ", both are new"));
      Pair pair;
      if (secondary_only) {
        pair.beat();
        pair.secondary = std::make_unique<End>(kSecondary, kPrimary, 4'000'000);
      }
      pair.beat(lost);
      pair.beat();
      CHECK(pair.talk());
    }
  }
}

TEST_CASE("no message is believed twice, and of old ones the last 64 may come late") {
  Pair pair;
  pair.beat();
  std::vector<Bytes> messages;
  for (std::uint64_t number = 1; number <= 70; ++number) messages.push_back(pair.primary->seal(stop(number)));
  const auto verdict = [&](std::size_t i) { return pair.secondary->open(messages[i]).verdict; };
  CHECK(verdict(69) == Judged::Believed);
  CHECK(verdict(69) == Judged::Replayed);
  CHECK(verdict(5) == Judged::Replayed);  // 64 behind: nobody remembers
  CHECK(verdict(6) == Judged::Believed);  // 63 behind
  CHECK(verdict(6) == Judged::Replayed);
  for (std::size_t i = 68; i > 6; --i) CHECK(verdict(i) == Judged::Believed);
  for (std::size_t i = 0; i < messages.size(); ++i) CHECK(verdict(i) == Judged::Replayed);

  // A jump of 64 and of more forgets everything before.
  for (const int jump : {64, 1'000}) {
    Bytes message;
    for (int i = 0; i < jump; ++i) message = pair.primary->seal(stop(1'000));
    CHECK(pair.secondary->open(message).verdict == Judged::Believed);
    CHECK(verdict(69) == Judged::Replayed);
    CHECK(pair.secondary->open(message).verdict == Judged::Replayed);
  }
}

TEST_CASE("what an earlier session said does not bring it back") {
  Pair pair;
  pair.beat();
  std::vector<Bytes> recorded;
  for (std::uint64_t number = 1; number <= 10; ++number) recorded.push_back(pair.secondary->seal(stop(number)));
  // An answer of the session that is going to end, which the network holds back.
  End stranger(kPrimary, kSecondary, 5'000'000);
  recorded.push_back(payload_of(*pair.secondary->open(stranger.seal(heartbeat(1)), pair.now).answer));

  pair.secondary = std::make_unique<End>(kSecondary, kPrimary, 4'000'000);
  recorded.push_back(pair.primary->seal(heartbeat(++pair.beats)));
  const auto answer = payload_of(*pair.secondary->open(recorded.back(), pair.now).answer);
  pair.beat();
  REQUIRE(pair.talk());

  for (int round = 0; round < 3; ++round)
    for (const Bytes& message : recorded) CHECK(pair.primary->open(message, pair.now += 1s).verdict != Judged::Believed);
  CHECK(pair.talk());

  // A session that nobody knew, ended before the present one was learned.
  End unknown(kSecondary, kPrimary, 6'000'000);
  const auto from_unknown = payload_of(*unknown.open(pair.primary->seal(heartbeat(++pair.beats)), pair.now).answer);
  pair.secondary = std::make_unique<End>(kSecondary, kPrimary, 7'000'000);
  pair.beat();
  REQUIRE(pair.talk());
  CHECK(pair.primary->open(from_unknown, pair.now).verdict == Judged::UnknownSession);
  CHECK(pair.talk());
}

TEST_CASE("our own messages sent back to us, and those under another key, are nobody's") {
  Pair pair;
  pair.beat();
  CHECK(pair.primary->open(pair.primary->seal(stop(1))).verdict == Judged::Unauthenticated);
  CHECK(pair.secondary->open(pair.secondary->seal(heartbeat(1))).verdict == Judged::Unauthenticated);
  OwnEnd other_own{.address = kPrimary, .session = 1'000'000};
  Association other(other_own, kSecondary, Bytes(32, 8));
  const auto opened = pair.secondary->open(payload_of(*other.seal(heartbeat(1))));
  CHECK(opened.verdict == Judged::Unauthenticated);
  CHECK_FALSE(opened.answer);
  CHECK(pair.secondary->open({}).verdict == Judged::Malformed);
  CHECK(pair.secondary->open(Bytes(64, 0)).verdict == Judged::Malformed);
}

TEST_CASE("a changed key ends the conversation, and what was said under a key is not believed when it comes back") {
  Pair pair;
  pair.beat();
  const Bytes unheard = pair.primary->seal(stop(1));
  const Bytes other_key(32, 9);
  pair.secondary->association.set_key(kKey);  // no change
  CHECK(pair.secondary->association.knows_session());
  pair.secondary->association.set_key(other_key);
  CHECK_FALSE(pair.secondary->association.knows_session());
  CHECK(pair.secondary->open(unheard).verdict == Judged::Unauthenticated);
  pair.primary->association.set_key(other_key);
  pair.beat();
  CHECK(pair.talk());

  pair.primary->association.set_key(kKey);
  pair.secondary->association.set_key(kKey);
  CHECK(pair.secondary->open(unheard, pair.now).verdict == Judged::UnknownSession);
  pair.beat();
  CHECK(pair.secondary->open(unheard, pair.now).verdict == Judged::UnknownSession);
  CHECK(pair.talk());
}

TEST_CASE("an agent that was taken out of the configuration and put back has not said anything yet") {
  Pair pair;
  pair.beat();
  const Bytes unheard = pair.secondary->seal(stop(1));
  Association again(pair.primary->own, kSecondary, kKey);
  CHECK(again.open(unheard, pair.now).verdict == Judged::UnknownSession);
  // And the other end does not take its first messages for old ones.
  const auto answer = pair.secondary->open(payload_of(*again.seal(heartbeat(1))), pair.now).answer;
  REQUIRE(answer);
  const auto learned = again.open(payload_of(*answer), pair.now);
  REQUIRE(learned.verdict == Judged::Believed);
  CHECK(pair.secondary->open(payload_of(*learned.answer), pair.now).session_is_new);
  CHECK(pair.secondary->open(payload_of(*again.seal(stop(1))), pair.now).verdict == Judged::Believed);
}

TEST_CASE("recorded messages provoke no more than 10 answers per second") {
  Pair pair;
  pair.beat();
  const Bytes recorded = pair.primary->seal(heartbeat(1));
  pair.secondary = std::make_unique<End>(kSecondary, kPrimary, 4'000'000);
  int answers = 0;
  for (int i = 0; i < 10'000; ++i)
    if (pair.secondary->open(recorded, pair.now += 1ms).answer) ++answers;
  CHECK(answers >= 100);
  CHECK(answers <= 111);
  // It heals all the same as soon as that ends.
  pair.now += 200ms;
  pair.beat();
  CHECK(pair.talk());
}

TEST_CASE("an attacker who replays, reorders, cuts, spoils and reflects is believed in nothing, and can not part the two for good") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  SeededRandom random(seed);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random.next_u64() % limit); };

  struct Sent {
    Bytes payload;
    std::size_t from;
    std::array<int, 2> lives;  // of both ends when it was sent
    bool believed = false;
  };
  std::size_t believed = 0, refused = 0, sessions = 0;
  for (int run = 0; run < 200; ++run) {
    std::vector<Sent> sent;
    std::array<std::unique_ptr<End>, 2> ends;
    std::array<int, 2> lives{};
    std::array<int, 2> believed_life{-1, -1};  // the latest life of the other end that this life of an end believed
    TimePoint now{};
    const auto start = [&](std::size_t end) {
      ++lives[end];
      believed_life[end] = -1;
      ends[end] = end == 0 ? std::make_unique<End>(kPrimary, kSecondary, random.next_u64() | 1)
                           : std::make_unique<End>(kSecondary, kPrimary, random.next_u64() | 1);
    };
    const auto send = [&](std::size_t end, const std::optional<OutgoingPacket>& packet) {
      if (packet) sent.push_back({payload_of(*packet), end, lives});
    };
    const auto deliver = [&](std::size_t index, std::size_t to) {
      auto opened = ends[to]->open(sent[index].payload, now);
      send(to, opened.answer);
      if (opened.verdict != Judged::Believed) {
        ++refused;
        return;
      }
      ++believed;
      sessions += opened.session_is_new ? 1 : 0;
      Sent& message = sent[index];
      const std::size_t from = 1 - to;
      REQUIRE(message.from == from);
      REQUIRE_FALSE(message.believed);
      REQUIRE(message.lives[to] == lives[to]);                // not what was said to a life before
      REQUIRE(message.lives[from] >= believed_life[to]);      // no earlier session behind a later one
      REQUIRE(opened.session_is_new == (message.lives[from] != believed_life[to]));
      message.believed = true;
      believed_life[to] = message.lives[from];
    };
    start(0);
    start(1);
    for (int step = 0; step < 400; ++step) {
      now += Duration{std::chrono::microseconds{below(60'000)}};
      const std::size_t end = below(2);
      switch (below(12)) {
        case 0: case 1: send(0, ends[0]->association.seal(heartbeat(static_cast<std::uint64_t>(step)))); break;
        case 2: case 3: send(end, ends[end]->association.seal(stop(1))); break;
        case 4: if (below(10) == 0) start(end); break;
        case 5: case 6: case 7: case 8:  // as a network does it, more or less
          if (!sent.empty()) {
            const std::size_t index = sent.size() - 1 - below(std::min<std::size_t>(sent.size(), 4));
            deliver(index, 1 - sent[index].from);
          }
          break;
        case 9: if (!sent.empty()) { const std::size_t index = below(sent.size()); deliver(index, 1 - sent[index].from); } break;
        case 10: if (!sent.empty()) deliver(below(sent.size()), end); break;
        case 11:
          if (!sent.empty()) {
            Bytes spoilt = sent[below(sent.size())].payload;
            if (below(2) == 0) spoilt.resize(below(spoilt.size()));
            else spoilt[below(spoilt.size())] ^= static_cast<std::uint8_t>(1u << below(8));
            const auto opened = ends[end]->open(spoilt, now);
            // A changed magic, version, length or count is not ours or malformed; a reserved octet is covered as well.
            REQUIRE((opened.verdict == Judged::Malformed || opened.verdict == Judged::Unauthenticated));
            REQUIRE_FALSE(opened.answer);
          }
          break;
      }
    }
    // The network delivers again: two heartbeats, a second later, and they talk.
    now += 1s;
    for (std::uint64_t beat = 0; beat < 2; ++beat) {
      now += 100ms;
      std::size_t next = sent.size();
      send(0, ends[0]->association.seal(heartbeat(1'000 + beat)));
      for (; next < sent.size(); ++next) deliver(next, 1 - sent[next].from);
    }
    for (const std::size_t end : {0u, 1u}) {
      const auto packet = ends[end]->association.seal(stop(2));
      REQUIRE(packet);
      send(end, packet);
      deliver(sent.size() - 1, 1 - end);
      REQUIRE(sent.back().believed);
    }
  }
  CHECK(believed > 5'000);
  CHECK(refused > 5'000);
  CHECK(sessions > 500);
}
