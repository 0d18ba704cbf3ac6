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

enum class Role : std::uint8_t { MobileNode, HomeAgent, CorrespondentNode };

// Keys beyond the first of each flow, see DataPath::set_flow(): there is room for one per so many flows.
inline constexpr std::uint32_t kFlowsPerFurtherKey = 8;

// On packets to home addresses without a tunnel (home agent): they went to mip0 by the route of a whole prefix, and come out of it
// again with this mark, to be routed as if it were not there. What has the mark already is dropped.
inline constexpr std::uint32_t kUnboundMark = 0x2000'0000;

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
  std::uint32_t correspondent_capacity = 65'536;  // Binding Cache entries of a correspondent node
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
  // TCP segments whose octets had all been seen before on the same way: sent again because they were lost behind here (out)
  // or before here (in), or thought to be; those that were overtaken count too. Keep-alives and probes of a closed window do
  // not, and neither does a single octet that is sent again alone. What the kernel handles as one large packet counts with
  // all its segments, or, when it has a new octet, with none.
  std::uint64_t retransmissions_out = 0;
  std::uint64_t retransmissions_in = 0;
  // Longest time between two packets in a row that the later one of has been seen since the last activities(); zero when
  // there was none. A silence shows when it is over, whoever was silent.
  Duration longest_gap_out{};
  Duration longest_gap_in{};
};

// Of a correspondent binding, what packets do not need and the next daemon does.
struct CorrespondentRegistration {
  std::uint16_t sequence = 0;  // of the last Binding Update taken
  TimePoint ends{};            // of the lifetime, CLOCK_BOOTTIME
  friend bool operator==(const CorrespondentRegistration&, const CorrespondentRegistration&) = default;
};

// What went through the tunnel to a home address. Octets are those of the inner packets; what the kernel handles as one large
// packet counts with all its segments.
struct TunnelActivity {
  Address home_address;
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
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
  // uplink's route is preferred; see refresh_next_hops(). Without a header (Plain) it is the uplink's default router: what the
  // routing tables know better than by a default route does not come to mip0.
  Expected<void, Error> set_binding(forwarding::BindingId id, const forwarding::BindingItem& item);
  Expected<void, Error> erase_binding(forwarding::BindingId id);
  // Looks up again the next hop of every binding: to be called when a route changed.
  Expected<void, Error> refresh_next_hops();

  // Packets with a type 2 routing header for the home address are accepted from this correspondent node on every care-of
  // address; from others they are dropped (RFC 6275 §11.3.3).
  Expected<void, Error> set_routing_header_source(const forwarding::HomeAddressAndCorrespondent& source);
  Expected<void, Error> erase_routing_header_source(const forwarding::HomeAddressAndCorrespondent& source);

  Expected<void, Error> set_home_address(const Address& home_address, const forwarding::HomeAddressItem& item);
  Expected<void, Error> erase_home_address(const Address& home_address);

  // Errors: EADDRINUSE when another flow has the same home address, ports, protocol and correspondent after rewriting
  // (their arriving packets could not be told apart; with the same flow id it is the same flow, whose packets are sent with
  // several sources and counted together, and what arrives gets the source that is the home address, if one is), or when the
  // binding is Plain and a TCP or UDP socket of this host is connected from the care-of address with the same ports already
  // (one that connects later loses its arriving packets to the flow);
  // EPROTONOSUPPORT when the source would have to be rewritten in a
  // protocol whose checksum is unknown (everything but TCP, UDP, UDP-Lite, DCCP, SCTP, ICMPv6); E2BIG when full.
  Expected<void, Error> set_flow(const FlowKey& key, const forwarding::FlowItem& item);
  Expected<void, Error> erase_flow(const FlowKey& key);

  // ---- correspondent node, and home agent as one ----

  // Packets to the home address reach mip0 by a host route, which is the caller's business (mip0's program sends those of
  // another source on as they are).
  Expected<void, Error> set_correspondent_binding(const forwarding::HomeAddressAndCorrespondent& pair,
                                                  const forwarding::CorrespondentBindingItem& item);
  Expected<void, Error> erase_correspondent_binding(const forwarding::HomeAddressAndCorrespondent& pair);
  // Kept beside the binding, as long as that is there; ENOENT when it is not.
  Expected<void, Error> note_correspondent_registration(const forwarding::HomeAddressAndCorrespondent& pair,
                                                        const CorrespondentRegistration& registration);
  // Those that were noted.
  std::unordered_map<forwarding::HomeAddressAndCorrespondent, CorrespondentRegistration> correspondent_registrations() const;
  // Time since the last packet in either direction, with about a second's accuracy; since it was set before the first one.
  std::unordered_map<forwarding::HomeAddressAndCorrespondent, Duration> correspondent_idle_times() const;

  // ---- home agent, and the first two for a correspondent node too ----

  // An address of this node (the home agent's, the home-agents anycast addresses; every address of a correspondent node)
  // whose Mobile IPv6 signalling is
  // handed to the ring, and that tunnelled packets may arrive at.
  Expected<void, Error> set_signalling_address(const Address& address);
  Expected<void, Error> erase_signalling_address(const Address& address);
  Expected<void, Error> set_tunnel(const Address& home_address, const forwarding::TunnelItem& item);
  Expected<void, Error> erase_tunnel(const Address& home_address);
  Expected<void, Error> set_tunnel_source(const forwarding::TunnelSource& source);
  Expected<void, Error> erase_tunnel_source(const forwarding::TunnelSource& source);
  // What was tunnelled since the last call, or since set_tunnel() made the tunnel; those with nothing are left out. Counting begins
  // with the first call, and goes on when this process ends. Reads shared memory: about 2 ms for a million tunnels of which few are
  // in use. What a tunnel carried between the
  // last call and erase_tunnel() is lost.
  std::vector<TunnelActivity> take_tunnel_activity();
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
  std::unordered_set<forwarding::HomeAddressAndCorrespondent> routing_header_sources() const;
  std::unordered_map<forwarding::HomeAddressAndCorrespondent, forwarding::CorrespondentBindingItem> correspondent_bindings() const;
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
  // All flows; reads shared memory, no system call per flow. Begins the longest gaps anew, so there is one reader.
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
