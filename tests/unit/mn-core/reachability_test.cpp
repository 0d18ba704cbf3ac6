// SPDX-License-Identifier: GPL-3.0-or-later
// When probes leave, and what is made of their answers and of their silence.
#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <set>
#include <vector>

#include "mipflow/wire/echo.hpp"
#include "reachability.hpp"
#include "support.hpp"
#include "support/seed.hpp"

namespace mipflow::mobile_node::test {
namespace {

const CareOf kByWlan{kWlanAddress, kWlan};
const CareOf kByWwan{kWwanAddress, kWwan};

struct SentProbe {
  TimePoint at;
  InterfaceIndex interface;
  wire::PacketView view;
  wire::Echo echo;
};

// Reachability with a home agent that answers over those interfaces that a test gives a round trip.
class Bench {
 public:
  explicit Bench(std::vector<CareOf> paths = {kByWlan, kByWwan}) { reachability.set_paths(paths, now); }

  void advance(Duration duration) {
    const TimePoint end = now + duration;
    for (int rounds = 0;; ++rounds) {
      REQUIRE(rounds < 100'000);
      const TimePoint answer = answers_.empty() ? kNever : answers_.begin()->first;
      const TimePoint next = std::min(reachability.next_deadline(), answer);
      if (next > end) break;
      now = std::max(now, next);
      if (answer <= now) {
        const PacketReceived packet = answers_.begin()->second;
        answers_.erase(answers_.begin());
        CHECK(reachability.receive(packet, now));
      } else {
        Outputs outputs;
        reachability.on_deadline(now, outputs);
        for (const auto& packet : outputs.packets) take(packet);
      }
    }
    now = end;
  }

  static PacketReceived answer_to(const SentProbe& probe) {
    wire::Echo reply = probe.echo;
    reply.reply = true;
    return {.packet = wire::build_packet({.source = probe.view.destination, .destination = probe.view.source}, reply),
            .interface = probe.interface};
  }

  // Seconds after `since` at which probes left, of one interface or all.
  std::vector<double> times(TimePoint since, InterfaceIndex interface = 0) const {
    std::vector<double> out;
    for (const auto& probe : sent)
      if (probe.at >= since && (interface == 0 || probe.interface == interface))
        out.push_back(static_cast<double>(std::chrono::round<std::chrono::milliseconds>(probe.at - since).count()) / 1e3);
    return out;
  }
  std::optional<bool> online(InterfaceIndex interface) const { return reachability.measured(interface).online; }
  // As a flow with packets in both directions does it, every second.
  void busy_for(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 1s) {
      reachability.traffic(kWlan, 10, 10, now, now);
      advance(1s);
    }
  }

  TimePoint now{std::chrono::hours{1}};
  SeededRandom random{7};
  Reachability reachability{kHomeAgent, random};
  std::map<InterfaceIndex, Duration> round_trips;
  std::vector<SentProbe> sent;

 private:
  void take(const OutgoingPacket& packet) {
    const auto view = wire::parse_packet(packet.packet);
    REQUIRE(view);
    const auto echo = wire::decode_echo(*view);
    REQUIRE(echo);
    sent.push_back({now, packet.interface, *view, *echo});
    const auto found = round_trips.find(packet.interface);
    if (found != round_trips.end()) answers_.emplace(now + found->second, answer_to(sent.back()));
  }

  std::multimap<TimePoint, PacketReceived> answers_;
};

}  // namespace

TEST_CASE("a new path is asked four times, then seldom", "[reachability]") {
  Bench bench({kByWlan});
  const TimePoint start = bench.now;
  bench.round_trips[kWlan] = 20ms;
  CHECK_FALSE(bench.online(kWlan).has_value());
  bench.advance(20ms);
  CHECK(bench.online(kWlan) == true);
  bench.advance(700s);
  CHECK(bench.times(start) == std::vector<double>{0, 0.1, 0.2, 0.3, 300.32, 600.34});
  CHECK(bench.reachability.measured(kWlan).round_trip == 20ms);
  CHECK(bench.reachability.measured(kWlan).loss == 0u);
}

TEST_CASE("a probe is an Echo Request from the care-of address, by its interface, that nobody can answer unseen",
          "[reachability]") {
  Bench bench;
  bench.advance(400ms);
  REQUIRE(bench.sent.size() == 8);
  std::set<std::uint16_t> numbers;
  std::set<Bytes> payloads;
  for (const auto& probe : bench.sent) {
    CHECK(probe.view.source == (probe.interface == kWlan ? kWlanAddress : kWwanAddress));
    CHECK(probe.view.destination == kHomeAgent);
    CHECK_FALSE(probe.echo.reply);
    CHECK(probe.echo.identifier == bench.sent.front().echo.identifier);
    CHECK(probe.echo.data.size() == 16);
    numbers.insert(probe.echo.sequence);
    payloads.insert(probe.echo.data);
  }
  CHECK(numbers.size() == 8);
  CHECK(payloads.size() == 8);
}

TEST_CASE("a path that swallows everything is found out in 1.3 s, and asked again ever less often", "[reachability]") {
  Bench bench({kByWlan});
  const TimePoint start = bench.now;
  bench.advance(1'299ms);
  CHECK_FALSE(bench.online(kWlan).has_value());
  bench.advance(1ms);
  CHECK(bench.online(kWlan) == false);
  bench.advance(130s);
  CHECK(bench.times(start) == std::vector<double>{0, 0.1, 0.2, 0.3, 2.3, 4.3, 8.3, 16.3, 32.3, 62.3, 92.3, 122.3});
  CHECK(bench.reachability.measured(kWlan).loss == 1'000u);
  // One answer is enough, and worth a closer look.
  bench.round_trips[kWlan] = 10ms;
  bench.advance(22'310ms);
  CHECK(bench.online(kWlan) == true);
  const TimePoint back = start + 152'310ms;
  bench.advance(10s);
  CHECK(bench.times(back) == std::vector<double>{1, 2, 3, 4});
}

TEST_CASE("while flows are live it is asked every 30 s after the last proof", "[reachability]") {
  Bench bench({kByWlan});
  bench.round_trips[kWlan] = 20ms;
  bench.advance(100s);  // idle: nothing after the first four
  const TimePoint flows_begin = bench.now;
  bench.busy_for(70s);
  CHECK(bench.times(flows_begin) == std::vector<double>{0, 30.02, 60.04});
  bench.reachability.acknowledged(kByWlan, bench.now);
  bench.busy_for(40s);
  CHECK(bench.times(flows_begin + 61s) == std::vector<double>{39});  // 30 s after the acknowledgement
  const TimePoint last_packet = bench.now - 1s;
  bench.advance(360s);
  // Two more within the minute in which traffic counts, then seldom.
  CHECK(bench.times(last_packet) == std::vector<double>{21.02, 51.04, 351.06});
}

TEST_CASE("silence is noticed within 32.3 s at the latest, and the other way is asked at once", "[reachability]") {
  Bench bench;
  bench.round_trips = {{kWlan, 20ms}, {kWwan, 50ms}};
  bench.busy_for(100s);
  REQUIRE(bench.online(kWlan) == true);
  const TimePoint last_probe = bench.sent.back().at;
  bench.round_trips.erase(kWlan);
  const TimePoint broken = bench.now;
  while (bench.online(kWlan) == true) {
    bench.reachability.traffic(kWwan, 10, 10, bench.now, bench.now);
    bench.advance(100ms);
    REQUIRE(bench.now < broken + 40s);
  }
  CHECK(bench.now <= broken + 32'300ms);
  CHECK(bench.online(kWlan) == false);
  CHECK(bench.online(kWwan) == true);
  // One was lost; three more made sure.
  const auto by_wlan = bench.times(last_probe + 1ms, kWlan);
  REQUIRE(by_wlan.size() >= 4);
  CHECK(by_wlan[1] - by_wlan[0] == Approx(1.0));
  CHECK(by_wlan[2] - by_wlan[1] == Approx(0.1));
  CHECK(by_wlan[3] - by_wlan[2] == Approx(0.1));
}

TEST_CASE("packets that leave and bring nothing back are a reason to ask at once", "[reachability]") {
  Bench bench;
  bench.round_trips = {{kWlan, 20ms}, {kWwan, 50ms}};
  bench.busy_for(15s);
  bench.round_trips.erase(kWlan);
  const TimePoint broken = bench.now;
  for (int second = 0; second < 6; ++second) {
    bench.reachability.traffic(kWlan, 2, 0, bench.now, bench.now);
    bench.advance(1s);
  }
  CHECK(bench.times(broken, kWlan) == std::vector<double>{2, 3, 3.1, 3.2, 5.2});
  CHECK(bench.online(kWlan) == false);

  SECTION("but a flow that is never answered is not asked about without end") {
    bench.round_trips[kWlan] = 20ms;
    bench.advance(60s);
    REQUIRE(bench.online(kWlan) == true);
    const TimePoint from = bench.now;
    for (int second = 0; second < 60; ++second) {
      bench.reachability.traffic(kWlan, 20, 0, bench.now, bench.now);
      bench.advance(1s);
    }
    CHECK(bench.times(from, kWlan).size() <= 6);
  }
}

TEST_CASE("a home agent that is down is told from a broken link: the paths are judged together", "[reachability]") {
  Bench bench;
  bench.round_trips = {{kWlan, 20ms}, {kWwan, 50ms}};
  bench.busy_for(100s);
  bench.round_trips.clear();
  const TimePoint down = bench.now;
  for (;;) {
    bench.advance(1ms);
    REQUIRE((bench.online(kWlan) == false) == (bench.online(kWwan) == false));
    if (bench.online(kWlan) == false) break;
    REQUIRE(bench.now < down + 310s);
  }
  bench.round_trips = {{kWlan, 20ms}, {kWwan, 50ms}};
  bench.advance(31s);
  CHECK(bench.online(kWlan) == true);
  CHECK(bench.online(kWwan) == true);
}

TEST_CASE("a home agent that answers no probe at all says nothing about the interfaces", "[reachability]") {
  Bench bench;
  bench.advance(500ms);
  bench.reachability.acknowledged(kByWlan, bench.now);
  CHECK_FALSE(bench.online(kWlan).has_value());  // one like the other: else flows would go where a home address is registered
  const TimePoint from = bench.now;
  bench.busy_for(1'000s);
  CHECK_FALSE(bench.online(kWwan).has_value());
  CHECK_FALSE(bench.online(kWlan).has_value());
  CHECK_FALSE(bench.reachability.measured(kWlan).loss.has_value());
  CHECK(bench.times(from + 10s).size() <= 2 * 4 * 5);  // asked seldom
  // A registration that succeeds late takes back what was thought before.
  Bench late;
  late.advance(10s);
  REQUIRE(late.online(kWlan) == false);
  late.reachability.acknowledged(kByWwan, late.now);
  CHECK_FALSE(late.online(kWlan).has_value());
}

TEST_CASE("a network that drops probes, but not registrations, is online", "[reachability]") {
  Bench bench;
  bench.round_trips[kWwan] = 50ms;
  bench.advance(10s);
  REQUIRE(bench.online(kWlan) == false);
  bench.reachability.acknowledged(kByWlan, bench.now);
  bench.busy_for(100s);
  CHECK(bench.online(kWlan) == true);
  CHECK(bench.online(kWwan) == true);
}

TEST_CASE("only the home agent's answer to this very probe counts", "[reachability]") {
  Bench bench({kByWlan});
  bench.advance(50ms);
  REQUIRE(bench.sent.size() == 1);
  const SentProbe& probe = bench.sent.front();
  const auto forged = [&](auto&& change) {
    SentProbe other = probe;
    change(other);
    PacketReceived packet = Bench::answer_to(other);
    CHECK(bench.reachability.receive(packet, bench.now));  // nobody else wants it
    return bench.online(kWlan).has_value();
  };
  CHECK_FALSE(forged([](auto& other) { other.echo.data[3] ^= 1; }));
  CHECK_FALSE(forged([](auto& other) { other.echo.data.clear(); }));
  CHECK_FALSE(forged([](auto& other) { other.echo.data.push_back(0); }));
  CHECK_FALSE(forged([](auto& other) { ++other.echo.identifier; }));
  CHECK_FALSE(forged([](auto& other) { ++other.echo.sequence; }));
  CHECK_FALSE(forged([](auto& other) { other.interface = kWwan; }));
  CHECK_FALSE(forged([](auto& other) { other.view.destination = kCorrespondent; }));  // a stranger's
  CHECK_FALSE(forged([](auto& other) { other.view.source = kWwanAddress; }));
  PacketReceived tunnelled = Bench::answer_to(probe);
  tunnelled.tunnel_source = kHomeAgent;
  CHECK(bench.reachability.receive(tunnelled, bench.now));
  CHECK_FALSE(bench.online(kWlan).has_value());
  CHECK(bench.reachability.receive(Bench::answer_to(probe), bench.now));
  CHECK(bench.online(kWlan) == true);
  // And only once; what is no Echo Reply is left to others.
  const auto before = bench.reachability.measured(kWlan);
  bench.now += 100ms;
  bench.reachability.receive(Bench::answer_to(probe), bench.now);
  CHECK(bench.reachability.measured(kWlan) == before);
  CHECK_FALSE(bench.reachability.receive(
      {.packet = wire::build_packet({.source = kHomeAgent, .destination = kWlanAddress}, wire::Echo{}), .interface = kWlan}, bench.now));
  CHECK_FALSE(bench.reachability.receive({.packet = Bytes(17, 0), .interface = kWlan}, bench.now));
}

TEST_CASE("a link that became slow is looked at closely and known as such within half a minute and some seconds",
          "[reachability]") {
  Bench bench({kByWlan});
  bench.round_trips[kWlan] = 20ms;
  bench.busy_for(100s);
  const TimePoint slow = bench.now;
  bench.round_trips[kWlan] = 220ms;
  while (*bench.reachability.measured(kWlan).round_trip < 120ms) {
    bench.reachability.traffic(kWlan, 1, 1, bench.now, bench.now);
    bench.advance(1s);
    REQUIRE(bench.now < slow + 40s);
  }
  bench.busy_for(60s);
  CHECK(*bench.reachability.measured(kWlan).round_trip > 180ms);
  CHECK(*bench.reachability.measured(kWlan).round_trip <= 220ms);
}

TEST_CASE("an answer that comes late is still a proof, and probes are waited for longer then", "[reachability]") {
  Bench bench({kByWlan});
  bench.round_trips[kWlan] = 1'500ms;
  bench.advance(1'499ms);
  CHECK(bench.online(kWlan) == false);
  bench.advance(1ms);
  CHECK(bench.online(kWlan) == true);
  bench.busy_for(200s);
  CHECK(bench.online(kWlan) == true);
  CHECK(bench.reachability.measured(kWlan).round_trip == 1'500ms);
}

TEST_CASE("loss is that of the last twenty probes", "[reachability]") {
  Bench bench({kByWlan});
  bench.round_trips[kWlan] = 20ms;
  bench.busy_for(40s);
  bench.round_trips.erase(kWlan);
  bench.advance(65s);
  const auto lost = bench.reachability.measured(kWlan).loss;
  REQUIRE(lost.has_value());
  CHECK(*lost > 500);
  CHECK(*lost < 1'000);
  bench.round_trips[kWlan] = 20ms;
  bench.busy_for(20min);
  CHECK(bench.reachability.measured(kWlan).loss == 0u);
}

TEST_CASE("another care-of address is another path; a path that ends is forgotten", "[reachability]") {
  Bench bench({kByWlan});
  bench.round_trips[kWlan] = 20ms;
  bench.advance(10s);
  const TimePoint moved = bench.now;
  const CareOf elsewhere{address("2001:db8:77::1"), kWlan};
  bench.reachability.set_paths({elsewhere}, bench.now);
  CHECK(bench.reachability.measured(kWlan) == Reachability::Measured{});
  bench.advance(1s);
  CHECK(bench.times(moved) == std::vector<double>{0, 0.1, 0.2, 0.3});
  CHECK(bench.sent.back().view.source == elsewhere.address);
  bench.reachability.set_paths({}, bench.now);
  CHECK(bench.reachability.next_deadline() == kNever);
  CHECK(bench.reachability.measured(kWlan) == Reachability::Measured{});
}

// Whatever is lost and however late answers come: time goes on, nothing grows, and the rate stays within the budget.
TEST_CASE("no pattern of losses and delays makes it talk more than its budget", "[reachability][random]") {
  std::mt19937_64 random(mipflow::test::seed("reachability_test"));
  for (int run = 0; run < 40; ++run) {
    Bench bench;
    for (int minute = 0; minute < 20; ++minute) {
      const TimePoint begin = bench.now;
      for (int second = 0; second < 60; ++second) {
        bench.round_trips.clear();
        for (const InterfaceIndex interface : {kWlan, kWwan})
          if (random() % 4 != 0) bench.round_trips[interface] = std::chrono::milliseconds{1 + random() % 6'000};
        if (random() % 2 == 0) bench.reachability.traffic(kWlan, random() % 5, random() % 2, bench.now, bench.now);
        bench.advance(1s);
      }
      REQUIRE(bench.times(begin).size() <= 2 * 90);
    }
  }
}

}  // namespace mipflow::mobile_node::test
