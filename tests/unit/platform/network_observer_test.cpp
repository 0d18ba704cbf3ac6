// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel tells about links, addresses and routers.
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>

#include "kernel_bench.hpp"
#include "mipflow/platform/file_descriptor.hpp"
#include "mipflow/platform/network_observer.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace mipflow::platform::test;

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
  give_uplink("2001:db8:a::2");
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
  run("sysctl -q -w net.ipv6.neigh.uplink.retrans_time_ms=20");
  run("ip -6 neigh replace fe80::1 dev uplink lladdr 02:00:00:00:00:01 nud reachable");
  run("ip -6 neigh replace fe80::1 dev uplink lladdr 02:00:00:00:00:01 nud probe");
  CHECK(bench.hears("router fe80::1 unreachable"));
  bench.notebook.lines.clear();
  run("ip -6 neigh replace fe80::1 dev uplink lladdr 02:00:00:00:00:01 nud reachable");
  CHECK(bench.hears("router fe80::1"));
}

TEST_CASE("a router whose neighbour entry somebody deletes is no less reachable") {
  ObserverBench bench;
  run("ip -6 neigh replace fe80::1 dev uplink lladdr 02:00:00:00:00:01 nud reachable");
  run("ip -6 neigh del fe80::1 dev uplink");
  give_uplink("2001:db8:a::2");
  CHECK(bench.hears("address 2001:db8:a::2"));
  CHECK_FALSE(bench.notebook.has("router fe80::1 unreachable"));
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
  const auto say = [&](const sockaddr_nl& to) {
    return ::sendto(forger.get(), &message, sizeof message, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0 ? errno : 0;
  };
  sockaddr_nl to{};
  to.nl_family = AF_NETLINK;
  socklen_t size = sizeof to;
  REQUIRE(::getsockname(bench.observer.descriptor(), reinterpret_cast<sockaddr*>(&to), &size) == 0);
  to.nl_groups = 0;
  CHECK(say(to) == ECONNREFUSED);
  to.nl_pid = 0;
  to.nl_groups = 1u << (RTNLGRP_LINK - 1);
  REQUIRE(say(to) == 0);  // to everybody who listens to the kernel
  REQUIRE(bench.observer.on_readable());
  CHECK(bench.notebook.lines.empty());
}
