// SPDX-License-Identifier: GPL-3.0-or-later
// First packets: the rules that send them to the queue, and the queue.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iterator>

#include "kernel_bench.hpp"
#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/first_packet_rules.hpp"
#include "mipflow/platform/packet_queue.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace mipflow::platform::test;

namespace {

constexpr std::uint16_t kQueue = 6275;

// A socket filter that always answers the same, in place of the data path's.
FileDescriptor filter_answering(int value) {
  const std::array<bpf_insn, 2> program{{{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, value}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}}};
  FileDescriptor out(bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "answer", "GPL", program.data(), program.size(), nullptr));
  REQUIRE(out);
  return out;
}

// Sends a datagram that the routes lead through mip0. It ends there: nothing is attached.
// Packets carry the user and the group who opened the socket.
void send_datagram(uid_t user = 0, gid_t group = 0) {
  ::setfsgid(group);
  ::setfsuid(user);
  const FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ::setfsuid(0);
  ::setfsgid(0);
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(5000);
  REQUIRE(inet_pton(AF_INET6, "2001:db8:99::1", &to.sin6_addr) == 1);
  const std::array<char, 500> text{};
  REQUIRE(::sendto(socket.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 500);
}

struct QueueBench : Bench {
  NetlinkSocket netfilter = std::move(NetlinkSocket::open(NETLINK_NETFILTER).value());
  QueueBench() {
    tables.reconcile(mobile_node_plan(), true, refused);
    REQUIRE(refused.empty());
  }
};

}  // namespace

TEST_CASE("a first packet waits in the queue, cut, with its true length and its user, until the verdict") {
  QueueBench bench;
  const auto unknown = filter_answering(0);
  FirstPacketRules rules(bench.netfilter, {"mip0", kQueue, unknown.get()});
  REQUIRE(rules.install());
  REQUIRE(rules.install());  // in place of itself
  auto queue = PacketQueue::open(kQueue);
  REQUIRE(queue);
  // The counters of mip0: what the device gets, whatever it does with it.
  const auto sent = [] {
    std::ifstream file("/proc/thread-self/net/dev");
    for (std::string line; std::getline(file, line);)
      if (contains(line, "mip0:")) return line;
    return std::string();
  };
  const auto before = sent();
  send_datagram(4711, 4712);

  int seen = 0;
  HeldPacketId id = 0;
  REQUIRE(wait_for([&] {
    queue->read([&](const QueuedPacket& packet) {
      ++seen;
      id = packet.id;
      CHECK_FALSE(packet.incoming);
      CHECK(packet.packet.size() == PacketQueue::kCopyRange);
      CHECK(packet.length == 40 + 8 + 500);
      CHECK(packet.packet[0] >> 4 == 6);
      CHECK(packet.user == 4711u);
      CHECK(packet.group == 4712u);
    });
    return seen > 0;
  }));
  CHECK(seen == 1);
  CHECK(sent() == before);  // still held
  const auto waiting = [] {
    std::ifstream file("/proc/thread-self/net/netfilter/nfnetlink_queue");
    long long number = -1, port = -1, packets = -1;
    file >> number >> port >> packets;
    return packets;
  };
  CHECK(waiting() == 1);
  queue->verdict(id, VerdictKind::Accept);
  CHECK(waiting() == 0);
  CHECK(wait_for([&] { return sent() != before; }));
}

TEST_CASE("packets of known flows never meet the queue") {
  QueueBench bench;
  const auto known = filter_answering(1);
  FirstPacketRules rules(bench.netfilter, {"mip0", kQueue, known.get()});
  REQUIRE(rules.install());
  auto queue = PacketQueue::open(kQueue);
  REQUIRE(queue);
  send_datagram();
  CHECK(queue->read([](const QueuedPacket&) {}) == 0);
}

TEST_CASE("without a reader first packets go on") {
  QueueBench bench;
  const auto unknown = filter_answering(0);
  FirstPacketRules rules(bench.netfilter, {"mip0", kQueue, unknown.get()});
  REQUIRE(rules.install());
  send_datagram();  // fails when the packet is dropped in OUTPUT
}

TEST_CASE("a queue has one reader") {
  Namespace space;
  auto first = PacketQueue::open(kQueue);
  REQUIRE(first);
  auto second = PacketQueue::open(kQueue);
  REQUIRE_FALSE(second);
  CHECK_THAT(second.error().message, Catch::Contains("--queue"));
}

TEST_CASE("deleted rules are noticed, our own changes are not") {
  QueueBench bench;
  const auto known = filter_answering(1);
  FirstPacketRules rules(bench.netfilter, {"mip0", kQueue, known.get()});
  auto notifications = std::move(NetlinkSocket::open(NETLINK_NETFILTER).value());
  REQUIRE(notifications.subscribe(NFNLGRP_NFTABLES));
  const auto lost = [&] {
    bool found = false;
    while (notifications.receive([&](const nlmsghdr& message) { found |= rules.is_loss(message); }) != NetlinkSocket::Received::Nothing) {
    }
    return found;
  };
  REQUIRE(rules.install());
  REQUIRE(rules.install());
  CHECK_FALSE(lost());
  run("nft flush chain ip6 mipflow outgoing");
  CHECK(lost());
  REQUIRE(rules.install());
  run("nft add table ip6 other");
  run("nft delete table ip6 other");
  CHECK_FALSE(lost());
  run("nft flush ruleset");
  CHECK(lost());
  REQUIRE(rules.install());
  REQUIRE(FirstPacketRules::remove(bench.netfilter));
  REQUIRE(FirstPacketRules::remove(bench.netfilter));
  CHECK_FALSE(lost());
  CHECK(output_of("nft list ruleset").empty());
}
