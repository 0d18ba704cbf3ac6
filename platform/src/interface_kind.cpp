// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/interface_kind.hpp"

#include <fnmatch.h>
#include <linux/if_arp.h>

#include <algorithm>
#include <fstream>

namespace mipflow::platform {

namespace {

using mobile_node::InterfaceKind;

// The line "DEVTYPE=wlan" of the device's uevent file, when the driver set one.
std::string device_type(const std::string& name) {
  std::ifstream file("/sys/class/net/" + name + "/uevent");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("DEVTYPE=")) return line.substr(8);
  return {};
}

}  // namespace

InterfaceKind interface_kind(const Link& link) {
  const auto type = device_type(link.name);
  if (type == "wlan") return InterfaceKind::Wifi;
  if (type == "wwan" || link.kind == "wwan" || link.hardware_type == ARPHRD_PPP || link.hardware_type == ARPHRD_RAWIP)
    return InterfaceKind::Cellular;
  if (link.name.starts_with("wl")) return InterfaceKind::Wifi;
  if (link.name.starts_with("ww")) return InterfaceKind::Cellular;
  if (link.name.starts_with("en") || link.name.starts_with("eth")) return InterfaceKind::Wired;
  return InterfaceKind::Other;
}

bool may_be_uplink(const Link& link, const std::string& own_device, const std::vector<std::string>& ignored) {
  if (link.hardware_type == ARPHRD_LOOPBACK || link.name == own_device || link.port) return false;
  if (link.kind == "dummy" || link.kind == "ifb") return false;
  return std::none_of(ignored.begin(), ignored.end(),
                      [&](const std::string& pattern) { return fnmatch(pattern.c_str(), link.name.c_str(), 0) == 0; });
}

}  // namespace mipflow::platform
