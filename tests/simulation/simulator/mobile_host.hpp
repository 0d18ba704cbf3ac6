// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/flow-separator/policy.hpp"
#include "mipflow/mn-core/mobile_node.hpp"
#include "mipflow/wire/packet.hpp"
#include "simulation/simulator/datagram.hpp"
#include "simulation/simulator/role_host.hpp"

namespace mipflow::simulation {

// A datagram that passed an interface of the mobile node, and by which headers: the answer to "does a packet of this flow
// arrive, by which interface, and by way of the home agent or straight?".
struct Passage {
  TimePoint at{};
  std::uint16_t local_port = 0;
  std::uint16_t correspondent_port = 0;
  std::uint32_t number = 0;
  InterfaceIndex interface = 0;
  Address home_address;
  Address care_of_address;
  bool direct = false;  // Home Address option or type 2 routing header, no tunnel
};

// The laptop: the role, its interfaces, its sockets, and what the data path would do by the kernel's tables.
class MobileHost final : public RoleHost {
 public:
  MobileHost(EventQueue& clock, Network& network, mobile_node::Configuration configuration,
             std::shared_ptr<const flow_separator::Policy> policy, std::uint64_t seed);

  mobile_node::MobileNode& role() { return *role_; }
  const mobile_node::Configuration& configuration() const { return configuration_; }

  void add_interface(InterfaceIndex index, std::string name, mobile_node::InterfaceKind kind,
                     LinkBehaviour behaviour = {});
  // The interface has carrier, an address and a router. `valid_for`: nullopt is forever.
  void connect(InterfaceIndex index, const Address& care_of_address, std::optional<Duration> valid_for = std::nullopt);
  // The cable is cut. `notice_after`: how long the kernel takes to tell.
  void cut(InterfaceIndex index, Duration notice_after = {});
  // The interface gets another address: it moved to another network.
  void renumber(InterfaceIndex index, const Address& care_of_address);
  Attachment& link(InterfaceIndex index) { return *interfaces_.at(index).attachment; }
  // Something that the kernel tells and that nothing above stands for.
  void happens(const mobile_node::Event& event) { handle(event); }

  // Sockets, bound to no address: they use the source address of the default route.
  void send_datagram(std::uint16_t local_port, const Address& correspondent, std::uint16_t port, std::uint32_t number);
  Expected<void, mobile_node::CommandError> move_flow(FlowId flow, std::string_view interface);
  void stop_gracefully();
  // The daemon is killed; the kernel keeps what it has. A new one takes the flows over, with another policy if there is one.
  void kill_and_start(std::shared_ptr<const flow_separator::Policy> policy = {});
  // The lid is closed: no program runs, no packet is received, and time passes. The kernel's tables and the cables stay as they are.
  void suspend() { suspended_ = true; }
  // What was due meanwhile is due at once, before anything is heard of the network.
  void resume();

  std::optional<mobile_node::FlowSnapshot> flow(std::uint16_t local_port) const;
  std::vector<mobile_node::BindingSnapshot> bindings() const { return role_->bindings(time()); }
  bool registered() const { return role_->status(time()).registered; }

  std::vector<Passage> departed;
  std::vector<Passage> arrived;
  std::uint64_t unsendable = 0;  // datagrams for which the kernel had no route
  std::uint64_t refused_routing_headers = 0;
  bool answers = false;  // every datagram with one of the same number

 private:
  struct Interface {
    std::string name;
    mobile_node::InterfaceKind kind;
    Attachment* attachment = nullptr;
    Address address;  // `::` while not connected
    std::optional<Duration> valid_for = std::nullopt;
  };
  // Where an arriving packet came in, and whether straight.
  struct Entrance {
    InterfaceIndex interface = 0;
    Address care_of_address;
    bool direct = false;
  };
  struct HeldPacket {
    mobile_node::Direction direction;
    Bytes packet;
    Entrance entrance;
  };

  void start();
  void wake() override;
  void send(const OutgoingPacket& packet) override;
  void release(const Verdict& verdict) override;
  void receive(const Bytes& packet, Attachment& at) override;
  void report(InterfaceIndex index, bool running);
  void report_activity();
  void handle(const mobile_node::Event& event);

  // The data path, WO 2004/057826 Figures 4 and 5 without their decisions.
  void transmit(const Bytes& packet, bool may_ask);
  void receive_direct(const Bytes& packet, const Attachment& at);
  void receive_tunnelled(const wire::PacketView& outer, const Attachment& at);
  void deliver(const Bytes& inner, const Entrance& entrance, bool may_ask);
  void ask(mobile_node::Direction direction, const Bytes& packet, const Entrance& entrance);
  // The interface on the home link where this home address is, without mipflow; nullptr: it is not at home.
  const Interface* home_of(const Address& home_address) const;
  void receive_at_home(const Bytes& packet, const Attachment& at);

  mobile_node::Configuration configuration_;
  std::shared_ptr<const flow_separator::Policy> policy_;
  SeededRandom random_;
  std::map<InterfaceIndex, Interface> interfaces_;
  std::map<HeldPacketId, HeldPacket> held_;
  HeldPacketId last_held_ = 0;
  bool suspended_ = false;
  std::unordered_map<FlowKey, mobile_node::FlowActivity> activity_;
  std::unordered_map<FlowKey, TimePoint> last_active_;
  std::unique_ptr<mobile_node::MobileNode> role_;
  std::unique_ptr<platform::Runner<mobile_node::MobileNode, mobile_node::Event>> runner_;
};

}  // namespace mipflow::simulation
