// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <span>

#include "simulation/simulator/world.hpp"

namespace mipflow::simulation {

// What happens to a laptop by chance: its flows are moved, its cables cut and plugged in, its networks change.
class RandomEvents {
 public:
  // References must outlive the object. Both interfaces are connected.
  RandomEvents(World& world, RandomSource& random) : world_(world), random_(random) {}

  void move() {
    const auto flows = world_.mobile_node.role().flows(world_.mobile_node.time());
    if (flows.empty()) return;
    const auto& flow = flows[random_.next_u64() % flows.size()];
    (void)world_.mobile_node.move_flow(flow.id, random_.next_u64() % 2 ? "wlan0" : "wwan0");
  }
  void plug_in_or_cut() { toggle(any_interface()); }
  void renumber() {
    const InterfaceIndex index = any_interface();
    if (connected_[index]) world_.mobile_node.renumber(index, fresh_address());
  }
  void weather(std::span<const LinkBehaviour> weathers) {
    world_.network.set_all_links(weathers[random_.next_u64() % weathers.size()]);
  }
  // Good weather, both interfaces.
  void all_is_well() {
    world_.network.set_all_links({});
    for (const auto& [index, is_connected] : std::map(connected_))
      if (!is_connected) toggle(index);
  }

 private:
  InterfaceIndex any_interface() { return random_.next_u64() % 2 ? kWlan : kWwan; }
  Address fresh_address() {
    Address out = kWlanAddress;
    out.octets[6] = static_cast<std::uint8_t>(++networks_ >> 8);
    out.octets[7] = static_cast<std::uint8_t>(networks_);
    return out;
  }
  void toggle(InterfaceIndex index) {
    if (connected_[index])
      world_.mobile_node.cut(index, std::chrono::milliseconds{random_.next_u64() % 500});
    else
      world_.mobile_node.connect(index, fresh_address());
    connected_[index] = !connected_[index];
  }

  World& world_;
  RandomSource& random_;
  std::map<InterfaceIndex, bool> connected_{{kWlan, true}, {kWwan, true}};
  unsigned networks_ = 0x100;
};

}  // namespace mipflow::simulation
