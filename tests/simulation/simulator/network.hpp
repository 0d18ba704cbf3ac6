// SPDX-License-Identifier: GPL-3.0-or-later
// The network between the nodes of a simulation: access links that lose, delay, double and reorder, and a core that
// routes by destination address without a fault.
//
//   node ── attachment (access link) ──╮
//   node ── attachment (access link) ──┼── core ── attachment of the home prefixes' router: the home agent
//   node ── attachment (access link) ──╯
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/random.hpp"
#include "simulation/simulator/event_queue.hpp"

namespace mipflow::simulation {

// What an access link does to packets, in both directions. Jitter larger than the distance of packets reorders them.
struct LinkBehaviour {
  Duration delay = std::chrono::milliseconds{5};
  Duration jitter{};
  double loss = 0;
  double duplication = 0;
};

class Attachment;

// Whoever is attached.
class Station {
 public:
  virtual ~Station() = default;
  virtual void receive(const Bytes& packet, Attachment& at) = 0;
};

// An interface of a station.
class Attachment {
 public:
  Attachment(Station& owner, InterfaceIndex number) : station(owner), index(number) {}

  Station& station;
  InterfaceIndex index;
  LinkBehaviour behaviour;
  bool up = true;  // a link that is down loses everything, also what is on its way
};

// A packet that a station sent, and what became of it.
struct Capture {
  TimePoint sent_at{};
  Bytes packet;
  InterfaceIndex interface = 0;  // of the sender
  bool lost = false;
};

class Network {
 public:
  Network(EventQueue& clock, std::uint64_t seed) : clock_(clock), random_(seed) {}

  Attachment& attach(Station& station, InterfaceIndex index, LinkBehaviour behaviour = {});
  void assign(const Address& address, Attachment& attachment) { owners_[address] = &attachment; }
  void unassign(const Address& address) { owners_.erase(address); }
  // Everything below the prefix that nobody has an attachment with goes to its router.
  void route(const Prefix& prefix, Attachment& router) { routes_.emplace_back(prefix, &router); }
  // From now on to this one instead of the routers before it.
  void reroute(const Prefix& prefix, Attachment& router) { routes_.emplace(routes_.begin(), prefix, &router); }

  // A host route that a router announces; of several for one address the lowest metric counts.
  void announce(const Address& address, Attachment& router, std::uint32_t metric) { announced_[address][&router] = metric; }
  void withdraw(const Address& address, Attachment& router);

  void send(Attachment& from, Bytes packet);

  // Decides about packets before chance does: true loses the packet. Called once per packet sent.
  std::function<bool(const Bytes& packet)> lose = [](const Bytes&) { return false; };
  // Signalling of Mobile IPv6 that was sent since the beginning.
  const std::vector<Capture>& signalling() const { return signalling_; }
  // Sets every access link, the present and the future ones, to this.
  void set_all_links(const LinkBehaviour& behaviour);

  static bool is_signalling(BytesView packet);

 private:
  bool chance(double probability);
  Duration delay_of(const LinkBehaviour& behaviour);
  Attachment* next_hop(const Address& destination) const;

  EventQueue& clock_;
  SeededRandom random_;
  std::vector<std::unique_ptr<Attachment>> attachments_;
  std::unordered_map<Address, Attachment*> owners_;
  std::vector<std::pair<Prefix, Attachment*>> routes_;
  std::unordered_map<Address, std::map<Attachment*, std::uint32_t>> announced_;
  std::vector<Capture> signalling_;
};

}  // namespace mipflow::simulation
