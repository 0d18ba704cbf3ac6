// SPDX-License-Identifier: GPL-3.0-or-later
// What the kernel tells the programs about a frame on its way in, and a test run does not: VLAN tags, and the mark for the filter
// behind. The frames come in over a link.
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "correspondent_fixture.hpp"
#include "home_agent_fixture.hpp"
#include "listener.hpp"
#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

// The far end of wlan0's link.
class FarEnd {
 public:
  FarEnd() : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
    ifreq request{};
    std::copy_n("wlan0", 6, request.ifr_name);
    REQUIRE(::ioctl(socket_, SIOCGIFHWADDR, &request) == 0);
    std::copy_n(request.ifr_hwaddr.sa_data, wlan0_.size(), wlan0_.begin());
  }
  ~FarEnd() { ::close(socket_); }
  FarEnd(const FarEnd&) = delete;
  FarEnd& operator=(const FarEnd&) = delete;

  void send(const Octets& packet) const { send_frame(with_destination(frame(packet))); }
  void send_tagged(const Octets& packet, std::uint8_t vlan) const {
    Octets tagged = with_destination(frame(packet));
    const Octets tag{0x81, 0, 0, vlan};
    tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
    send_frame(tagged);
  }

 private:
  Octets with_destination(Octets whole) const {
    std::copy(wlan0_.begin(), wlan0_.end(), whole.begin());
    return whole;
  }
  void send_frame(const Octets& whole) const {
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(interface_named("far-wlan0"));
    REQUIRE(::sendto(socket_, whole.data(), whole.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == std::ssize(whole));
  }
  int socket_;
  std::array<std::uint8_t, 6> wlan0_{};
};

std::vector<PacketReceived> wait_for_packets(DataPath& path) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  for (;;) {
    auto packets = read_all(path).packets;
    if (!packets.empty() || std::chrono::steady_clock::now() > end) return packets;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

// Frames stay in their order on the way: once the second is there, the first was seen.
void expect_tagged_is_not_ours(DataPath& path, const Ends& ends) {
  const FarEnd far;
  const Octets tagged = ipv6(ends, kMobility, mobility_header(ends, 1)), untagged = ipv6(ends, kMobility, mobility_header(ends, 5));
  far.send_tagged(tagged, 5);
  far.send(untagged);
  const auto packets = wait_for_packets(path);
  REQUIRE(packets.size() == 1);
  CHECK(packets[0].packet == untagged);
}

}  // namespace

TEST_CASE_METHOD(MobileNodeFixture, "mobile node: what has a VLAN tag belongs to another interface") { expect_tagged_is_not_ours(*path, datapath::kOuterIn); }
TEST_CASE_METHOD(home_agent_tests::HomeAgentFixture, "home agent: what has a VLAN tag belongs to another interface") {
  expect_tagged_is_not_ours(*path, home_agent_tests::kOuterIn);
}
TEST_CASE_METHOD(correspondent_tests::CorrespondentFixture, "correspondent node: what has a VLAN tag belongs to another interface") {
  expect_tagged_is_not_ours(*path, correspondent_tests::kWireUp);
}

TEST_CASE_METHOD(home_agent_tests::HomeAgentFixture, "what comes out of a tunnel is led into mip0 by the filter behind, and nothing else") {
  using namespace home_agent_tests;
  shell("ip -6 neigh replace 2001:db8:1::1 lladdr 02:00:00:00:00:99 dev wlan0");
  const Listener heard("far-wlan0");
  const FarEnd far;
  const Octets packet = udp(kUp, 1000, 53);
  far.send(tunnelled(home_agent_tests::kOuterIn, packet));
  const Read forwarded = read(heard.hear(kUdp));
  CHECK(forwarded.destination == home_agent_tests::kCorrespondent);
  CHECK(forwarded.hop_limit == 63);  // it was in mip0, and routed from there
  CHECK(forwarded.payload == read(packet).payload);
  shell("ip -6 neigh del 2001:db8:1::1 dev wlan0");

  const int behind = attached_program(Role::HomeAgent, "wlan0", true, Filter::Behind);
  CHECK(run_program(behind, "wlan0", frame(packet)).verdict == 0);  // no match
  ::close(behind);
}
