// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "error.hpp"
#include "mipflow/base/address.hpp"

namespace mipflow::datapath {

struct Interface {
  std::string name;
  unsigned short hardware = 0;  // ARPHRD_…
  std::array<std::uint8_t, 6> link_layer{};
  std::uint32_t mtu = 0;

  bool is_ethernet() const;
};

// ENODEV when there is no such interface in this network namespace.
Expected<Interface, Error> read_interface(InterfaceIndex index);

// Switches an offload of the device off, by the name that `ethtool -k` shows. No error when the device does not know it.
Result switch_off_feature(const Interface& interface, const char* feature);
// Whether the offload is on.
bool has_feature(const Interface& interface, const char* feature);

}  // namespace mipflow::datapath
