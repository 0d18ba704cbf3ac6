// SPDX-License-Identifier: GPL-3.0-or-later
// Real sockets in the laboratory's network namespace: what address the programs on sockets give them, and whom they leave
// alone. The correspondent nodes are addresses of the loopback device, so every connection is a whole one.
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <future>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "kernel_fixture.hpp"
#include "mipflow/datapath/socket_addresses.hpp"

namespace mipflow::datapath {

namespace {

// Nothing in them is 0, and they differ anywhere: each of their four words counts.
const Address kPrimary = *Address::parse("2001:db8:100:1:2:3:4:1");
const Address kH1 = *Address::parse("2001:db8:100:1:2:3:4:11");
const Address kH2 = *Address::parse("2001:db8:100:1:2:5:4:11");
const Address kH3 = *Address::parse("2001:db8:100:6:2:3:4:11");
const Address kCorrespondent = *Address::parse("2001:db8:5:1:7:8:9:a");
const Address kAnother = *Address::parse("2001:db8:5:1:7:b:9:a");
const Address kPrinter = *Address::parse("2001:db8:6::1");  // below an ordinary prefix
constexpr const char* kCgroupTree = "/sys/fs/cgroup";
constexpr std::uint16_t kPort = 7001;
constexpr std::uint16_t kClosedPort = 7002;

sockaddr_in6 name_of(const Address& address, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  std::memcpy(&out.sin6_addr, address.octets.data(), sizeof out.sin6_addr);
  return out;
}
Address address_in(const sockaddr_in6& name) {
  Address out;
  std::memcpy(out.octets.data(), &name.sin6_addr, sizeof name.sin6_addr);
  return out;
}

// Catch's own assertions are for one thread only.
void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

class Socket {
 public:
  explicit Socket(int type) : fd_(::socket(AF_INET6, type | SOCK_CLOEXEC, 0)) { must(fd_ >= 0, "socket"); }
  explicit Socket(int fd, bool) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

  template <class Value>
  Socket& set(int level, int option, const Value& value) {
    must(::setsockopt(fd_, level, option, &value, sizeof value) == 0, "setsockopt");
    return *this;
  }
  Socket& bind(const Address& address, std::uint16_t port = 0) {
    const auto name = name_of(address, port);
    must(::bind(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0, "bind");
    return *this;
  }
  int try_connect(const Address& to, std::uint16_t port = kPort) {
    const auto name = name_of(to, port);
    return ::connect(fd_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ? 0 : errno;
  }
  Socket& connect(const Address& to, std::uint16_t port = kPort) {
    const int error = try_connect(to, port);
    errno = error;
    must(error == 0, "connect");
    return *this;
  }
  void disconnect() {
    sockaddr name{};
    name.sa_family = AF_UNSPEC;
    must(::connect(fd_, &name, sizeof name) == 0, "connect");
  }
  sockaddr_in6 name() const {
    sockaddr_in6 out{};
    socklen_t length = sizeof out;
    must(::getsockname(fd_, reinterpret_cast<sockaddr*>(&out), &length) == 0, "getsockname");
    return out;
  }
  Address address() const { return address_in(name()); }
  std::uint16_t port() const { return ntohs(name().sin6_port); }
  void send(const Address& to, std::uint16_t port, int flags = 0) {
    const auto destination = name_of(to, port);
    must(::sendto(fd_, "x", 1, flags, reinterpret_cast<const sockaddr*>(&destination), sizeof destination) == 1, "sendto");
  }
  sockaddr_in6 receive() {
    char octet;
    sockaddr_in6 from{};
    socklen_t length = sizeof from;
    must(::recvfrom(fd_, &octet, 1, 0, reinterpret_cast<sockaddr*>(&from), &length) == 1, "recvfrom");
    return from;
  }

 private:
  int fd_;
};

// With its route, which the kernel makes a moment after the address.
void add_address(const Address& address, const std::string& interface) {
  const std::string text = to_string(address);
  shell("ip -6 addr replace " + text + "/128 dev " + interface + " nodad");
  shell("for i in $(seq 1000); do ip -6 route show table local | grep -q '^local " + text + " ' && exit; sleep 0.01; done; exit 1");
}

Socket tcp() { return Socket(SOCK_STREAM); }
Socket udp() { return Socket(SOCK_DGRAM); }
Address source_for(const Address& correspondent) { return tcp().connect(correspondent).address(); }

forwarding::SocketAddressStep step(const Address& home_address) { return {.home_address = home_address}; }
forwarding::SocketAddressStep last_resort(const Address& home_address) { return {.home_address = home_address, .shared_by_any = true}; }

class SocketFixture {
 public:
  SocketFixture() {
    enter_laboratory();
    static const bool prepared = [] {
      for (const auto& address : {kCorrespondent, kAnother, kPrinter}) add_address(address, "lo");
      for (const auto& address : {kPrimary, kH1, kH2, kH3}) add_address(address, "mip0");
      shell("sysctl -qw net.ipv4.tcp_fastopen=3");
      // In the laboratory's own mount namespace.
      return ::mount("cgroup2", kCgroupTree, "cgroup2", 0, nullptr) == 0;
    }();
    REQUIRE(prepared);
    auto opened = SocketAddressPrograms::open({.cgroup_tree = kCgroupTree});
    INFO((opened ? std::string{} : opened.error().text));
    REQUIRE(opened);
    programs = std::move(*opened);
    REQUIRE(programs->set_ordinary_prefixes({Prefix(kPrinter, 64)}));
    for (const auto& address : {kPrimary, kH1, kH2, kH3}) REQUIRE(programs->set_home_address(address));
    const int yes = 1;
    listener.set(SOL_SOCKET, SO_REUSEADDR, yes).set(IPPROTO_TCP, TCP_FASTOPEN, 64).bind({}, kPort);
    REQUIRE(::listen(listener.get(), 1024) == 0);
  }
  void offer(std::vector<forwarding::SocketAddressStep> steps) { REQUIRE(programs->set_steps({.enabled = true, .steps = std::move(steps)})); }
  // The correspondent node's end of the connection that came next: who it thinks has connected.
  Address seen_by_correspondent() {
    sockaddr_in6 from{};
    socklen_t length = sizeof from;
    const Socket accepted(::accept(listener.get(), reinterpret_cast<sockaddr*>(&from), &length), true);
    REQUIRE(accepted.get() >= 0);
    return address_in(from);
  }
  static bool is_home_address(const Address& address) { return std::set<Address>{kPrimary, kH1, kH2, kH3}.contains(address); }

  std::unique_ptr<SocketAddressPrograms> programs;
  Socket listener = (enter_laboratory(), tcp());
};

}  // namespace

TEST_CASE_METHOD(SocketFixture, "a connection gets the first free home address, and both ends agree about it") {
  offer({step(kH1), step(kH2), step(kPrimary)});
  auto first = tcp();
  first.connect(kCorrespondent);
  CHECK(first.address() == kH1);
  CHECK(seen_by_correspondent() == kH1);
  CHECK(programs->has_chosen({kH1, kCorrespondent}));
  CHECK_FALSE(programs->has_chosen({kH2, kCorrespondent}));
  // Nobody has told the programs about this flow yet.
  CHECK(source_for(kCorrespondent) == kH2);
  CHECK(source_for(kAnother) == kPrimary);
}

TEST_CASE_METHOD(SocketFixture, "a home address is free when no flow has it with the correspondent node or by way of the home agent") {
  SECTION("a flow with the same correspondent node") {
    REQUIRE(programs->set_user({kH1, kCorrespondent}));
    offer({step(kH1), step(kH2)});
    CHECK(source_for(kCorrespondent) == kH2);
    CHECK(source_for(kAnother) == kH1);
  }
  SECTION("that has ended") {
    REQUIRE(programs->set_user({kH1, kCorrespondent}));
    REQUIRE(programs->erase_user({kH1, kCorrespondent}));
    offer({step(kH1), step(kH2)});
    CHECK(source_for(kCorrespondent) == kH1);
  }
  SECTION("a flow that goes through the home agent") {
    offer({{.home_address = kH1, .held_by_home_agent = true}, step(kH2)});
    CHECK(source_for(kCorrespondent) == kH2);
  }
  SECTION("none is free: the last resort, for everybody") {
    REQUIRE(programs->set_user({kH1, kCorrespondent}));
    offer({step(kH1), last_resort(kH3)});
    CHECK(source_for(kCorrespondent) == kH3);
    CHECK(source_for(kCorrespondent) == kH3);
  }
  SECTION("none is free and there is no last resort") {
    offer({{.home_address = kH1, .held_by_home_agent = true}});
    CHECK_FALSE(is_home_address(source_for(kCorrespondent)));
  }
  SECTION("an address that was taken away") {
    REQUIRE(programs->erase_home_address(kH1));
    offer({step(kH1), step(kH2)});
    CHECK(source_for(kCorrespondent) == kH2);
  }
  SECTION("the last one of as many as there may be") {
    std::vector<forwarding::SocketAddressStep> steps(forwarding::SocketAddresses::kMostSteps - 1, {.home_address = kH1, .held_by_home_agent = true});
    steps.push_back(step(kH3));
    steps.push_back(last_resort(kH2));
    offer(steps);
    CHECK(source_for(kCorrespondent) == kH3);
    CHECK_FALSE(is_home_address(source_for(kCorrespondent)));
  }
}

TEST_CASE_METHOD(SocketFixture, "connections that begin at the same time do not get the same home address") {
  constexpr std::size_t kSpares = 48;
  std::vector<forwarding::SocketAddressStep> steps;
  for (std::size_t i = 0; i < kSpares; ++i) {
    Address spare = *Address::parse("2001:db8:100::5a:0");
    spare.octets[15] = static_cast<std::uint8_t>(i);
    add_address(spare, "mip0");
    REQUIRE(programs->set_home_address(spare));
    steps.push_back({.home_address = spare, .spare = true});
  }
  offer(steps);
  std::vector<std::future<std::vector<Address>>> rows;
  std::promise<void> start;
  const auto started = start.get_future().share();
  for (std::size_t thread = 0; thread < 6; ++thread)
    rows.push_back(std::async(std::launch::async, [started] {
      started.wait();
      std::vector<Address> out;
      for (std::size_t i = 0; i < kSpares / 6; ++i) out.push_back(source_for(kCorrespondent));
      return out;
    }));
  start.set_value();
  std::set<Address> given;
  for (auto& row : rows)
    for (const auto& address : row.get()) CHECK(given.insert(address).second);
  CHECK(given.size() == kSpares);
  CHECK_FALSE(is_home_address(source_for(kCorrespondent)));
}

TEST_CASE_METHOD(SocketFixture, "a claim ends when no flow came of it") {
  offer({step(kH1)});
  CHECK(source_for(kCorrespondent) == kH1);
  CHECK_FALSE(is_home_address(source_for(kCorrespondent)));
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  bool free_again = false;
  while (!free_again && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    free_again = source_for(kCorrespondent) == kH1;
  }
  CHECK(free_again);
}

TEST_CASE_METHOD(SocketFixture, "sockets with a wish of their own keep it") {
  offer({step(kH1), last_resort(kH2)});
  SECTION("an address") { CHECK(tcp().bind(kPrimary).connect(kCorrespondent).address() == kPrimary); }
  SECTION("another home address") {
    CHECK(tcp().bind(kH3).connect(kCorrespondent).address() == kH3);
    CHECK_FALSE(programs->has_chosen({kH3, kCorrespondent}));
  }
  SECTION("an address whose port is found later, before and behind a try with one of ours") {
    const int yes = 1;
    auto socket = tcp();
    CHECK(socket.set(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, yes).bind(kH3).connect(kCorrespondent).address() == kH3);
    auto again = tcp();
    REQUIRE(again.try_connect(kCorrespondent, kClosedPort) == ECONNREFUSED);
    CHECK(programs->has_chosen({kH1, kCorrespondent}));
    CHECK(again.set(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, yes).bind(kH3).connect(kCorrespondent).address() == kH3);
  }
  SECTION("a port") {
    auto socket = tcp();
    const int yes = 1;
    socket.set(SOL_SOCKET, SO_REUSEADDR, yes).bind({}, 7009).connect(kCorrespondent);
    CHECK(socket.port() == 7009);
    CHECK_FALSE(is_home_address(socket.address()));
  }
  SECTION("a mark") {
    auto socket = tcp();
    const std::uint32_t mark = 0x1000'0000;
    CHECK_FALSE(is_home_address(socket.set(SOL_SOCKET, SO_MARK, mark).connect(kCorrespondent).address()));
  }
  SECTION("a device") {
    auto socket = tcp();
    CHECK_FALSE(is_home_address(socket.set(SOL_SOCKET, SO_BINDTODEVICE, "lo").connect(kCorrespondent).address()));
  }
  SECTION("an address, and datagrams") {
    auto receiver = udp();
    receiver.bind(kCorrespondent, kPort);
    auto sender = udp();
    sender.bind(kPrimary).send(kCorrespondent, kPort);
    CHECK(address_in(receiver.receive()) == kPrimary);
  }
  SECTION("a mark or a device, and datagrams") {
    auto receiver = udp(), marked = udp(), on_device = udp();
    receiver.bind(kCorrespondent, kPort);
    const std::uint32_t mark = 0x1000'0000;
    marked.set(SOL_SOCKET, SO_MARK, mark).send(kCorrespondent, kPort);
    CHECK_FALSE(is_home_address(address_in(receiver.receive())));
    on_device.set(SOL_SOCKET, SO_BINDTODEVICE, "lo").send(kCorrespondent, kPort);
    CHECK_FALSE(is_home_address(address_in(receiver.receive())));
  }
}

TEST_CASE_METHOD(SocketFixture, "destinations that do not lie behind mip0 are left alone") {
  offer({last_resort(kH1)});
  CHECK_FALSE(is_home_address(source_for(kPrinter)));
  CHECK(source_for(*Address::parse("::1")) == *Address::parse("::1"));
  CHECK(source_for(*Address::parse("::ffff:127.0.0.1")) == *Address::parse("::ffff:127.0.0.1"));
  SECTION("addresses that only begin like those of IPv4 are not such") {
    const Address odd = *Address::parse("::a:0:0:1");
    add_address(odd, "lo");
    CHECK(source_for(odd) == kH1);
    shell("ip -6 addr del " + to_string(odd) + "/128 dev lo");
  }
  SECTION("datagrams too") {
    auto receiver = udp(), sender = udp();
    receiver.bind(kPrinter, kPort);
    sender.send(kPrinter, kPort);
    CHECK_FALSE(is_home_address(address_in(receiver.receive())));
  }
  SECTION("all, when there are too many routes to know them") {
    std::set<Prefix> many;
    for (unsigned i = 0; i < 4000; ++i) {
      Address address = kPrinter;
      address.octets[6] = static_cast<std::uint8_t>(i >> 8);
      address.octets[7] = static_cast<std::uint8_t>(i);
      many.insert(Prefix(address, 64));
    }
    const auto refused = programs->set_ordinary_prefixes(many);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == E2BIG);
    CHECK_FALSE(is_home_address(source_for(kCorrespondent)));
    REQUIRE(programs->set_ordinary_prefixes({}));
    CHECK(source_for(kCorrespondent) == kH1);
    CHECK(source_for(kPrinter) == kH1);
  }
}

TEST_CASE_METHOD(SocketFixture, "nothing is given while it is switched off, and when the programs have ended") {
  offer({last_resort(kH1)});
  REQUIRE(programs->set_steps({.enabled = false, .steps = {last_resort(kH1)}}));
  CHECK_FALSE(is_home_address(source_for(kCorrespondent)));
  offer({last_resort(kH1)});
  auto connected = tcp();
  CHECK(connected.connect(kCorrespondent).address() == kH1);
  programs.reset();
  CHECK_FALSE(is_home_address(source_for(kCorrespondent)));
  CHECK(connected.address() == kH1);
}

TEST_CASE_METHOD(SocketFixture, "sockets of another network namespace are not ours") {
  offer({last_resort(kH1)});
  Address source, datagram_source, own_name;
  std::async(std::launch::async, [&] {
    // A namespace of the thread, with the same addresses, so that nothing but the programs would keep it from getting one.
    must(::unshare(CLONE_NEWNET) == 0, "unshare");
    shell("ip link set lo up");
    for (const auto& address : {kH1, kCorrespondent}) add_address(address, "lo");
    auto there = tcp();
    there.bind({}, kPort);
    must(::listen(there.get(), 1) == 0, "listen");
    source = source_for(kCorrespondent);
    auto receiver = udp(), sender = udp();
    receiver.bind(kCorrespondent, kPort);
    sender.send(kCorrespondent, kPort);
    datagram_source = address_in(receiver.receive());
    own_name = receiver.address();
  }).get();
  CHECK(source == kCorrespondent);
  CHECK(datagram_source == kCorrespondent);
  CHECK(own_name == kCorrespondent);
  CHECK(source_for(kCorrespondent) == kH1);
}

TEST_CASE_METHOD(SocketFixture, "a socket that connects again gets what is right then") {
  offer({step(kH1), step(kH2), last_resort(kH3)});
  auto socket = tcp();
  REQUIRE(socket.try_connect(kCorrespondent, kClosedPort) == ECONNREFUSED);
  SECTION("to the same correspondent node") { CHECK(socket.connect(kCorrespondent).address() == kH1); }
  SECTION("to another one, that the address is not free for") {
    REQUIRE(programs->set_user({kH1, kAnother}));
    CHECK(socket.connect(kAnother).address() == kH2);
  }
  SECTION("to somebody on the link") { CHECK_FALSE(is_home_address(socket.connect(kPrinter).address())); }
  SECTION("to somebody on the link, and from there to a correspondent node") {
    socket.connect(kPrinter).disconnect();
    CHECK(socket.connect(kAnother).address() == kH2);
  }
  SECTION("behind a disconnection") {
    socket.connect(kCorrespondent).disconnect();
    CHECK(socket.connect(kAnother).address() == kH2);
  }
  SECTION("when its address is gone") {
    REQUIRE(programs->erase_home_address(kH1));
    CHECK(socket.connect(kCorrespondent).address() == kH2);
  }
}

TEST_CASE_METHOD(SocketFixture, "an address that the host does not have costs nobody the connection") {
  const Address gone = *Address::parse("2001:db8:100::dead");
  REQUIRE(programs->set_home_address(gone));
  offer({step(gone), step(kH1)});
  CHECK_FALSE(is_home_address(source_for(kCorrespondent)));
  // Nobody has it now, so it is offered again.
  shell("ip -6 addr add " + to_string(gone) + "/128 dev mip0 nodad");
  CHECK(source_for(kCorrespondent) == gone);
  shell("ip -6 addr del " + to_string(gone) + "/128 dev mip0");
}

TEST_CASE_METHOD(SocketFixture, "connections that open with data") {
  offer({step(kH1), step(kH2)});
  SECTION("sendto()") {
    auto socket = tcp();
    socket.send(kCorrespondent, kPort, MSG_FASTOPEN);
    CHECK(socket.address() == kH1);
    CHECK(seen_by_correspondent() == kH1);
  }
  SECTION("connect() that waits for the first data") {
    auto socket = tcp();
    socket.set(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1).connect(kCorrespondent);
    REQUIRE(::send(socket.get(), "x", 1, 0) == 1);
    CHECK(socket.address() == kH1);
    CHECK(seen_by_correspondent() == kH1);
  }
}

TEST_CASE_METHOD(SocketFixture, "as many connections from one home address as there are ports and correspondents") {
  offer({last_resort(kH1)});
  auto one = tcp(), other = tcp();
  CHECK(one.connect(kCorrespondent).address() == kH1);
  CHECK(other.connect(kCorrespondent).address() == kH1);
  CHECK(one.port() != other.port());
}

TEST_CASE_METHOD(SocketFixture, "every datagram of a flow leaves from the same home address") {
  offer({step(kH1), step(kH2)});
  auto receiver = udp(), another = udp(), sender = udp();
  receiver.bind(kCorrespondent, kPort);
  another.bind(kAnother, kPort);
  for (int i = 0; i < 3; ++i) {
    sender.send(kCorrespondent, kPort);
    CHECK(address_in(receiver.receive()) == kH1);
  }
  sender.send(kAnother, kPort);
  CHECK(address_in(another.receive()) == kH2);
  CHECK(programs->has_chosen({kH2, kAnother}));
  // The socket itself stays unbound.
  CHECK(sender.address().is_unspecified());
  SECTION("until that is gone") {
    REQUIRE(programs->erase_home_address(kH1));
    sender.send(kCorrespondent, kPort);
    CHECK_FALSE(is_home_address(address_in(receiver.receive())));
  }
  SECTION("and from the flow's, whatever else is offered") {
    const FlowKey key{kPrimary, kCorrespondent, sender.port(), kPort, kProtocolUdp};
    REQUIRE(programs->set_flow(key, {.id = 1, .home_address = kH3}));
    sender.send(kCorrespondent, kPort);
    CHECK(address_in(receiver.receive()) == kPrimary);  // the data path rewrites this one, and knows it by this source
    REQUIRE(programs->erase_flow(key));
    sender.send(kCorrespondent, kPort);
    CHECK(address_in(receiver.receive()) == kH1);
  }
}

TEST_CASE_METHOD(SocketFixture, "a server that is bound to no address answers from the one that it was asked at") {
  offer({step(kH1), step(kH2)});
  auto server = udp(), client = udp();
  server.bind({}, 7005);
  client.bind(kCorrespondent, kPort);
  client.send(kH3, 7005);
  const auto asked = server.receive();
  const forwarding::FlowItem item{.id = 3, .home_address = kH3};
  // Both ways to write it that the data path knows, in either order.
  const FlowKey rewritten{kPrimary, address_in(asked), 7005, kPort, kProtocolUdp}, plain{kH3, address_in(asked), 7005, kPort, kProtocolUdp};
  const bool plain_first = GENERATE(true, false);
  REQUIRE(programs->set_flow(plain_first ? plain : rewritten, item));
  REQUIRE(programs->set_flow(plain_first ? rewritten : plain, item));
  server.send(kCorrespondent, kPort);
  CHECK(address_in(client.receive()) == kH3);
}

TEST_CASE_METHOD(SocketFixture, "UDP sockets that connect are left to the data path, and told what it makes of them") {
  offer({step(kH1)});
  auto socket = udp();
  socket.bind(kPrimary).connect(kCorrespondent);
  CHECK(socket.address() == kPrimary);
  const FlowKey key{kPrimary, kCorrespondent, socket.port(), kPort, kProtocolUdp};
  REQUIRE(programs->set_flow(key, {.id = 9, .home_address = kH2}));
  CHECK(socket.address() == kH2);
  auto getaddrinfo_probe = udp();
  CHECK_FALSE(getaddrinfo_probe.connect(kCorrespondent).address() == kH1);
  REQUIRE(programs->erase_flow(key));
  CHECK(socket.address() == kPrimary);
}

TEST_CASE_METHOD(SocketFixture, "a connection whose source the data path rewrites is told so, another one is not asked about") {
  offer({});
  auto socket = tcp();
  socket.bind(kPrimary).connect(kCorrespondent);
  const FlowKey key{kPrimary, kCorrespondent, socket.port(), kPort, kProtocolTcp};
  REQUIRE(programs->set_flow(key, {.id = 9, .home_address = kH2}));
  CHECK(socket.address() == kH2);
  // One that has no word in common with the socket's.
  const Address elsewhere = *Address::parse("fd00:7:200:8:3:4:5:12");
  REQUIRE(programs->set_flow(key, {.id = 9, .home_address = elsewhere}));
  CHECK(socket.address() == elsewhere);
  // What is known is about packets from another source than the socket's.
  REQUIRE(programs->erase_flow(key));
  const FlowKey other{kH3, kCorrespondent, socket.port(), kPort, kProtocolTcp};
  REQUIRE(programs->set_flow(other, {.id = 10, .home_address = kH2}));
  CHECK(socket.address() == kPrimary);
  REQUIRE(programs->erase_flow(other));
  // The policy has put it back to its own address.
  REQUIRE(programs->set_flow(key, {.id = 9, .home_address = kPrimary}));
  CHECK(socket.address() == kPrimary);
}

TEST_CASE_METHOD(SocketFixture, "where it is not possible, it says why") {
  const auto opened = SocketAddressPrograms::open({.cgroup_tree = GENERATE("/sys/fs/no-such-tree", "/tmp")});
  REQUIRE_FALSE(opened);
  CHECK_THAT(opened.error().text, Catch::Contains("cgroup v2 tree"));
}

}  // namespace mipflow::datapath
