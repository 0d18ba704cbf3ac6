// SPDX-License-Identifier: GPL-3.0-or-later
// EP 1134991, Figure 3 (302-307): what a secondary home agent does at the word of its primary, which the tester plays with
// sealed messages.
#include "sharing/secondary.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fixture.hpp"
#include "mipflow/wire/packet.hpp"
#include "sharing/gone_numbers.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;
using wire::ForwardingStatus;

namespace {

const Address kSecondary = address("2001:db8:100::2");
const Address kFirstPrimary = kHomeAgent;
const Address kSecondPrimary = address("2001:db8:100::3");
const Address kHome = address("2001:db8:100::100");
const Address kOtherHome = address("2001:db8:100::101");
const Bytes kFirstKey(32, 1);
const Bytes kSecondKey(32, 2);
const HomeLink kLink{kHomeInterface, kHomeAgentMac, kSecondary};

// The other end of the conversation with the secondary.
class PrimaryEnd {
 public:
  PrimaryEnd(const Address& address, Bytes key, std::uint64_t session) : own{address, wire::kDefaultForwardingPort, session}, key_(std::move(key)) {
    association.emplace(own, kSecondary, key_);
  }
  PrimaryEnd(const PrimaryEnd&) = delete;
  void restart() {
    own.session += 10;
    association.emplace(own, kSecondary, key_);
  }
  Association* operator->() { return &*association; }

  OwnEnd own;
  std::optional<Association> association;

 private:
  Bytes key_;
};

LoadSharing sharing_configuration() {
  LoadSharing out;
  out.primaries = {{"one", kFirstPrimary, kFirstKey, {*Prefix::parse("2001:db8:100::/64")}, 3},
                   {"two", kSecondPrimary, kSecondKey, {*Prefix::parse("2001:db8:100::/64")}, 3}};
  return out;
}

class Bench {
 public:
  explicit Bench(HomeLink link = {}, std::vector<PersistedForwarding> restored = {}) : link_(link) { start(restored); }

  void start(const std::vector<PersistedForwarding>& restored) {
    secondary.reset();
    plan = {};
    defence = std::make_unique<NeighbourDefence>(plan);
    interception = std::make_unique<Interception>(plan, *defence);
    interception->set_home_link(link_);
    tunnels = std::make_unique<Tunnels>(plan);
    ++own.session;
    secondary = std::make_unique<Secondary>(
        Secondary::Parts{configuration, own, *interception, *tunnels, counters,
                         [this](const Address& address) { return bound_here.contains(address); },
                         [](const Address& address) { return address == kSecondary; }},
        restored, now);
  }
  // It is killed, and comes back with what had been written.
  void restart() { start(secondary->persisted(now)); }

  // The secondary's answers to the records. The conversation begins by itself, as it does with heartbeats.
  template <class Record>
  auto say(PrimaryEnd& from, std::vector<Record> records) {
    if (!from->knows_session()) meet(from);
    return records_of(from, deliver(from, sealed(from, std::move(records))));
  }
  Bytes sealed(PrimaryEnd& from, wire::ForwardingRecords records) {
    const auto packet = from->seal(std::move(records));
    REQUIRE(packet);
    return payload(*packet);
  }
  // What came back.
  Outputs deliver(PrimaryEnd& from, const Bytes& message) {
    Outputs outputs;
    secondary->handle(from.own.address, message, now, outputs);
    return outputs;
  }
  void meet(PrimaryEnd& from) {
    for (int i = 0; i < 4; ++i) {
      if (const auto packet = from->seal(std::vector<wire::Heartbeat>{{1}}))
        for (const OutgoingPacket& answer : deliver(from, payload(*packet)).packets)
          from->open(payload(answer), now.monotonic);
    }
    REQUIRE(from->knows_session());
  }
  std::vector<wire::ForwardingRecords> records_of(PrimaryEnd& to, const Outputs& outputs) {
    std::vector<wire::ForwardingRecords> out;
    for (const OutgoingPacket& packet : outputs.packets) {
      const auto opened = to->open(payload(packet), now.monotonic);
      if (opened.verdict == Association::Verdict::Believed) out.push_back(opened.records);
    }
    return out;
  }

  wire::StartForwardingAcknowledgement tell_start(PrimaryEnd& from, const wire::StartForwarding& start) {
    const auto answers = say(from, std::vector<wire::StartForwarding>{start});
    REQUIRE(answers.size() == 1);
    const auto& records = std::get<std::vector<wire::StartForwardingAcknowledgement>>(answers[0]);
    REQUIRE(records.size() == 1);
    CHECK(records[0].home_address == start.home_address);
    return records[0];
  }
  wire::StopForwardingAcknowledgement tell_stop(PrimaryEnd& from, const wire::StopForwarding& stop) {
    const auto answers = say(from, std::vector<wire::StopForwarding>{stop});
    REQUIRE(answers.size() == 1);
    const auto& records = std::get<std::vector<wire::StopForwardingAcknowledgement>>(answers[0]);
    REQUIRE(records.size() == 1);
    CHECK(records[0].home_address == stop.home_address);
    return records[0];
  }
  wire::HeartbeatAcknowledgement heartbeat(PrimaryEnd& from) {
    const auto answers = say(from, std::vector<wire::Heartbeat>{{++heartbeat_}});
    REQUIRE(answers.size() == 1);
    const auto& records = std::get<std::vector<wire::HeartbeatAcknowledgement>>(answers[0]);
    REQUIRE(records.size() == 1);
    CHECK(records[0].number == heartbeat_);
    return records[0];
  }

  // Moves the clock and wakes the secondary exactly when it asks for it.
  void advance(Duration by) {
    const TimePoint end = now.monotonic + by;
    const auto step = [&](TimePoint to) {
      now.wall += to - now.monotonic;
      now.monotonic = to;
      Outputs outputs;
      secondary->on_deadline(now, outputs);
      tunnels->on_deadline(now.monotonic);
      defence->on_deadline(now.monotonic, outputs);
      announced += static_cast<unsigned>(outputs.packets.size());
    };
    while (true) {
      const TimePoint next = std::min({secondary->next_deadline(), tunnels->next_deadline(), defence->next_deadline()});
      if (next > end) break;
      step(std::max(next, now.monotonic));
    }
    step(end);
  }
  unsigned take_announced() { return std::exchange(announced, 0); }

  bool intercepts(const Address& home_address) const { return interception->intercepts(home_address); }
  Address tunnelled_to(const Address& home_address) const {
    const auto* tunnel = plan.tunnels.find(home_address);
    return tunnel == nullptr ? Address{} : tunnel->care_of_address;
  }
  // Everything that a word that is refused must not change.
  std::string fingerprint() const {
    std::set<std::string> lines;
    for (const auto& [home_address, tunnel] : plan.tunnels.items())
      lines.insert(to_string(home_address) + " > " + to_string(tunnel.care_of_address) + " from " + to_string(tunnel.home_agent));
    for (const auto& [source, present] : plan.tunnel_sources.items())
      lines.insert("accepts " + to_string(source.home_address) + " from " + to_string(source.care_of_address));
    for (const auto& [home_address, route] : plan.announced_routes.items()) lines.insert("announces " + to_string(home_address));
    for (const auto& [where, present] : plan.proxied_neighbours.items()) lines.insert("proxies " + to_string(where.address));
    for (const auto& forwarding : secondary->forwardings(now))
      lines.insert(to_string(forwarding.home_address) + " " + forwarding.state + " " + std::to_string(forwarding.remaining->count()));
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
  }
  static Bytes payload(const OutgoingPacket& packet) {
    constexpr std::size_t kUdpHeader = 8;
    const auto view = wire::parse_packet(packet.packet);
    REQUIRE(view);
    REQUIRE(view->payload.size() > kUdpHeader);
    return {view->payload.begin() + kUdpHeader, view->payload.end()};
  }

  Now now{TimePoint{} + 1000s, std::chrono::seconds{1'700'000'000}};
  LoadSharing configuration = sharing_configuration();
  LoadSharingCounters counters;
  OwnEnd own{kSecondary, wire::kDefaultForwardingPort, 100};
  std::set<Address> bound_here;
  unsigned announced = 0;
  forwarding::ForwardingPlan plan;
  std::unique_ptr<NeighbourDefence> defence;
  std::unique_ptr<Interception> interception;
  std::unique_ptr<Tunnels> tunnels;
  std::unique_ptr<Secondary> secondary;
  PrimaryEnd one{kFirstPrimary, kFirstKey, 1}, two{kSecondPrimary, kSecondKey, 2};

 private:
  HomeLink link_;
  std::uint64_t heartbeat_ = 1;
};

wire::StartForwarding start_of(const Address& home_address, wire::DelegationNumber number, std::uint32_t duration = 600) {
  return {.home_address = home_address, .care_of_address = kCareOf1, .tunnel_source = kFirstPrimary, .number = number, .duration = duration};
}

}  // namespace

TEST_CASE("Start: intercepts by a host route, tunnels with the primary's address, and opens no door for packets from the tunnel") {
  Bench b;
  CHECK(b.tell_start(b.one, start_of(kHome, 7)).status == ForwardingStatus::Accepted);
  CHECK(b.intercepts(kHome));
  REQUIRE(b.plan.announced_routes.find(kHome) != nullptr);
  CHECK(b.plan.announced_routes.find(kHome)->metric == 100);
  REQUIRE(b.plan.tunnels.find(kHome) != nullptr);
  CHECK(*b.plan.tunnels.find(kHome) == forwarding::TunnelItem{kCareOf1, kFirstPrimary});
  CHECK(b.plan.tunnel_sources.items().empty());
  CHECK(b.secondary->forwards(kHome));
  CHECK(b.secondary->changed());
  CHECK(b.counters.starts_taken == 1);
}

TEST_CASE("Start with its own address as the source: the mobile node may tunnel back to it") {
  Bench b;
  auto start = start_of(kHome, 7);
  start.tunnel_source = {};
  CHECK(b.tell_start(b.one, start).status == ForwardingStatus::Accepted);
  CHECK(b.plan.tunnels.find(kHome)->home_agent == kSecondary);
  CHECK(b.tunnels->knows(kHome, kCareOf1));
  // What the mobile node sent before it moved is let in for a moment more; what the primary takes over is not.
  start.number = 8;
  start.care_of_address = kCareOf2;
  b.tell_start(b.one, start);
  CHECK(b.tunnels->knows(kHome, kCareOf1));
  CHECK(b.tunnels->knows(kHome, kCareOf2));
  b.advance(b.configuration.linger);
  CHECK_FALSE(b.tunnels->knows(kHome, kCareOf1));
  start.number = 9;
  start.tunnel_source = kFirstPrimary;
  b.tell_start(b.one, start);
  CHECK(b.plan.tunnel_sources.items().empty());
}

TEST_CASE("on the home link: a proxy, and three announcements of which none is needed when only the duration is new") {
  Bench b(kLink);
  auto start = start_of(kHome, 7);
  start.link_local_address_compatibility = true;
  b.tell_start(b.one, start);
  CHECK(b.plan.proxied_neighbours.items().size() == 2);
  CHECK(b.plan.announced_routes.items().empty());
  b.advance(10s);
  CHECK(b.take_announced() == 6);
  start.number = 8;
  start.care_of_address = kCareOf2;
  b.tell_start(b.one, start);
  start.number = 9;
  start.duration = 700;
  b.tell_start(b.one, start);
  b.advance(10s);
  CHECK(b.take_announced() == 0);
  CHECK(b.tunnelled_to(kHome) == kCareOf2);
}

TEST_CASE("EP 1134991 [0037]: told again to a home link whose caches the primary may have won meanwhile") {
  Bench b(kLink);
  const auto start = start_of(kHome, 7);
  const auto forwarded_for_long = [&] {
    b.advance(10s);
    b.take_announced();
  };
  SECTION("the acknowledgement was lost") {
    b.tell_start(b.one, start);
    forwarded_for_long();
    CHECK(b.tell_start(b.one, start).status == ForwardingStatus::Accepted);
    CHECK(b.counters.starts_taken == 1);
  }
  SECTION("the primary has restarted") {
    b.tell_start(b.one, start);
    forwarded_for_long();
    b.one.restart();
    b.tell_start(b.one, start_of(kHome, 8));
  }
  SECTION("the primary took it back, and gives it again before its Stop arrives") {
    b.tell_start(b.one, start);
    forwarded_for_long();
    b.tell_start(b.one, start_of(kHome, 9, 590));
  }
  SECTION("this agent has restarted") {
    b.tell_start(b.one, start);
    forwarded_for_long();
    b.restart();
    CHECK(b.intercepts(kHome));
    b.advance(10s);
    CHECK(b.take_announced() == 0);
    b.one.restart();
    b.tell_start(b.one, start_of(kHome, 8));
  }
  b.advance(10s);
  CHECK(b.take_announced() == 3);
}

TEST_CASE("Stop: no longer intercepts, goes on to tunnel for a while, and says what it has tunnelled") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 7));
  Outputs outputs;
  b.secondary->handle(TunnelActivity{{{kHome, 10, 1000}}, 1s}, b.now, outputs);
  b.secondary->clear_changed();
  const auto answer = b.tell_stop(b.one, {kHome, 8});
  CHECK(answer == wire::StopForwardingAcknowledgement{kHome, 8, 10, 1000, ForwardingStatus::Accepted});
  CHECK_FALSE(b.intercepts(kHome));
  CHECK(b.plan.announced_routes.items().empty());
  CHECK(b.tunnelled_to(kHome) == kCareOf1);
  CHECK(b.secondary->changed());
  CHECK(b.secondary->persisted(b.now).empty());
  CHECK(b.secondary->forwardings(b.now).at(0).state == "lingering");
  // Its acknowledgement was lost.
  CHECK(b.tell_stop(b.one, {kHome, 8}) == answer);
  b.advance(b.configuration.linger - 1ns);
  CHECK(b.tunnelled_to(kHome) == kCareOf1);
  b.advance(1ns);
  CHECK(b.tunnelled_to(kHome) == Address{});
  CHECK_FALSE(b.secondary->forwards(kHome));
  CHECK(b.tell_stop(b.one, {kHome, 8}).status == ForwardingStatus::NotForwarding);
  CHECK(b.counters.stops_taken == 1);
}

TEST_CASE("the duration ends") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 7, 20));
  b.advance(20s - 1ns);
  CHECK(b.intercepts(kHome));
  b.advance(1ns);
  CHECK_FALSE(b.intercepts(kHome));
  CHECK(b.tunnelled_to(kHome) == kCareOf1);
  CHECK(b.counters.durations_ended == 1);
  b.advance(b.configuration.linger);
  CHECK(b.plan.tunnels.items().empty());
  CHECK(b.secondary->next_deadline() == kNever);
}

TEST_CASE("a later Start puts the end off, and one while it lingers brings it back") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 7, 20));
  b.advance(10s);
  b.tell_start(b.one, start_of(kHome, 8, 20));
  b.advance(15s);
  CHECK(b.intercepts(kHome));
  b.tell_stop(b.one, {kHome, 9});
  b.advance(1s);
  CHECK(b.tell_start(b.one, start_of(kHome, 10, 20)).status == ForwardingStatus::Accepted);
  b.advance(b.configuration.linger);
  CHECK(b.intercepts(kHome));
}

TEST_CASE("what can not be done is refused, and nothing changes") {
  Bench b;
  b.tell_start(b.one, start_of(kOtherHome, 7));
  b.bound_here = {address("2001:db8:100::b")};
  auto start = start_of(kHome, 8);
  auto expected = ForwardingStatus::Accepted;
  SECTION("a home address that this primary may not delegate") {
    start.home_address = address("2001:db8:999::1");
    expected = ForwardingStatus::NotPermitted;
  }
  SECTION("an agent's own address") {
    start.home_address = GENERATE(kSecondary, kFirstPrimary);
    expected = ForwardingStatus::NotPermitted;
  }
  SECTION("a number that was there already, or is older") {
    start = start_of(kOtherHome, GENERATE(1u, 6u));
    expected = ForwardingStatus::NumberOld;
  }
  SECTION("no duration") {
    start.duration = 0;
    expected = ForwardingStatus::DurationZero;
  }
  SECTION("somebody else's address as the source") {
    start.tunnel_source = GENERATE(kSecondPrimary, kCorrespondent, kSecondary);
    expected = ForwardingStatus::BadTunnelSource;
  }
  SECTION("a care-of address where packets can not go, or come back from") {
    start.care_of_address = GENERATE(Address{}, address("::1"), address("fe80::1"), address("ff02::1"), address("::ffff:1.2.3.4"),
                                     kSecondary, kFirstPrimary, kHome, kOtherHome);
    expected = ForwardingStatus::BadCareOfAddress;
  }
  SECTION("a home address that is bound here") {
    start.home_address = address("2001:db8:100::b");
    expected = ForwardingStatus::ServedForAnother;
  }
  const auto before = b.fingerprint();
  const auto answer = b.tell_start(b.one, start);
  CHECK(answer.status == expected);
  CHECK(answer.number == (expected == ForwardingStatus::NumberOld ? 7 : start.number));
  CHECK(b.fingerprint() == before);
  CHECK(b.counters.starts_declined == 1);
  CHECK(b.counters.starts_taken == 1);
}

TEST_CASE("a bad Start for what is forwarded leaves it as it was") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 7));
  auto start = start_of(kHome, 8);
  start.care_of_address = kSecondary;
  const auto before = b.fingerprint();
  CHECK(b.tell_start(b.one, start).status == ForwardingStatus::BadCareOfAddress);
  CHECK(b.fingerprint() == before);
  // The number of what was refused is none that counts.
  CHECK(b.tell_start(b.one, start_of(kHome, 8)).status == ForwardingStatus::Accepted);
}

TEST_CASE("one home address, two primaries: whoever delegated first keeps it until it stops it") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 700));
  auto theirs = start_of(kHome, 3);
  theirs.tunnel_source = kSecondPrimary;
  theirs.care_of_address = kCareOf2;
  CHECK(b.tell_start(b.two, theirs).status == ForwardingStatus::ServedForAnother);
  CHECK(b.tell_stop(b.two, {kHome, 1000}).status == ForwardingStatus::NotForwarding);
  CHECK(b.intercepts(kHome));
  CHECK(b.tunnelled_to(kHome) == kCareOf1);
  // The numbers of one say nothing about those of the other.
  b.tell_stop(b.one, {kHome, 701});
  theirs.number = 1001;
  CHECK(b.tell_start(b.two, theirs).status == ForwardingStatus::Accepted);
  CHECK(b.tunnelled_to(kHome) == kCareOf2);
  CHECK(b.tell_start(b.one, start_of(kHome, 702)).status == ForwardingStatus::ServedForAnother);
  CHECK(b.heartbeat(b.one).delegated == 0);
  CHECK(b.heartbeat(b.two).delegated == 1);
}

TEST_CASE("messages that overtake each other: the later word wins") {
  Bench b;
  b.meet(b.one);
  const Bytes start = b.sealed(b.one, std::vector<wire::StartForwarding>{start_of(kHome, 7)});
  const Bytes later = b.sealed(b.one, std::vector<wire::StartForwarding>{start_of(kHome, 8)});
  const Bytes stop = b.sealed(b.one, std::vector<wire::StopForwarding>{{kHome, 9}});
  SECTION("the Stop comes first, and nothing was forwarded") {
    b.deliver(b.one, stop);
    b.deliver(b.one, start);
    b.deliver(b.one, later);
    CHECK(b.plan.tunnels.items().empty());
  }
  SECTION("the Stop comes between them") {
    b.deliver(b.one, start);
    b.deliver(b.one, stop);
    b.deliver(b.one, later);
    CHECK_FALSE(b.intercepts(kHome));
  }
  SECTION("the older Start comes when nothing lingers any more") {
    b.deliver(b.one, later);
    b.deliver(b.one, stop);
    b.advance(b.configuration.linger);
    b.deliver(b.one, start);
    CHECK(b.plan.tunnels.items().empty());
  }
  SECTION("an old Stop does not end what was started again") {
    b.deliver(b.one, start);
    const Bytes again = b.sealed(b.one, std::vector<wire::StartForwarding>{start_of(kHome, 10)});
    b.deliver(b.one, again);
    const auto answers = b.records_of(b.one, b.deliver(b.one, stop));
    REQUIRE(answers.size() == 1);
    const auto& answer = std::get<std::vector<wire::StopForwardingAcknowledgement>>(answers[0]).at(0);
    CHECK(answer.status == ForwardingStatus::NumberOld);
    CHECK(answer.number == 10);
    CHECK(b.intercepts(kHome));
  }
}

TEST_CASE("a message that comes twice, under a wrong key, for a former session, or cut, changes nothing") {
  Bench b;
  b.meet(b.one);
  const Bytes start = b.sealed(b.one, std::vector<wire::StartForwarding>{start_of(kHome, 7)});
  const auto before = b.fingerprint();
  SECTION("wrong key") {
    b.deliver(b.two, start);
    CHECK(b.fingerprint() == before);
    CHECK(b.counters.dropped_unauthenticated == 1);
  }
  SECTION("cut anywhere, or an octet turned") {
    for (std::size_t length = 0; length < start.size(); ++length) b.deliver(b.one, Bytes(start.begin(), start.begin() + static_cast<std::ptrdiff_t>(length)));
    for (std::size_t i = 0; i < start.size(); ++i) {
      Bytes turned = start;
      turned[i] ^= 0x10;
      b.deliver(b.one, turned);
    }
    CHECK(b.fingerprint() == before);
    CHECK(b.counters.dropped_malformed + b.counters.dropped_unauthenticated == 2 * start.size());
  }
  SECTION("recorded before this agent restarted") {
    b.restart();
    const auto dropped = b.counters.dropped_unknown_session;
    b.deliver(b.one, start);
    CHECK(b.plan.tunnels.items().empty());
    CHECK(b.counters.dropped_unknown_session == dropped + 1);
  }
  SECTION("again behind its Stop") {
    b.deliver(b.one, start);
    b.tell_stop(b.one, {kHome, 8});
    const auto stopped = b.fingerprint();
    b.deliver(b.one, start);
    CHECK(b.fingerprint() == stopped);
    CHECK(b.counters.dropped_replayed == 1);
  }
  CHECK(b.counters.starts_declined == 0);
}

TEST_CASE("as many as it may take, for each primary; what lingers is bounded likewise") {
  Bench b;
  const auto home = [](unsigned n) { return address(("2001:db8:100::1:" + std::to_string(n)).c_str()); };
  for (unsigned n = 0; n < 3; ++n) CHECK(b.tell_start(b.one, start_of(home(n), 7)).status == ForwardingStatus::Accepted);
  CHECK(b.tell_start(b.one, start_of(home(3), 7)).status == ForwardingStatus::NoResources);
  CHECK(b.tell_start(b.one, start_of(home(2), 8)).status == ForwardingStatus::Accepted);
  CHECK(b.heartbeat(b.one).delegated == 3);
  CHECK(b.heartbeat(b.one).capacity == 3);
  for (unsigned n = 0; n < 100; ++n) {
    b.tell_stop(b.one, {home(n), 20 + n});
    b.tell_start(b.one, start_of(home(n + 3), 20 + n));
  }
  CHECK(b.heartbeat(b.one).delegated == 3);
  CHECK(b.plan.tunnels.items().size() == 6);
}

TEST_CASE("reports say what was tunnelled for each home address since its delegation began") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 7));
  b.tell_start(b.one, start_of(kOtherHome, 8));
  const auto report = [&](TunnelActivity activity) {
    Outputs outputs;
    b.secondary->handle(activity, b.now, outputs);
    std::vector<wire::ForwardingReport> out;
    for (const auto& records : b.records_of(b.one, outputs))
      for (const auto& record : std::get<std::vector<wire::ForwardingReport>>(records)) out.push_back(record);
    return out;
  };
  CHECK(report({{{kHome, 10, 1000}, {kCareOf1, 99, 99}}, 1s}) == std::vector<wire::ForwardingReport>{{kHome, 7, 10, 1000}});
  CHECK(report({{{kHome, 5, 500}, {kOtherHome, 1, 60}}, 1s}) ==
        std::vector<wire::ForwardingReport>{{kHome, 7, 15, 1500}, {kOtherHome, 8, 1, 60}});
  CHECK(b.heartbeat(b.one).packets == 16);
  CHECK(report({{}, 1s}).empty());
  for (const auto& forwarding : b.secondary->forwardings(b.now)) CHECK(forwarding.packets_per_second == 0);
  // Begins anew.
  b.tell_stop(b.one, {kHome, 9});
  b.tell_start(b.one, start_of(kHome, 10));
  CHECK(report({{{kHome, 2, 20}}, 1s}) == std::vector<wire::ForwardingReport>{{kHome, 10, 2, 20}});
  CHECK(b.heartbeat(b.one).packets == 18);
}

TEST_CASE("after a restart what was forwarded is served at once, what ended meanwhile is not") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 7, 100));
  b.tell_start(b.one, start_of(kOtherHome, 8, 10));
  const auto kept = b.secondary->persisted(b.now);
  REQUIRE(kept.size() == 2);
  // It is away for twenty seconds.
  b.now.monotonic += 20s;
  b.now.wall += 20s;
  b.start(kept);
  // What has ended does not wait on the disk for a clock that is set back.
  CHECK(b.secondary->changed());
  CHECK(b.intercepts(kHome));
  CHECK(*b.plan.tunnels.find(kHome) == forwarding::TunnelItem{kCareOf1, kFirstPrimary});
  CHECK(b.plan.tunnels.items().size() == 1);
  b.advance(80s - 1ns);
  CHECK(b.intercepts(kHome));
  b.advance(1ns);
  CHECK_FALSE(b.intercepts(kHome));
}

TEST_CASE("what is restored is checked like what comes from the network") {
  Bench b;
  const Duration later = b.now.wall + 100s;
  std::vector<PersistedForwarding> kept{{start_of(address("2001:db8:999::1"), 7), kFirstPrimary, later},
                                        {start_of(kHome, 7), address("2001:db8:100::77"), later},
                                        {start_of(kOtherHome, 7), kSecondPrimary, later}};  // not its own source
  kept.push_back({start_of(kDynamic, 7), kFirstPrimary, later});
  kept.back().start.care_of_address = kSecondary;
  b.start(kept);
  CHECK(b.plan.tunnels.items().empty());
  // A file that promises more than a Binding Update can: an old clock, or an editor.
  b.start({{start_of(kHome, 7), kFirstPrimary, b.now.wall + std::chrono::hours{24 * 365}}});
  CHECK(b.secondary->forwardings(b.now).at(0).remaining == std::chrono::seconds{262'140});
}

TEST_CASE("a primary that begins anew says again what it wants; what it has forgotten ends") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 7));
  b.tell_start(b.one, start_of(kOtherHome, 8));
  b.advance(60s);
  CHECK(b.intercepts(kOtherHome));
  b.one.restart();
  b.meet(b.one);
  b.advance(5s);
  b.tell_start(b.one, start_of(kHome, 1'000));
  b.advance(5s);
  CHECK(b.intercepts(kOtherHome));
  b.advance(1s);
  CHECK(b.intercepts(kHome));
  CHECK_FALSE(b.intercepts(kOtherHome));
  CHECK(b.tunnelled_to(kOtherHome) == kCareOf1);
  CHECK(b.secondary->persisted(b.now).size() == 1);
}

TEST_CASE("a Start whose acknowledgement was lost comes again after a restart: it counts in the new conversation") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 7));
  b.tell_start(b.one, start_of(kOtherHome, 8));
  b.restart();
  b.one.restart();
  CHECK(b.tell_start(b.one, start_of(kHome, 7)).status == ForwardingStatus::Accepted);
  b.advance(11s);
  CHECK(b.intercepts(kHome));
  CHECK_FALSE(b.intercepts(kOtherHome));
}

TEST_CASE("a configuration that permits less: what is not permitted any more stops") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 7));
  b.tell_start(b.one, start_of(kDynamic, 7));
  Outputs outputs;
  SECTION("other prefixes") {
    b.configuration.primaries[0].prefixes = {Prefix(kHome, 128)};
    b.secondary->apply_configuration(b.now, outputs);
    CHECK(b.intercepts(kHome));
    CHECK_FALSE(b.intercepts(kDynamic));
    CHECK(b.tunnelled_to(kDynamic) == kCareOf1);
  }
  SECTION("another primary instead") {
    b.configuration.primaries.erase(b.configuration.primaries.begin());
    b.secondary->apply_configuration(b.now, outputs);
    CHECK_FALSE(b.intercepts(kHome));
    CHECK(b.tunnelled_to(kHome) == kCareOf1);
    CHECK(b.secondary->agents(b.now).size() == 1);
    b.advance(b.configuration.linger);
    CHECK(b.plan.tunnels.items().empty());
  }
  SECTION("another key: it goes on, and the conversation begins anew") {
    b.configuration.primaries[0].key = Bytes(32, 9);
    b.secondary->apply_configuration(b.now, outputs);
    CHECK(b.intercepts(kHome));
    PrimaryEnd with_new_key(kFirstPrimary, Bytes(32, 9), 12);
    CHECK(b.tell_stop(with_new_key, {kHome, 8}).status == ForwardingStatus::Accepted);
  }
}

TEST_CASE("retiring: takes nothing new, follows what it has, and is done when nothing lingers") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 7));
  Outputs outputs;
  CHECK_FALSE(b.secondary->retire(b.now, outputs));
  CHECK(b.heartbeat(b.one).retiring);
  CHECK(b.tell_start(b.one, start_of(kOtherHome, 8)).status == ForwardingStatus::Retiring);
  auto moved = start_of(kHome, 9);
  moved.care_of_address = kCareOf2;
  CHECK(b.tell_start(b.one, moved).status == ForwardingStatus::Accepted);
  CHECK(b.tunnelled_to(kHome) == kCareOf2);
  b.tell_stop(b.one, {kHome, 10});
  CHECK_FALSE(b.secondary->retire(b.now, outputs));
  for (int i = 0; i < 50; ++i) {
    b.advance(b.configuration.linger / 50);
    b.heartbeat(b.one);
  }
  CHECK(b.secondary->retire(b.now, outputs));
}

TEST_CASE("retiring: a primary that is silent is not waited for") {
  Bench b;
  b.tell_start(b.one, start_of(kHome, 7));
  Outputs outputs;
  b.advance(b.configuration.dead_after);
  CHECK_FALSE(b.secondary->retire(b.now, outputs));
  b.advance(1ns);
  CHECK(b.secondary->retire(b.now, outputs));
  // It goes on all the same while it is there.
  CHECK(b.intercepts(kHome));
}

TEST_CASE("the words of the past are kept while something older may come, and not longer") {
  GoneNumbers gone;
  gone.message_believed();
  gone.remember(kHome, 7);
  for (std::uint64_t i = 0; i < GoneNumbers::kMessages; ++i) {
    gone.message_believed();
    CHECK(gone.find(kHome) == 7);
  }
  gone.message_believed();
  CHECK(gone.find(kHome) == 0);
  CHECK(gone.size() == 0);
  // A word that was said again counts from there on.
  gone.remember(kHome, 7);
  gone.message_believed();
  gone.remember(kHome, 8);
  for (std::uint64_t i = 0; i < GoneNumbers::kMessages; ++i) gone.message_believed();
  CHECK(gone.find(kHome) == 8);
}
