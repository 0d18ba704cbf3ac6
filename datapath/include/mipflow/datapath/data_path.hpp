// SPDX-License-Identifier: GPL-3.0-or-later
// The packet path in the kernel: eBPF programs on tc, filled and read by this class.
//
//   socket ─► mip0 (egress program) ─► outer header, source rewritten ─► uplink's router
//   uplink (ingress program) ─► outer header off, destination rewritten back ─► mip0 ─► socket
//
// Maps and programs are pinned below Options::pin_directory: when the daemon dies the programs go on with what the maps
// hold, and the next daemon takes the maps over (tables are read back with flows(), bindings(), …).
// Every function may be called from one thread at a time. Errors carry the errno and a sentence for the operator.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"

namespace mipflow::datapath {

// `text` says what failed, why as far as the kernel tells, and what to do; `code` is the errno.
struct Error {
  std::string text;
  int code = 0;
};

enum class Role : std::uint8_t { MobileNode, HomeAgent };

// Keys beyond the first of each flow, see DataPath::set_flow(): there is room for one per so many flows.
inline constexpr std::uint32_t kFlowsPerFurtherKey = 8;

struct Options {
  Role role = Role::MobileNode;
  // Directory in a bpf file system, one per daemon. /sys/fs/bpf is mounted when it is not. The mount that `ip netns
  // exec` hides it with goes away with the process: enter a network namespace with `nsenter --net=…` instead.
  std::string pin_directory = "/sys/fs/bpf/mipflow/default";
  // The device that carries the home addresses (mobile node) or that the host routes to home addresses point to (home
  // agent): kind dummy or ifb, NOARP, up, no link-local address.
  InterfaceIndex mip0 = 0;

  std::uint32_t flow_capacity = 131'072;          // flows of a mobile node; an eighth of them may have a second key
  std::uint32_t binding_capacity = 4'096;         // bindings of a mobile node
  std::uint32_t address_capacity = 4'096;         // home addresses, care-of addresses, home agents, signalling addresses
  std::uint32_t tunnel_capacity = 1'000'000;      // home addresses served by a home agent; memory is taken as they come
  Duration path_mtu_lifetime = std::chrono::minutes{10};  // RFC 8201 §4: then the path may have become better
  std::uint32_t ring_octets = 1'048'576;          // signalling waiting for read_ring(); a power of two, at least a page
};

// A TCP flow of the mobile node has ended: FIN seen in both directions, or RST.
struct FlowClosed {
  FlowKey key;
  FlowId id = 0;
};

// The home agent dropped a reverse-tunnelled packet because its source was not told by set_tunnel_source(). One source is
// reported at most four times a second, all together at most two hundred times: anybody can send such packets.
struct UnboundSource {
  Address home_address;     // inner source
  Address care_of_address;  // outer source
};

// What a flow has carried since set_flow() made it. Octets are those of the inner IPv6 packets, header included.
struct FlowActivity {
  FlowKey key;
  FlowId id = 0;
  std::uint64_t packets_out = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t packets_in = 0;
  std::uint64_t bytes_in = 0;
  TimePoint last_seen{};  // CLOCK_BOOTTIME; the time of set_flow() before the first packet
  bool closed = false;    // TCP: FIN seen in both directions, or RST
};

// One counter of the programs; `name` is stable ("tunnelled_out", "no_binding", …), `meaning` one line for the operator.
struct Counter {
  const char* name;
  const char* meaning;
  std::uint64_t value;
};

class DataPath {
 public:
  // Loads the programs, takes over or creates the maps and attaches the egress program to mip0. ENOSYS/EOPNOTSUPP/EPERM
  // errors name the kernel option or capability that is missing.
  static Expected<std::unique_ptr<DataPath>, Error> open(const Options& options);
  // Takes away everything that a data path with these pin directory and role left in this network namespace: tc
  // programs on every interface, pinned objects. No error when there is nothing.
  static Expected<void, Error> remove_everything(const std::string& pin_directory, Role role);

  // Closes file descriptors only: programs and maps stay and go on working.
  ~DataPath();
  DataPath(const DataPath&) = delete;
  DataPath& operator=(const DataPath&) = delete;

  // Ingress program of an interface that tunnelled packets and signalling arrive at. Attaching again is no error;
  // detaching an interface that is gone or has no program is none either.
  Expected<void, Error> attach_uplink(InterfaceIndex uplink);
  Expected<void, Error> detach_uplink(InterfaceIndex uplink);

  // ---- mobile node: one function per table of forwarding::ForwardingPlan ----
  // Setting replaces atomically as packets see it; erasing what is not there is no error.

  Expected<void, Error> set_home_agent(const Address& home_agent);
  Expected<void, Error> erase_home_agent(const Address& home_agent);
  Expected<void, Error> set_care_of_address(const Address& care_of_address, const forwarding::CareOfAddressItem& item);
  Expected<void, Error> erase_care_of_address(const Address& care_of_address);

  // The next hop is the router that the routing tables have for `peer` on the uplink itself, also when another
  // uplink's route is preferred; see refresh_next_hops().
  Expected<void, Error> set_binding(forwarding::BindingId id, const forwarding::BindingItem& item);
  Expected<void, Error> erase_binding(forwarding::BindingId id);
  // Looks up again the next hop of every binding: to be called when a route changed.
  Expected<void, Error> refresh_next_hops();

  Expected<void, Error> set_home_address(const Address& home_address, const forwarding::HomeAddressItem& item);
  Expected<void, Error> erase_home_address(const Address& home_address);

  // Errors: EADDRINUSE when another flow has the same home address, ports, protocol and correspondent after rewriting
  // (their arriving packets could not be told apart; with the same flow id it is the same flow, whose packets are sent with
  // several sources and counted together, and what arrives gets the source that is the home address, if one is);
  // EPROTONOSUPPORT when the source would have to be rewritten in a
  // protocol whose checksum is unknown (everything but TCP, UDP, UDP-Lite, DCCP, SCTP, ICMPv6); E2BIG when full.
  Expected<void, Error> set_flow(const FlowKey& key, const forwarding::FlowItem& item);
  Expected<void, Error> erase_flow(const FlowKey& key);

  // ---- home agent ----

  // An address of this node (the home agent's, the home-agents anycast addresses) whose Mobile IPv6 signalling is
  // handed to the ring, and that tunnelled packets may arrive at.
  Expected<void, Error> set_signalling_address(const Address& address);
  Expected<void, Error> erase_signalling_address(const Address& address);
  Expected<void, Error> set_tunnel(const Address& home_address, const forwarding::TunnelItem& item);
  Expected<void, Error> erase_tunnel(const Address& home_address);
  Expected<void, Error> set_tunnel_source(const forwarding::TunnelSource& source);
  Expected<void, Error> erase_tunnel_source(const forwarding::TunnelSource& source);
  // Neighbor Solicitations and Advertisements about the address that arrive at the interface are copied to the ring.
  Expected<void, Error> set_watched_address(const forwarding::OnInterface& watched);
  Expected<void, Error> erase_watched_address(const forwarding::OnInterface& watched);

  // ---- what the kernel holds, for forwarding::diff() after a restart ----

  std::unordered_set<Address> home_agents() const;
  std::unordered_map<Address, forwarding::CareOfAddressItem> care_of_addresses() const;
  std::unordered_map<forwarding::BindingId, forwarding::BindingItem> bindings() const;
  // `primary` is not the data path's business: false in what is read back.
  std::unordered_map<Address, forwarding::HomeAddressItem> home_addresses() const;
  std::unordered_map<FlowKey, forwarding::FlowItem> flows() const;
  std::unordered_set<Address> signalling_addresses() const;
  std::unordered_map<Address, forwarding::TunnelItem> tunnels() const;
  std::unordered_set<forwarding::TunnelSource> tunnel_sources() const;
  std::unordered_set<forwarding::OnInterface> watched_addresses() const;
  // Interfaces of this network namespace that carry our ingress program.
  std::vector<InterfaceIndex> uplinks() const;

  // ---- what comes from the kernel ----

  // Becomes readable (poll, epoll) when read_ring() has something.
  int ring_fd() const;
  // Hands over what waits in the ring, at most `limit` records; returns how many.
  Expected<std::size_t, Error> read_ring(const std::function<void(PacketReceived)>& on_packet,
                                         const std::function<void(const FlowClosed&)>& on_flow_closed,
                                         const std::function<void(const UnboundSource&)>& on_unbound_source = {},
                                         std::size_t limit = 256);
  // All flows; reads shared memory, no system call per flow.
  std::vector<FlowActivity> activities() const;
  std::vector<Counter> counters() const;

  // ---- first packets ----

  // A socket filter for the xt_bpf match (XT_BPF_MODE_PATH_PINNED, or _FD_PINNED with the descriptor) in OUTPUT behind
  // `oif mip0` and in INPUT behind `iif mip0`: matches (returns non-zero) when the packet needs no decision: its flow is
  // known, or it is no flow's (multicast, link-local, fragment behind the first, ICMPv6 but echo, Mobility Header).
  // Queue what does not match. Mobile node only: -1 and "" else.
  int known_flow_fd() const;
  const std::string& known_flow_pin() const;

  // Detaches and unpins everything of this data path; the object must not be used behind it but for destruction.
  Expected<void, Error> remove_everything();

 private:
  class Implementation;
  explicit DataPath(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mipflow::datapath
