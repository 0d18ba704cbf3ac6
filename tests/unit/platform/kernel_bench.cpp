// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernel_bench.hpp"

#include <sched.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>

namespace mipflow::platform::test {

using namespace std::chrono_literals;

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

void give_uplink(const std::string& address) {
  run("ip -6 addr add " + address + "/64 dev uplink nodad");
  REQUIRE(wait_for([&] { return contains(output_of("ip -6 route show table local dev uplink"), "local " + address + " "); }));
}

Namespace::Namespace() {
  REQUIRE(geteuid() == 0);
  REQUIRE(unshare(CLONE_NEWNET) == 0);
  run("ip link set lo up");
  run("sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0");
  run("ip link add uplink type veth peer name far");
  run("ip link set uplink up");
  run("ip link set far up");
  give_uplink("2001:db8:a::1");
  run("ip -6 route add default via fe80::1 dev uplink");
}

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

}  // namespace mipflow::platform::test
