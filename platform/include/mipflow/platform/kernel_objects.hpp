// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel's network objects as values. The codec turns them into netlink messages and back, the socket carries these.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "mipflow/base/address.hpp"
#include "mipflow/base/role.hpp"

namespace mipflow::platform {

struct Link {
  InterfaceIndex index = 0;
  std::string name = {};
  std::string alias = {};
  std::string kind = {};          // IFLA_INFO_KIND: "dummy", "ifb", "veth", "wwan"; empty for hardware
  std::uint16_t hardware_type = 0;  // ARPHRD_…
  bool up = false;                // administratively
  bool running = false;           // carrier
  bool port = false;              // belongs to a bridge, bond or VRF (IFLA_MASTER)
  std::uint32_t mtu = 0;
  std::optional<LinkLayerAddress> link_layer_address = std::nullopt;
};

struct InterfaceAddress {
  InterfaceIndex interface = 0;
  Address address;
  unsigned prefix_length = 128;
  std::uint32_t flags = 0;         // IFA_F_…, all 32 bits
  std::uint8_t scope = 0;          // RT_SCOPE_…
  std::uint32_t valid = kForever;  // seconds
  std::uint32_t preferred = kForever;

  static constexpr std::uint32_t kForever = 0xffff'ffff;
  friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

// A unicast route. With several next hops (ECMP) the decoder yields one Route for each.
struct Route {
  Prefix destination = {};
  std::optional<Address> gateway = std::nullopt;
  InterfaceIndex interface = 0;
  std::uint32_t table = 254;
  std::uint8_t protocol = 0;
  std::uint32_t metric = 1024;
  std::optional<Address> preferred_source = std::nullopt;
  std::uint32_t mtu = 0;  // octets; 0 = the device's
  friend auto operator<=>(const Route&, const Route&) = default;
};

// A policy routing rule that looks up a table.
struct Rule {
  std::uint32_t preference = 0;
  std::uint32_t table = 254;
  std::optional<Prefix> from = std::nullopt;
  std::optional<Prefix> to = std::nullopt;
  std::string input_interface = {};  // name; "lo" = packets that this host makes; empty = from everywhere
  std::uint32_t mark = 0;            // the bits of mark_mask have to be these
  std::uint32_t mark_mask = 0;  // 0 = the mark does not matter
  bool inverted = false;        // "not": applies when the selectors do not match
  std::optional<std::uint32_t> suppress_prefix_length = std::nullopt;
  std::uint8_t protocol = 0;
  friend auto operator<=>(const Rule&, const Rule&) = default;
};

// A neighbour cache entry, or a proxied neighbour.
struct Neighbour {
  InterfaceIndex interface = 0;
  Address address;
  std::uint16_t state = 0;  // NUD_…
  bool proxy = false;
  std::uint8_t protocol = 0;
  std::optional<LinkLayerAddress> link_layer_address = std::nullopt;
  friend auto operator<=>(const Neighbour&, const Neighbour&) = default;
};

}  // namespace mipflow::platform
