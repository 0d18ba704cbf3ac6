// SPDX-License-Identifier: GPL-3.0-or-later
// What the adapters do to a real kernel, each case in a network namespace of its own that goes with it. Needs root.
//
//   (namespace)  mip0      uplink ══ far
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <catch2/catch.hpp>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>

#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/first_packet_rules.hpp"
#include "mipflow/platform/kernel_tables.hpp"
#include "mipflow/platform/mip_device.hpp"
#include "mipflow/platform/multicast_groups.hpp"
#include "mipflow/platform/names.hpp"
#include "mipflow/platform/neighbour_listener.hpp"
#include "mipflow/platform/network_observer.hpp"
#include "mipflow/platform/packet_queue.hpp"
#include "mipflow/platform/packet_sender.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace std::chrono_literals;

namespace {

const Address kHomeAgent = *Address::parse("2001:db8:1::1");
const Address kPrimary = *Address::parse("2001:db8:1::100");
const Address kOther = *Address::parse("2001:db8:1::101");
const Address kCareOf = *Address::parse("2001:db8:a::1");
constexpr std::uint16_t kQueue = 6275;

// What a command prints. Tests may run commands, daemons may not.
std::string output_of(const std::string& command) {
  std::string out;
  std::array<char, 4096> part;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  while (pipe && std::fgets(part.data(), static_cast<int>(part.size()), pipe)) out += part.data();
  INFO(command << ": " << out);
  CHECK(pclose(pipe) == 0);
  return out;
}

void run(const std::string& command) { output_of(command); }

bool wait_for(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    usleep(2000);
  }
  return true;
}

struct Namespace {
  Namespace() {
    REQUIRE(geteuid() == 0);
    REQUIRE(unshare(CLONE_NEWNET) == 0);
    run("ip link set lo up");
    run("sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0");
    run("ip link add uplink type veth peer name far");
    run("ip link set uplink up");
    run("ip link set far up");
    run("ip -6 addr add 2001:db8:a::1/64 dev uplink nodad");
    run("ip -6 route add default via fe80::1 dev uplink");
  }
};

struct Bench : Namespace {
  NetlinkSocket socket = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
  InterfaceIndex device = ensure_mip_device(socket, "mip0", 1460).value();
  KernelTables tables{socket, device};
  std::vector<Failure> refused;
};

forwarding::ForwardingPlan mobile_node_plan() {
  forwarding::ForwardingPlan plan;
  plan.home_agents.set(kHomeAgent, {});
  plan.care_of_addresses.set(kCareOf, {3});
  plan.home_addresses.set(kPrimary, {1, true});
  plan.home_addresses.set(kOther, {1, false});
  plan.default_route = forwarding::DefaultRoute{kPrimary, 1400};
  return plan;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("mip0 is made, found again, and removed; a device of somebody else is left alone") {
  Namespace space;
  auto socket = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
  const auto first = ensure_mip_device(socket, "mip0", 1460);
  REQUIRE(first);
  CHECK(ensure_mip_device(socket, "mip0", 1440).value() == *first);
  const auto shown = output_of("ip link show dev mip0");
  CHECK(contains(shown, "mtu 1440"));
  CHECK(contains(shown, "alias mipflow"));
  CHECK_FALSE(contains(output_of("ip -6 addr show dev mip0"), "fe80::"));
  REQUIRE(remove_mip_device(socket, "mip0"));
  REQUIRE(remove_mip_device(socket, "mip0"));

  const auto foreign = ensure_mip_device(socket, "uplink", 1460);
  REQUIRE_FALSE(foreign);
  CHECK_THAT(foreign.error().message, Catch::Contains("uplink") && Catch::Contains("--device"));
  REQUIRE(remove_mip_device(socket, "uplink"));
  run("ip link show dev uplink");
}

TEST_CASE("who asks for which route gets which") {
  Bench bench;
  auto plan = mobile_node_plan();
  std::optional<forwarding::DefaultRoute> before;
  bench.tables.add(take_changes(plan, before), bench.refused);
  REQUIRE(bench.refused.empty());

  const auto route = [](const std::string& words) { return output_of("ip -6 route get " + words); };
  CHECK_THAT(route("2001:db8:99::1"), Catch::Contains("dev mip0") && Catch::Contains("src 2001:db8:1::100") && Catch::Contains("mtu 1400"));
  CHECK_THAT(route("2001:db8:99::1 from 2001:db8:1::101"), Catch::Contains("dev mip0"));
  CHECK_THAT(route("2001:db8:99::1 from 2001:db8:a::1"), Catch::Contains("dev uplink"));
  CHECK_THAT(route("2001:db8:99::1 mark 0x10000000"), Catch::Contains("dev uplink"));
  CHECK_THAT(route("2001:db8:99::1 oif uplink"), Catch::Contains("dev uplink"));
  CHECK_THAT(route("2001:db8:1::1"), Catch::Contains("dev uplink"));       // the home agent
  CHECK_THAT(route("2001:db8:a::77"), Catch::Contains("dev uplink"));      // a neighbour on the link

  plan = {};
  PlanChanges away;
  away.home_agents.erase = {kHomeAgent};
  away.care_of_addresses.erase = {kCareOf};
  away.home_addresses.erase = {kPrimary, kOther};
  away.default_route_changed = true;
  bench.tables.remove(away, bench.refused);
  bench.tables.remove(away, bench.refused);  // gone already is no failure
  CHECK(bench.refused.empty());
  CHECK(bench.tables.reconcile({}, true, bench.refused) == 0);
  CHECK_THAT(route("2001:db8:99::1"), Catch::Contains("dev uplink"));
}

TEST_CASE("only the primary home address is ever chosen by itself") {
  Bench bench;
  auto plan = mobile_node_plan();
  bench.tables.reconcile(plan, true, bench.refused);
  REQUIRE(bench.refused.empty());
  const auto shown = output_of("ip -6 addr show dev mip0");
  CHECK(contains(shown.substr(shown.find("2001:db8:1::101")), "preferred_lft 0sec"));
  CHECK(contains(shown.substr(shown.find("2001:db8:1::100/")), "preferred_lft forever"));
  // The other way round, by replacing what is there.
  plan.home_addresses.set(kPrimary, {1, false});
  plan.home_addresses.set(kOther, {1, true});
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 2);
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
}

TEST_CASE("what somebody deletes comes back, what nobody wants goes, what is not ours stays") {
  Bench bench;
  const auto plan = mobile_node_plan();
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 7);
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  run("ip -6 rule flush proto 75");
  run("ip -6 route flush table 6275");
  run("ip -6 addr del 2001:db8:1::101/128 dev mip0");
  run("ip -6 rule add pref 6273 from 2001:db8:b::1 lookup main proto 75");  // of a daemon that died
  run("ip -6 route add 2001:db8:1::999/128 dev mip0 proto 75");
  run("ip -6 rule add pref 500 from 2001:db8:c::1 lookup main");            // somebody else's
  CHECK(bench.tables.reconcile(plan, false, bench.refused) == 6);
  CHECK(contains(output_of("ip -6 rule"), "2001:db8:b::1"));  // not taken away yet
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 2);
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  CHECK(contains(output_of("ip -6 rule"), "500:"));
  CHECK(bench.tables.reconcile({}, true, bench.refused) == 7);
  CHECK(contains(output_of("ip -6 rule"), "500:"));
  CHECK_FALSE(contains(output_of("ip -6 rule"), "proto 75"));
  CHECK(bench.refused.empty());
}

TEST_CASE("a home agent's host routes and proxies are read back") {
  Bench bench;
  const auto uplink = if_nametoindex("uplink");
  forwarding::ForwardingPlan plan;
  plan.tunnels.set(kPrimary, {kCareOf, kHomeAgent});
  plan.proxied_neighbours.set({uplink, kPrimary}, {});
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 2);
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 0);
  CHECK_THAT(output_of("ip -6 route get 2001:db8:1::100"), Catch::Contains("dev mip0"));
  CHECK_THAT(output_of("ip -6 neigh show proxy"), Catch::Contains("2001:db8:1::100 dev uplink"));
  run("ip -6 neigh del proxy 2001:db8:1::100 dev uplink");
  CHECK(bench.tables.reconcile(plan, true, bench.refused) == 1);
  CHECK(bench.tables.reconcile({}, true, bench.refused) == 2);
  CHECK(bench.refused.empty());
}

TEST_CASE("a refusal names the object and the reason") {
  Bench bench;
  forwarding::ForwardingPlan plan;
  plan.proxied_neighbours.set({4711, kPrimary}, {});
  bench.tables.reconcile(plan, true, bench.refused);
  REQUIRE(bench.refused.size() == 1);
  CHECK_THAT(bench.refused[0].message, Catch::Contains("proxied neighbour 2001:db8:1::100") && Catch::Contains("No such device"));
}

TEST_CASE("the loss of something wanted is noticed, the loss of something else is not") {
  Bench bench;
  const auto plan = mobile_node_plan();
  bench.tables.reconcile(plan, true, bench.refused);
  auto notifications = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
  for (const unsigned group : {RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE}) REQUIRE(notifications.subscribe(group));
  const auto losses = [&](const std::string& command) {
    run(command);
    int found = 0;
    while (notifications.receive([&](const nlmsghdr& message) { found += bench.tables.is_loss(message, plan); }) !=
           NetlinkSocket::Received::Nothing) {
    }
    return found;
  };
  CHECK(losses("ip -6 rule del pref 6275") == 1);
  CHECK(losses("ip -6 rule del pref 6273") == 1);
  CHECK(losses("ip -6 route del default table 6275") == 1);
  CHECK(losses("ip -6 addr del 2001:db8:1::101/128 dev mip0") == 1);
  CHECK(losses("ip -6 rule add pref 500 from 2001:db8:c::1 lookup main") == 0);
  CHECK(losses("ip -6 rule del pref 500") == 0);
  CHECK(losses("ip -6 addr del 2001:db8:a::1/64 dev uplink") == 0);
}

namespace {

// A socket filter that always answers the same, in place of the data path's.
FileDescriptor filter_answering(int value) {
  const std::array<bpf_insn, 2> program{{{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, value}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}}};
  FileDescriptor out(bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "answer", "GPL", program.data(), program.size(), nullptr));
  REQUIRE(out);
  return out;
}

// Sends a datagram that the routes lead through mip0. It ends there: nothing is attached.
// Packets carry the user who opened the socket.
void send_datagram(uid_t user = 0) {
  ::setfsuid(user);
  const FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ::setfsuid(0);
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
  send_datagram(4711);

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

namespace {

// Writes down what it is told.
class Notebook final : public NetworkListener {
 public:
  void on_link(const Link& link) override {
    if (link.name != "lo") lines.push_back(link.name + (link.up ? " up" : " down") + (link.running ? " running" : ""));
  }
  void on_link_removed(const Link& link) override { lines.push_back(link.name + " removed"); }
  void on_address(const InterfaceAddress& address) override { note_global("address ", address.address); }
  void on_address_removed(const InterfaceAddress& address) override { note_global("no address ", address.address); }
  void on_router(InterfaceIndex, const Address& router, bool reachable) override {
    lines.push_back("router " + to_string(router) + (reachable ? "" : " unreachable"));
  }
  void on_router_removed(InterfaceIndex, const Address& router) override { lines.push_back("no router " + to_string(router)); }
  void on_notification(const nlmsghdr&) override {}
  void on_overrun() override { lines.push_back("overrun"); }

  bool has(const std::string& line) const { return std::find(lines.begin(), lines.end(), line) != lines.end(); }
  std::vector<std::string> lines;

 private:
  void note_global(const char* what, const Address& address) {
    if (!address.is_link_local()) lines.push_back(what + to_string(address));
  }
};

struct ObserverBench : Namespace {
  NetlinkSocket requests = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
  Notebook notebook;
  NetworkObserver observer{requests, notebook};
  ObserverBench() { REQUIRE(observer.start()); }
  bool hears(const std::string& line) {
    return wait_for([&] {
      REQUIRE(observer.on_readable());
      return notebook.has(line);
    });
  }
};

}  // namespace

TEST_CASE("the present state is told at start, changes as they come, each once") {
  ObserverBench bench;
  CHECK(bench.hears("uplink up running"));
  CHECK(bench.notebook.has("address 2001:db8:a::1"));
  CHECK(bench.notebook.has("router fe80::1"));

  bench.notebook.lines.clear();
  run("ip link set far down");
  CHECK(bench.hears("uplink up"));
  run("ip link set far up");
  CHECK(bench.hears("uplink up running"));
  run("ip -6 addr add 2001:db8:a::2/64 dev uplink nodad");
  CHECK(bench.hears("address 2001:db8:a::2"));
  run("ip -6 addr del 2001:db8:a::2/64 dev uplink");
  CHECK(bench.hears("no address 2001:db8:a::2"));
  CHECK(std::count(bench.notebook.lines.begin(), bench.notebook.lines.end(), "address 2001:db8:a::2") == 1);
}

TEST_CASE("of several routers that share a metric each comes and goes on its own") {
  ObserverBench bench;
  run("ip -6 route append default via fe80::2 dev uplink");
  CHECK(bench.hears("router fe80::2"));
  run("ip -6 route del default via fe80::1 dev uplink");
  CHECK(bench.hears("no router fe80::1"));
  CHECK_FALSE(bench.notebook.has("no router fe80::2"));
}

TEST_CASE("a router that does not answer is unreachable, and reachable when it does") {
  ObserverBench bench;
  run("ip -6 neigh replace fe80::1 dev uplink lladdr 02:00:00:00:00:01 nud reachable");
  run("ip -6 neigh replace fe80::1 dev uplink lladdr 02:00:00:00:00:01 nud failed");
  CHECK(bench.hears("router fe80::1 unreachable"));
  bench.notebook.lines.clear();
  run("ip -6 neigh replace fe80::1 dev uplink lladdr 02:00:00:00:00:01 nud reachable");
  CHECK(bench.hears("router fe80::1"));
}

TEST_CASE("a removed interface takes its routers and addresses along, itself last") {
  ObserverBench bench;
  run("ip link del uplink");
  CHECK(bench.hears("uplink removed"));
  const auto& lines = bench.notebook.lines;
  const auto at = [&](const std::string& line) { return std::find(lines.begin(), lines.end(), line) - lines.begin(); };
  CHECK(bench.notebook.has("no router fe80::1"));
  CHECK(bench.notebook.has("no address 2001:db8:a::1"));
  CHECK(at("no address 2001:db8:a::1") < at("uplink removed"));
  CHECK(at("no router fe80::1") < at("uplink removed"));
}

TEST_CASE("a process that is not the kernel is not believed") {
  ObserverBench bench;
  bench.notebook.lines.clear();
  const FileDescriptor forger(::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  struct {
    nlmsghdr header;
    ifinfomsg link;
  } message{};
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = RTM_DELLINK;
  message.link.ifi_index = static_cast<int>(if_nametoindex("uplink"));
  sockaddr_nl to{};
  to.nl_family = AF_NETLINK;
  socklen_t size = sizeof to;
  REQUIRE(::getsockname(bench.observer.descriptor(), reinterpret_cast<sockaddr*>(&to), &size) == 0);
  REQUIRE(::sendto(forger.get(), &message, sizeof message, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == sizeof message);
  REQUIRE(bench.observer.on_readable());
  CHECK(bench.notebook.lines.empty());
}

TEST_CASE("solicited-node groups are joined once and left with the last watcher") {
  Namespace space;
  const auto uplink = if_nametoindex("uplink");
  const auto is_member = [] { return contains(output_of("ip -6 maddr show dev uplink"), "ff02::1:ff00:100"); };
  const Address same_group = *Address::parse("2001:db8:2::100");
  MulticastGroups groups;
  REQUIRE(groups.watch(uplink, kPrimary));
  REQUIRE(groups.watch(uplink, same_group));
  CHECK(is_member());
  groups.unwatch(uplink, kPrimary);
  CHECK(is_member());
  groups.unwatch(uplink, same_group);
  CHECK_FALSE(is_member());
  // More than one socket may hold.
  for (std::uint8_t i = 0; i < 250; ++i) {
    Address address = kPrimary;
    address.octets[14] = i;
    address.octets[15] = 0x77;
    REQUIRE(groups.watch(uplink, address));
  }
  CHECK_FALSE(groups.watch(4711, kPrimary));
}

TEST_CASE("packets leave as they were built, by the interface and to the neighbour that was asked for") {
  Namespace space;
  const FileDescriptor far(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(0x86dd)));
  auto sender = PacketSender::open();
  REQUIRE(sender);
  Bytes packet(48);
  packet[0] = 0x60;
  packet[5] = 8;
  packet[6] = 135;
  packet[7] = 64;
  std::copy(kPrimary.octets.begin(), kPrimary.octets.end(), packet.begin() + 8);  // not an address of this host
  const Address peer = *Address::parse("2001:db8:99::1");
  std::copy(peer.octets.begin(), peer.octets.end(), packet.begin() + 24);
  run("ip -6 neigh replace fe80::1 dev uplink lladdr 02:00:00:00:00:01 nud permanent");
  const auto arrives = [&](const LinkLayerAddress& destination) {
    return wait_for([&] {
      std::array<std::uint8_t, 2000> frame;
      ssize_t size = 0;
      while ((size = ::recv(far.get(), frame.data(), frame.size(), 0)) > 0)
        if (size == 14 + 48 && std::equal(destination.begin(), destination.end(), frame.begin()) && std::equal(packet.begin(), packet.end(), frame.begin() + 14))
          return true;
      return false;
    });
  };
  REQUIRE(sender->send({.packet = packet}));
  CHECK(arrives({2, 0, 0, 0, 0, 1}));
  REQUIRE(sender->send({.packet = packet, .interface = if_nametoindex("uplink")}));
  CHECK(arrives({2, 0, 0, 0, 0, 1}));
  REQUIRE(sender->send({.packet = packet, .interface = if_nametoindex("uplink"), .link_layer_destination = LinkLayerAddress{2, 0, 0, 0, 0, 9}}));
  CHECK(arrives({2, 0, 0, 0, 0, 9}));
  CHECK_FALSE(sender->send({.packet = Bytes(39)}));
  CHECK_FALSE(sender->send({.packet = packet, .interface = 4711}));
}

TEST_CASE("solicitations and advertisements about watched addresses are heard, and nothing else") {
  Namespace space;
  const auto uplink = if_nametoindex("uplink");
  boost::asio::io_context loop;
  std::vector<PacketReceived> heard;
  NeighbourListener listener(loop, [&](PacketReceived packet) { heard.push_back(std::move(packet)); });
  REQUIRE(listener.watch({uplink, kPrimary}));

  // From the far end: type, target.
  const FileDescriptor far(::socket(AF_PACKET, SOCK_DGRAM, 0));
  const auto say = [&](std::uint8_t type, const Address& target, std::size_t size = 64) {
    Bytes packet(size);
    packet[0] = 0x60;
    packet[5] = 24;
    packet[6] = 58;
    packet[7] = 255;
    packet[40] = type;
    if (size >= 64) std::copy(target.octets.begin(), target.octets.end(), packet.begin() + 48);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htons(0x86dd);
    to.sll_ifindex = static_cast<int>(if_nametoindex("far"));
    to.sll_halen = 6;
    std::fill_n(to.sll_addr, 6, static_cast<unsigned char>(0xff));
    REQUIRE(::sendto(far.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) > 0);
  };
  const auto hears = [&](std::size_t count) {
    return wait_for([&] {
      loop.restart();
      loop.poll();
      return heard.size() >= count;
    });
  };
  say(135, kOther);
  say(128, kPrimary);
  say(135, kPrimary, 60);
  say(135, kPrimary);
  say(136, kPrimary);
  REQUIRE(hears(2));
  CHECK(heard.size() == 2);
  CHECK(heard[0].packet.size() == 64);
  CHECK(heard[0].packet[40] == 135);
  CHECK(heard[1].packet[40] == 136);
  CHECK(heard[0].interface == uplink);
  CHECK(heard[0].link_layer_source.has_value());

  listener.unwatch({uplink, kPrimary});
  say(135, kPrimary);
  REQUIRE(listener.watch({uplink, kOther}));
  say(135, kOther);
  REQUIRE(hears(3));
  CHECK(heard.size() == 3);
}
