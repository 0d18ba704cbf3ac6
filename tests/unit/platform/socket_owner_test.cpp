// SPDX-License-Identifier: GPL-3.0-or-later
// Sockets of this process and of children, in a network namespace where there are no others.
#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/socket_diagnosis.hpp"
#include "mipflow/platform/socket_owner.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace std::chrono_literals;

namespace {

const Address kHere = *Address::parse("::1");

// Runs `work` on a thread that has a network of its own with nothing but a loopback device.
template <class Work>
void in_a_network_of_its_own(Work&& work) {
  std::thread([&] {
    REQUIRE(::unshare(CLONE_NEWNET) == 0);
    const FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq up{};
    std::string("lo").copy(up.ifr_name, sizeof up.ifr_name);
    up.ifr_flags = IFF_UP;
    REQUIRE(::ioctl(socket.get(), SIOCSIFFLAGS, &up) == 0);
    work();
  }).join();
}

sockaddr_in6 as_sockaddr(const Address& address, std::uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  std::copy(address.octets.begin(), address.octets.end(), out.sin6_addr.s6_addr);
  return out;
}

// A socket that is bound to an address and a free port.
class Socket {
 public:
  explicit Socket(int type, const Address& address = kHere) : descriptor_(::socket(AF_INET6, type | SOCK_CLOEXEC, 0)) {
    auto name = as_sockaddr(address, 0);
    REQUIRE(::bind(descriptor_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    socklen_t size = sizeof name;
    REQUIRE(::getsockname(descriptor_.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
    port = ntohs(name.sin6_port);
  }
  void connect(std::uint16_t to) {
    const auto name = as_sockaddr(kHere, to);
    REQUIRE(::connect(descriptor_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
  }
  std::uint64_t cookie() const {
    std::uint64_t out = 0;
    socklen_t size = sizeof out;
    REQUIRE(::getsockopt(descriptor_.get(), SOL_SOCKET, SO_COOKIE, &out, &size) == 0);
    return out;
  }
  int get() const { return descriptor_.get(); }
  void close() { descriptor_.reset(); }

  std::uint16_t port = 0;

 private:
  FileDescriptor descriptor_;
};

FlowKey key_of(std::uint8_t protocol, std::uint16_t from, std::uint16_t to) { return {kHere, kHere, from, to, protocol}; }

struct Bench {
  SocketMarks marks;
  std::unique_ptr<SocketHolders> holders = look_for_holders_here();
  SocketOwners owners = std::move(SocketOwners::open(marks, *holders).value());
  FlowOwner find(const FlowKey& key, SocketOwners::Known known = {}) { return owners.find(key, known, 5s).owner; }
};

void check_is_this_process(const FlowOwner& owner) {
  CHECK(owner.user == ::getuid());
  CHECK(owner.process == static_cast<std::uint32_t>(::getpid()));
  CHECK(owner.program == std::filesystem::read_symlink("/proc/self/exe"));
  CHECK(owner.cgroup == CgroupTree::path_of_process(::getpid()));
}

// A process that opens a socket when it is told to, and ends with the test.
class Child {
 public:
  Child() {
    REQUIRE(::pipe(order_) == 0);
    REQUIRE(::pipe(answer_) == 0);
    process = ::fork();
    REQUIRE(process >= 0);
    if (process == 0) work();
  }
  ~Child() { end(); }
  // The port of its new UDP socket, which is connected to port 9.
  std::uint16_t open_socket() {
    return obey('o');
  }
  void open_raw_socket() { obey('r'); }
  void end() {
    if (process <= 0) return;
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
    process = 0;
  }
  pid_t process = 0;

 private:
  std::uint16_t obey(char order) {
    REQUIRE(::write(order_[1], &order, 1) == 1);
    std::uint16_t port = 0;
    REQUIRE(::read(answer_[0], &port, sizeof port) == sizeof port);
    return port;
  }
  [[noreturn]] void work() {
    ::close(order_[1]);  // so that it hears the end of a test that was aborted
    char order = 0;
    while (::read(order_[0], &order, 1) == 1) {
      if (order == 'r') {
        const std::uint16_t none = 0;
        if (::socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) < 0 || ::write(answer_[1], &none, sizeof none) != sizeof none) ::_exit(1);
        continue;
      }
      const int socket = ::socket(AF_INET6, SOCK_DGRAM, 0);
      auto name = as_sockaddr(kHere, 9);
      socklen_t size = sizeof name;
      if (::connect(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
          ::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0)
        ::_exit(1);
      const std::uint16_t port = ntohs(name.sin6_port);
      if (::write(answer_[1], &port, sizeof port) != sizeof port) ::_exit(1);
    }
    ::_exit(0);
  }
  int order_[2] = {-1, -1};
  int answer_[2] = {-1, -1};
};

// False, and said so, on a host whose groups can not be written to: in some containers.
bool groups_can_be_made(const std::optional<CgroupTree>& tree) {
  const bool can = tree && ::access(tree->folder_of("").c_str(), W_OK) == 0;
  if (!can) WARN("no cgroup v2 that can be written to: not tested");
  return can;
}

bool exists(const std::string& group) { return std::filesystem::exists(CgroupTree::find()->folder_of(group)); }

}  // namespace

TEST_CASE("connected sockets have an owner at both ends") {
  in_a_network_of_its_own([] {
    Bench bench;
    Socket server(SOCK_STREAM), client(SOCK_STREAM);
    REQUIRE(::listen(server.get(), 5) == 0);
    client.connect(server.port);
    check_is_this_process(bench.find(key_of(kProtocolTcp, client.port, server.port)));
    const FileDescriptor accepted(::accept(server.get(), nullptr, nullptr));
    check_is_this_process(bench.find(key_of(kProtocolTcp, server.port, client.port)));

    Socket datagrams(SOCK_DGRAM);
    datagrams.connect(9);
    check_is_this_process(bench.find(key_of(kProtocolUdp, datagrams.port, 9)));
  });
}

TEST_CASE("sockets that are bound only, or listen, are found as well") {
  in_a_network_of_its_own([] {
    Bench bench;
    Socket server(SOCK_STREAM, {}), datagrams(SOCK_DGRAM, {});
    REQUIRE(::listen(server.get(), 5) == 0);
    check_is_this_process(bench.find(key_of(kProtocolTcp, server.port, 4711)));  // the first packet of a connection to it
    check_is_this_process(bench.find(key_of(kProtocolUdp, datagrams.port, 4711)));
  });
}

TEST_CASE("a socket is found by its cookie, with the address that it has") {
  in_a_network_of_its_own([] {
    auto diagnosis = std::move(SocketDiagnosis::open().value());
    Socket datagrams(SOCK_DGRAM), stream(SOCK_STREAM);
    datagrams.connect(9);
    REQUIRE(::listen(stream.get(), 5) == 0);
    const auto found = diagnosis.find_by_cookie(kProtocolUdp, datagrams.port, datagrams.cookie());
    REQUIRE(found);
    CHECK(found->local == kHere);
    CHECK(found->user == ::getuid());
    CHECK(diagnosis.find_by_cookie(kProtocolTcp, stream.port, stream.cookie()));
    CHECK_FALSE(diagnosis.find_by_cookie(kProtocolUdp, datagrams.port, datagrams.cookie() + 1));
    CHECK_FALSE(diagnosis.find_by_cookie(kProtocolUdp, static_cast<std::uint16_t>(datagrams.port + 1), datagrams.cookie()));
  });
}

TEST_CASE("of UDP sockets those that are connected from an address are listed") {
  in_a_network_of_its_own([] {
    auto diagnosis = std::move(SocketDiagnosis::open().value());
    Socket connected(SOCK_DGRAM), bound(SOCK_DGRAM), stream(SOCK_STREAM);
    REQUIRE(::listen(stream.get(), 5) == 0);
    CHECK(diagnosis.connected_from(kHere).empty());
    connected.connect(9);
    CHECK(diagnosis.connected_from(kHere) == std::vector{key_of(kProtocolUdp, connected.port, 9)});
    CHECK(diagnosis.connected_from(*Address::parse("::2")).empty());
  });
}

TEST_CASE("sockets that are bound to a device are found as well") {
  in_a_network_of_its_own([] {
    Bench bench;
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
      Socket socket(type);
      REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) == 0);
      if (type == SOCK_STREAM) REQUIRE(::listen(socket.get(), 5) == 0);
      check_is_this_process(bench.find(key_of(type == SOCK_DGRAM ? kProtocolUdp : kProtocolTcp, socket.port, 4711)));
    }
  });
}

TEST_CASE("of ICMPv6 sockets only one that stands alone is believed") {
  in_a_network_of_its_own([] {
    Bench bench;
    const FlowKey echo = key_of(kProtocolIcmpv6, 77, 77);
    const FileDescriptor first(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
    check_is_this_process(bench.find(echo));
    const FileDescriptor second(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
    CHECK(bench.find(echo) == FlowOwner{});
    CHECK(bench.find(echo, {.user = 77}) == FlowOwner{.user = 77});
    // A socket for echo alone has the identifier as its port.
    std::ofstream("/proc/sys/net/ipv4/ping_group_range") << "0 0";
    const FileDescriptor ping(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMPV6));
    const auto name = as_sockaddr(kHere, 77);
    REQUIRE(::bind(ping.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    check_is_this_process(bench.find(echo));
  });
}

TEST_CASE("raw sockets of the one who asks are in nobody's way") {
  in_a_network_of_its_own([] {
    Bench bench;
    const FileDescriptor own(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
    Child child;
    child.open_raw_socket();
    CHECK(bench.find(key_of(kProtocolIcmpv6, 77, 77)).process == static_cast<std::uint32_t>(child.process));
    Child other;
    other.open_raw_socket();
    CHECK(bench.find(key_of(kProtocolIcmpv6, 77, 77)) == FlowOwner{});
    child.end();
    other.end();
  });
}

TEST_CASE("a socket that was inherited is that of the process which opened it") {
  in_a_network_of_its_own([] {
    const FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM, 0));
    auto name = as_sockaddr(kHere, 9);
    REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    socklen_t size = sizeof name;
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
    // Another socket of the child brings it, and with it what it has inherited, to where the next search begins.
    Bench bench;
    Child child;
    CHECK(bench.find(key_of(kProtocolUdp, child.open_socket(), 9)).process == static_cast<std::uint32_t>(child.process));
    check_is_this_process(bench.find(key_of(kProtocolUdp, ntohs(name.sin6_port), 9)));
  });
}

TEST_CASE("what came with the packet stays when there is no socket any more") {
  in_a_network_of_its_own([] {
    Bench bench;
    Socket socket(SOCK_DGRAM);
    const auto key = key_of(kProtocolUdp, socket.port, 9);
    CHECK(bench.find(key).process == static_cast<std::uint32_t>(::getpid()));
    socket.close();
    CHECK(bench.find(key) == FlowOwner{});
    CHECK(bench.find(key, {.user = 5, .group = 6}) == FlowOwner{.user = 5, .group = 6});
  });
}

TEST_CASE("without time there is the user and the group, but no program") {
  in_a_network_of_its_own([] {
    Bench bench;
    Socket socket(SOCK_DGRAM);
    const auto [owner, time_was_over] = bench.owners.find(key_of(kProtocolUdp, socket.port, 9), {}, 0s);
    CHECK(owner.user == ::getuid());
    CHECK(owner.process == 0);
    CHECK(owner.cgroup == CgroupTree::path_of_process(::getpid()));
    CHECK(time_was_over);
    CHECK_FALSE(bench.owners.find(key_of(kProtocolUdp, socket.port, 9), {}, 5s).time_was_over);
    // Who has no socket is not found by patience.
    CHECK_FALSE(bench.owners.find(key_of(kProtocolUdp, 9, 9), {.user = 5}, 0s).time_was_over);
  });
}

TEST_CASE("a wish for a socket is heard before it is connected, and only of its user") {
  in_a_network_of_its_own([] {
    Bench bench;
    Socket socket(SOCK_DGRAM);
    const auto key = key_of(kProtocolUdp, socket.port, 9);
    bench.marks.set(socket.cookie(), ::getuid() + 1, {"bulk", "wwan0"});
    CHECK(bench.find(key).wanted_class.empty());
    bench.marks.set(socket.cookie(), ::getuid(), {"voice", "wlan0"});
    socket.connect(9);
    CHECK(bench.find(key).wanted_class == "voice");
    CHECK(bench.find(key).wanted_interface == "wlan0");
    bench.marks.set(socket.cookie(), ::getuid(), {});
    CHECK(bench.find(key).wanted_class.empty());
    CHECK(bench.marks.empty());
  });
}

TEST_CASE("wishes for sockets do not fill the memory") {
  SocketMarks marks;
  for (std::uint64_t cookie = 1; cookie <= 3 * SocketMarks::kMost; ++cookie) marks.set(cookie, 1, {"class", ""});
  CHECK(marks.find(1, 1).empty());
  CHECK(marks.find(2 * SocketMarks::kMost, 1).empty());
  CHECK_FALSE(marks.find(2 * SocketMarks::kMost + 1, 1).empty());
  CHECK_FALSE(marks.find(3 * SocketMarks::kMost, 1).empty());
}

TEST_CASE("a program's group holds its wish for all that it starts, and goes when nothing runs in it") {
  const auto tree = CgroupTree::find();
  if (!groups_can_be_made(tree)) return;
  in_a_network_of_its_own([&] {
    Bench bench;
    ProgramGroups groups(tree);
    Child child;
    const auto before = key_of(kProtocolUdp, child.open_socket(), 9);
    const auto path = groups.put_into_new_group(child.process, {"voice", "wlan0"});
    REQUIRE(path);
    CHECK(CgroupTree::path_of_process(child.process) == *path);
    const auto owner = bench.find(key_of(kProtocolUdp, child.open_socket(), 9));
    CHECK(owner.process == static_cast<std::uint32_t>(child.process));
    CHECK(owner.cgroup == *path);
    CHECK(owner.wanted_class == "voice");
    CHECK(owner.wanted_interface == "wlan0");
    CHECK(bench.find(before).wanted_class.empty());  // made before its program was in the group

    groups.remove_empty();
    CHECK(exists(*path));
    // The next daemon knows it, and what stands on it.
    ProgramGroups heir(tree);
    CHECK_FALSE(heir.empty());
    CHECK(ProgramGroups::wish_for(*tree, *path + "/below") == FlowWish{"voice", "wlan0"});
    child.end();
    heir.remove_empty();
    CHECK_FALSE(exists(*path));
  });
}

TEST_CASE("a program in a group gets another beside it, and keeps what is not said anew") {
  const auto tree = CgroupTree::find();
  if (!groups_can_be_made(tree)) return;
  ProgramGroups groups(tree);
  Child child;
  const auto first = groups.put_into_new_group(child.process, {"voice", "wlan0"});
  const auto second = groups.put_into_new_group(child.process, {"", "wwan0"});
  REQUIRE(first);
  REQUIRE(second);
  CHECK(std::filesystem::path(*first).parent_path() == std::filesystem::path(*second).parent_path());
  CHECK(ProgramGroups::wish_for(*tree, *second) == FlowWish{"voice", "wwan0"});
  groups.remove_empty();
  CHECK_FALSE(exists(*first));
  CHECK(exists(*second));
  child.end();
  groups.remove_empty();
  CHECK(groups.empty());
}

TEST_CASE("a group that is dissolved leaves its programs where they were") {
  const auto tree = CgroupTree::find();
  if (!groups_can_be_made(tree)) return;
  ProgramGroups groups(tree);
  Child child;
  const auto before = CgroupTree::path_of_process(child.process);
  const auto path = groups.put_into_new_group(child.process, {"", "wlan0"});
  REQUIRE(path);
  groups.dissolve();
  CHECK(CgroupTree::path_of_process(child.process) == before);
  CHECK_FALSE(exists(*path));
  CHECK(groups.empty());
}

TEST_CASE("below what belongs to a user the group stands above it when that may not be written to") {
  const auto tree = CgroupTree::find();
  if (!groups_can_be_made(tree)) return;
  ProgramGroups groups(tree);
  Child child;
  const auto above = CgroupTree::path_of_process(child.process);
  // The root of the hierarchy has the mode 0555, groups have 0755.
  const auto slice = tree->folder_of((above == "/" ? "" : above) + "/mipflow-test-" + std::to_string(::getpid()));
  const auto users = slice / "users";
  REQUIRE(std::filesystem::create_directories(users));
  std::ofstream(users / "cgroup.procs") << child.process << std::flush;
  REQUIRE(::chown(users.c_str(), 65534, static_cast<gid_t>(-1)) == 0);
  // As the service runs: root without the right to pass over file modes.
  std::thread([&] {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct capabilities[2]{};
    REQUIRE(::syscall(SYS_capget, &header, capabilities) == 0);
    capabilities[0].effective &= ~(1u << CAP_DAC_OVERRIDE);
    REQUIRE(::syscall(SYS_capset, &header, capabilities) == 0);
    const auto path = groups.put_into_new_group(child.process, {"", "wlan0"});
    CHECK(path);
    if (!path) return;
    CHECK(tree->folder_of(*path).parent_path() == slice);
    CHECK(CgroupTree::path_of_process(child.process) == *path);
  }).join();
  child.end();
  groups.remove_empty();
  CHECK(groups.empty());
  std::error_code error;
  CHECK(std::filesystem::remove(users, error));
  CHECK(std::filesystem::remove(slice, error));
}

TEST_CASE("what is not of root says nothing about a program") {
  const auto tree = CgroupTree::find();
  if (!groups_can_be_made(tree)) return;
  ProgramGroups groups(tree);
  Child child;
  const auto path = groups.put_into_new_group(child.process, {"voice", ""});
  REQUIRE(path);
  REQUIRE(::chown(tree->folder_of(*path).c_str(), 65534, static_cast<gid_t>(-1)) == 0);
  CHECK(ProgramGroups::wish_for(*tree, *path).empty());
  child.end();
  groups.remove_empty();
}

TEST_CASE("a host without cgroup v2 says what to do") {
  ProgramGroups groups(std::nullopt);
  const auto refused = groups.put_into_new_group(::getpid(), {"voice", ""});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("cgroup v2") != std::string::npos);
}

TEST_CASE("the unit is the innermost that a path names") {
  CHECK(unit_in("/system.slice/ssh.service") == "ssh.service");
  CHECK(unit_in("/user.slice/user-1000.slice/user@1000.service/app.slice/firefox.scope/mipflow-run-3") == "firefox.scope");
  CHECK(unit_in("/user.slice/user-1000.slice") == "user-1000.slice");
  CHECK(unit_in("/system.slice/_cpu.service") == "cpu.service");
  CHECK(unit_in("/").empty());
  CHECK(unit_in("").empty());
  CHECK(unit_in("/docker/.service").empty());
}
