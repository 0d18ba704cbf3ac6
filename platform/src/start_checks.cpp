// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/start_checks.hpp"

#include <linux/capability.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace mipflow::platform {

namespace {

struct Needed {
  int capability;
  int instead;  // an older, wider capability that contains it; the same when there is none
  const char* name;
  const char* purpose;
};
constexpr std::array<Needed, 4> kNeeded{{
    {CAP_NET_ADMIN, CAP_NET_ADMIN, "CAP_NET_ADMIN", "change addresses, routes and rules"},
    {CAP_NET_RAW, CAP_NET_RAW, "CAP_NET_RAW", "send Mobile IPv6 messages"},
    {CAP_BPF, CAP_SYS_ADMIN, "CAP_BPF", "load the data path"},
    {CAP_PERFMON, CAP_SYS_ADMIN, "CAP_PERFMON", "load the data path: its verifier lets nobody else compare pointers"},
}};

// CapEff of /proc/self/status, in hexadecimal digits.
std::uint64_t effective_capabilities() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:")) continue;
    std::istringstream digits(line.substr(7));
    std::uint64_t value = 0;
    digits >> std::hex >> value;
    return value;
  }
  return 0;
}

}  // namespace

std::vector<Failure> check_start() {
  std::vector<Failure> out;
  const auto have = effective_capabilities();
  const auto has = [have](int capability) { return (have >> capability & 1) != 0; };
  for (const auto& needed : kNeeded)
    if (!has(needed.capability) && !has(needed.instead))
      out.push_back({std::string("the capability ") + needed.name + " is missing, which is needed to " + needed.purpose +
                         "; run as root, or let systemd give it (CapabilityBoundingSet=)",
                     0});
  if (!std::filesystem::exists("/proc/sys/net/ipv6"))
    out.push_back({"the kernel has no IPv6, or it is turned off (ipv6.disable=1 on the kernel's command line)", 0});
  else if (std::ifstream file("/proc/sys/net/ipv6/conf/all/disable_ipv6"); file.get() == '1')
    out.push_back({"IPv6 is turned off; run: sysctl net.ipv6.conf.all.disable_ipv6=0", 0});
  return out;
}

}  // namespace mipflow::platform
