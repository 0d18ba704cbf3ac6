// SPDX-License-Identifier: GPL-3.0-or-later
// Netlink messages that do not come from the kernel (CVE-2010-2523 and its kind). Who has CAP_NET_ADMIN in the network namespace may
// send them, a container with the host's network for example; others are refused by the kernel since Linux 3.6.
//
// Seen to fail: without connect() in NetlinkSocket::open() the words to a port arrive; without the sender's check the words to a
// group are believed. Either of the two is enough for the answers to requests.
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "kernel_bench.hpp"
#include "mipflow/platform/file_descriptor.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using namespace mipflow::platform::test;

namespace {

struct Forger {
  FileDescriptor socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};

  // 0 or errno. To a port, or to the group with this number.
  int send(const void* octets, std::size_t size, std::uint32_t port, unsigned group) {
    sockaddr_nl to{};
    to.nl_family = AF_NETLINK;
    to.nl_pid = port;
    to.nl_groups = group == 0 ? 0 : 1u << (group - 1);
    return ::sendto(socket.get(), octets, size, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0 ? errno : 0;
  }
};

// "The interface with this number is gone."
struct DeletedLink {
  nlmsghdr header{};
  ifinfomsg link{};
  explicit DeletedLink(int index) {
    header.nlmsg_len = sizeof *this;
    header.nlmsg_type = RTM_DELLINK;
    link.ifi_index = index;
  }
};

struct Refusal {
  nlmsghdr header{};
  nlmsgerr error{};
  Refusal(std::uint32_t sequence, int reason) {
    header.nlmsg_len = sizeof *this;
    header.nlmsg_type = NLMSG_ERROR;
    header.nlmsg_seq = sequence;
    error.error = -reason;
  }
};

constexpr int kNoInterface = 4711;

}  // namespace

TEST_CASE("A netlink socket takes nothing that others than the kernel send to it") {
  Namespace here;
  auto socket = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
  Forger forger;
  const DeletedLink lie(kNoInterface);
  CHECK(forger.send(&lie, sizeof lie, socket.port(), 0) == ECONNREFUSED);
  std::array<char, 64> octets{};
  CHECK(::recv(socket.descriptor(), octets.data(), octets.size(), MSG_DONTWAIT) == -1);
  CHECK(errno == EAGAIN);
}

TEST_CASE("The answer to a request is the kernel's, whoever was quicker") {
  Namespace here;
  auto socket = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
  Forger forger;
  for (std::uint32_t sequence = 1; sequence < 5; ++sequence) {
    const Refusal refused(sequence, EPERM);
    forger.send(&refused, sizeof refused, socket.port(), 0);
  }
  NetlinkMessage question(RTM_GETLINK, 0);
  question.header<ifinfomsg>().ifi_index = 1;  // lo
  CHECK(socket.request(question) == 0);
}

TEST_CASE("Notifications are the kernel's") {
  Namespace here;
  auto socket = std::move(NetlinkSocket::open(NETLINK_ROUTE).value());
  REQUIRE(socket.subscribe(RTNLGRP_LINK));
  socket.set_non_blocking();
  int lies = 0, truths = 0;
  const auto read = [&] {
    return socket.receive([&](const nlmsghdr& message) {
      ifinfomsg link{};
      std::memcpy(&link, NLMSG_DATA(&message), sizeof link);
      ++(link.ifi_index == kNoInterface ? lies : truths);
    });
  };
  Forger forger;
  const DeletedLink lie(kNoInterface);
  REQUIRE(forger.send(&lie, sizeof lie, 0, RTNLGRP_LINK) == 0);
  CHECK(read() == NetlinkSocket::Received::Messages);  // it was there …
  CHECK(lies == 0);                                    // … and was not read
  run("ip link set uplink mtu 1400");
  REQUIRE(wait_for([&] { return read() == NetlinkSocket::Received::Messages && truths > 0; }));
  CHECK(lies == 0);
}
