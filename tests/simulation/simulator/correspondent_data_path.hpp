// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <unordered_map>

#include "mipflow/correspondent-node/correspondent_node.hpp"
#include "simulation/simulator/event_queue.hpp"
#include "simulation/simulator/memory_kernel.hpp"

namespace mipflow::simulation {

// What the data path of a correspondent node does by the kernel's table of correspondent bindings (RFC 6275 §9.3.1, §9.3.2).
class CorrespondentDataPath {
 public:
  CorrespondentDataPath(EventQueue& clock, const MemoryKernel& kernel) : clock_(clock), kernel_(kernel) {}

  enum class Fate { UpperLayer,
                    Role,
                    Dropped };
  struct Arrival {
    Fate fate;
    Bytes packet;  // for the upper layer without the headers of Mobile IPv6, for the role as it was on the wire
  };
  // A packet to one of this node's addresses.
  Arrival arriving(const Bytes& packet);
  // A packet that this node's upper layers send.
  Bytes departing(const Bytes& packet);

  // For how long each binding has carried no packet.
  correspondent_node::BindingActivities activities();

 private:
  void used(const forwarding::HomeAddressAndCorrespondent& pair) { last_use_[pair] = clock_.now(); }

  EventQueue& clock_;
  const MemoryKernel& kernel_;
  std::unordered_map<forwarding::HomeAddressAndCorrespondent, TimePoint> last_use_;
};

}  // namespace mipflow::simulation
