// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "mipflow/base/role.hpp"
#include "simulation/simulator/event_queue.hpp"

namespace mipflow::simulation {

class HomeAgentHost;

// A node on the home link besides the home agent.
class Neighbour {
 public:
  Neighbour(const LinkLayerAddress& mac, std::set<Address> own) : link_layer_address(mac), addresses(std::move(own)) {}

  LinkLayerAddress link_layer_address;
  std::set<Address> addresses;
  bool defends = true;             // answers duplicate address detection about its addresses
  std::vector<Bytes> received;     // packets to its addresses
  std::vector<Bytes> heard;        // multicast
};

// The home link: a segment where everybody hears multicast at once and loses nothing. Losses on it are the unit tests'.
class HomeLink {
 public:
  HomeLink(EventQueue& clock, HomeAgentHost& home_agent) : clock_(clock), home_agent_(home_agent) {}

  Neighbour& add(const LinkLayerAddress& mac, std::set<Address> addresses);
  // From the home agent: multicast to all, unicast to the frame's destination or to whoever has the address.
  void from_home_agent(const OutgoingPacket& packet);
  // From a neighbour: to whoever answers a Neighbor Solicitation for the destination.
  void from_neighbour(const Neighbour& sender, const Bytes& packet);
  // Who answers for the address; nullptr when nobody but perhaps the home agent does.
  Neighbour* owner(const Address& address);

 private:
  void answer_detection(Neighbour& neighbour, const Bytes& packet);

  EventQueue& clock_;
  HomeAgentHost& home_agent_;
  std::vector<std::unique_ptr<Neighbour>> neighbours_;
};

}  // namespace mipflow::simulation
