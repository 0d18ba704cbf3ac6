// SPDX-License-Identifier: GPL-3.0-or-later
// First packets that wait for who their socket belongs to. The packets are of no socket: their owner is what came with them.
#include <catch2/catch.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/executor_work_guard.hpp>
#include <map>

#include "first_packets.hpp"
#include "mipflow/platform/file_descriptor.hpp"

using namespace mipflow;
using namespace mipflow::mnd;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kUser = 4711;

// UDP from 2001:db8:1::1 to port 9 of 2001:db8:2::1.
Bytes datagram(std::uint16_t source_port) {
  Bytes out{0x60, 0, 0, 0, 0, 8, kProtocolUdp, 64};
  for (const auto* text : {"2001:db8:1::1", "2001:db8:2::1"}) {
    const auto octets = Address::parse(text)->octets;
    out.insert(out.end(), octets.begin(), octets.end());
  }
  const Bytes udp{static_cast<std::uint8_t>(source_port >> 8), static_cast<std::uint8_t>(source_port), 0, 9, 0, 8, 0, 0};
  out.insert(out.end(), udp.begin(), udp.end());
  return out;
}

// A UDP socket of this process that any packet from its port may come from.
class OpenSocket {
 public:
  OpenSocket() : descriptor_(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    socklen_t size = sizeof name;
    REQUIRE(::bind(descriptor_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    REQUIRE(::getsockname(descriptor_.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
    port = ntohs(name.sin6_port);
  }
  std::uint16_t port = 0;

 private:
  platform::FileDescriptor descriptor_;
};

// On a host that is too busy to find a process: it takes more than so many searches.
class BusyHost : public platform::SocketHolders {
 public:
  explicit BusyHost(std::size_t searches_in_vain) : searches_in_vain_(searches_in_vain) {}
  platform::SocketHolder find(std::uint64_t, std::optional<std::uint32_t>, const std::string&, Clock::time_point until) override {
    patience.push_back(until - Clock::now());
    platform::SocketHolder out;
    out.time_was_over = patience.size() <= searches_in_vain_;
    if (!out.time_was_over) out.process = 4712, out.program = "/usr/bin/late";
    return out;
  }
  std::optional<bool> is_in_our_network(pid_t) override { return true; }
  std::string cgroup_of(pid_t) override { return {}; }

  std::vector<Clock::duration> patience;  // of each search; the thread that searches has told what it found before this is read

 private:
  std::size_t searches_in_vain_;
};

class Bench {
 public:
  explicit Bench(Duration hold_limit, std::shared_ptr<platform::SocketHolders> holders = platform::look_for_holders_here())
      : holders_(std::move(holders)),
        first_packets_(loop_, holders_,
                       {.event = [this](const Event& event) { happened(event); }, .needs_owner = [this](const FlowPacket&) { return needs_owner; }},
                       hold_limit) {
    REQUIRE(first_packets_.begin(marks_));
  }
  void take(std::uint16_t port) {
    const auto octets = datagram(port);  // as the queue's: gone after the call
    first_packets_.take({.id = ++id_, .packet = octets, .length = 48, .user = kUser}, 77);
  }
  void stop() { first_packets_.stop(); }
  template <class Condition>
  bool wait_for(Condition&& condition) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= until) return false;
      loop_.restart();
      loop_.run_one_for(50ms);
    }
    return true;
  }

  bool needs_owner = true;
  std::vector<HeldPacketId> order;
  std::map<HeldPacketId, FlowOwnerPointer> packets;
  std::map<HeldPacketId, Duration> waited;
  std::size_t twice = 0;       // packets that were handed over again
  std::size_t wrong = 0;       // packets whose octets are no longer theirs
  std::vector<FlowOwnerFound> found;

 private:
  void happened(const Event& event) {
    if (const auto* late = std::get_if<FlowOwnerFound>(&event)) found.push_back(*late);
    const auto* packet = std::get_if<FlowPacket>(&event);
    if (packet == nullptr) return;
    order.push_back(packet->id);
    waited[packet->id] = packet->waited;
    twice += !packets.emplace(packet->id, packet->owner).second;
    wrong += packet->packet.size() != 48 || packet->packet[6] != kProtocolUdp;
  }

  boost::asio::io_context loop_{1};
  platform::SocketMarks marks_;
  std::shared_ptr<platform::SocketHolders> holders_;
  FirstPackets first_packets_;
  HeldPacketId id_ = 0;
};

}  // namespace

TEST_CASE("a packet whose class depends on its owner waits for it") {
  Bench bench(10s);
  bench.take(1000);
  CHECK(bench.order.empty());
  REQUIRE(bench.wait_for([&] { return !bench.order.empty(); }));
  REQUIRE(bench.packets[1]);
  CHECK(bench.packets[1]->user == kUser);
  CHECK(bench.packets[1]->group == 77u);
  CHECK(bench.waited[1] > Duration::zero());
  CHECK(bench.wrong == 0);
  CHECK(bench.found.empty());
}

TEST_CASE("one whose class does not goes at once, and its owner is told afterwards") {
  Bench bench(10s);
  bench.needs_owner = false;
  bench.take(1000);
  CHECK(bench.order.size() == 1);
  CHECK(bench.packets[1] == nullptr);
  CHECK(bench.waited[1] == Duration::zero());
  REQUIRE(bench.wait_for([&] { return !bench.found.empty(); }));
  CHECK(bench.found[0].key.source_port == 1000);
  CHECK(bench.found[0].owner->user == kUser);
  // Packet after packet of it: it is not looked up again.
  for (int i = 0; i < 50; ++i) bench.take(1000);
  bench.take(1001);
  REQUIRE(bench.wait_for([&] { return bench.found.size() == 2; }));
  CHECK(bench.found[1].key.source_port == 1001);
}

TEST_CASE("with a hold limit of zero nothing waits") {
  Bench bench(0s);
  bench.take(1000);
  CHECK(bench.order.size() == 1);
}

TEST_CASE("the packets of a flow keep their order, and wait for one look-up") {
  Bench bench(10s);
  for (int i = 0; i < 5; ++i) bench.take(1000);
  REQUIRE(bench.wait_for([&] { return bench.order.size() == 5; }));
  CHECK(bench.order == std::vector<HeldPacketId>{1, 2, 3, 4, 5});
  for (const auto& [id, owner] : bench.packets) CHECK(owner);
  CHECK(bench.wrong == 0);
}

TEST_CASE("a flood of new flows does not wait without bound, and every packet goes once") {
  Bench bench(10s);
  constexpr std::size_t kFlood = 4 * FirstPackets::kMostWaiting;
  for (std::size_t i = 0; i < kFlood; ++i) {
    bench.take(static_cast<std::uint16_t>(1000 + i));
    REQUIRE(bench.packets.size() + FirstPackets::kMostWaiting >= i + 1);
  }
  REQUIRE(bench.wait_for([&] { return bench.packets.size() == kFlood; }));
  CHECK(bench.twice == 0);
  CHECK(bench.wrong == 0);
}

TEST_CASE("one flow can not take the room of all for ever") {
  Bench bench(10s);
  for (std::size_t i = 0; i <= FirstPackets::kMostWaiting; ++i) bench.take(1000);
  CHECK(bench.order.size() == FirstPackets::kMostWaiting + 1);
  CHECK(std::is_sorted(bench.order.begin(), bench.order.end()));
}

TEST_CASE("what is not known within the hold limit goes without, and is told later") {
  Bench bench(1ns);
  for (std::uint16_t i = 0; i < 200; ++i) bench.take(static_cast<std::uint16_t>(1000 + i));
  REQUIRE(bench.wait_for([&] { return bench.packets.size() == 200; }));
  std::size_t without = 0;
  for (const auto& [id, owner] : bench.packets) without += owner == nullptr;
  CHECK(without > 0);
  REQUIRE(bench.wait_for([&] { return bench.found.size() == without; }));
  CHECK(bench.twice == 0);
}

TEST_CASE("a program that was not found in time is searched for once more, with more patience") {
  const auto searches_in_vain = GENERATE(std::size_t{1}, std::size_t{1000});
  const auto host = std::make_shared<BusyHost>(searches_in_vain);
  const OpenSocket socket, another;
  Bench bench(10s, host);
  bench.needs_owner = false;
  bench.take(socket.port);
  REQUIRE(bench.wait_for([&] { return bench.found.size() == 2; }));
  CHECK(bench.found[0].owner->user == kUser);
  CHECK(bench.found[0].owner->program.empty());
  CHECK(bench.found[1].key == bench.found[0].key);
  CHECK(bench.found[1].owner->program == (searches_in_vain == 1 ? "/usr/bin/late" : ""));
  CHECK(host->patience[1] > host->patience[0]);
  // Not a third time.
  bench.take(another.port);
  const std::size_t told = searches_in_vain == 1 ? 3 : 4;
  REQUIRE(bench.wait_for([&] { return bench.found.size() == told; }));
  CHECK(host->patience.size() == told);
}

TEST_CASE("at the end nothing is left waiting") {
  Bench bench(10s);
  for (std::uint16_t i = 0; i < 20; ++i) bench.take(static_cast<std::uint16_t>(1000 + i));
  bench.stop();
  CHECK(bench.packets.size() == 20);
  bench.take(2000);
  CHECK(bench.packets.size() == 21);
}
