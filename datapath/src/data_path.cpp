// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/datapath/data_path.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "activity.hpp"
#include "bpf_file_system.hpp"
#include "error.hpp"
#include "flow_table.hpp"
#include "interface.hpp"
#include "layout_values.hpp"
#include "loaded_programs.hpp"
#include "map.hpp"
#include "next_hop.hpp"
#include "ring.hpp"
#include "route_lookups.hpp"
#include "socket_lookup.hpp"
#include "traffic_control.hpp"
#include "tunnel_table.hpp"

namespace mipflow::datapath {

namespace {

struct CounterText {
  const char* name;
  const char* meaning;
};
constexpr CounterText kCounters[] = {
#define MIPFLOW_COUNTER_TEXT(name, meaning) {#name, meaning},
    MIPFLOW_COUNTERS(MIPFLOW_COUNTER_TEXT)
#undef MIPFLOW_COUNTER_TEXT
};

std::vector<InterfaceIndex> all_interfaces() {
  std::vector<InterfaceIndex> out;
  const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> list(::if_nameindex(), ::if_freenameindex);
  for (const struct if_nameindex* entry = list.get(); entry != nullptr && entry->if_index != 0; ++entry)
    out.push_back(entry->if_index);
  return out;
}

// New programs replace old ones without a moment in which the path is empty.
Result pin_program(int fd, const std::string& path) {
  const std::string beside = path + "_next";  // names with dots are the file system's own
  std::error_code error;
  std::filesystem::remove(beside, error);
  if (const int result = bpf_obj_pin(fd, beside.c_str()); result < 0) return failure(-result, "cannot pin " + path);
  std::filesystem::rename(beside, path, error);
  if (error) return failure(error.value(), "cannot pin " + path);
  return {};
}

forwarding::HeaderKind header_kind(std::uint32_t header) {
  if (header == MIPFLOW_HEADER_HOME_ADDRESS_OPTION) return forwarding::HeaderKind::RouteOptimized;
  return header == MIPFLOW_HEADER_NONE ? forwarding::HeaderKind::Plain : forwarding::HeaderKind::Tunnel;
}
std::uint32_t layout_header(forwarding::HeaderKind header) {
  switch (header) {
    case forwarding::HeaderKind::Tunnel: return MIPFLOW_HEADER_TUNNEL;
    case forwarding::HeaderKind::RouteOptimized: return MIPFLOW_HEADER_HOME_ADDRESS_OPTION;
    case forwarding::HeaderKind::Plain: return MIPFLOW_HEADER_NONE;
  }
  return 0;  // no program knows it: dropped
}

// The routing tables' answer to it is a default route.
constexpr Address kAnywhere{};

template <class Value>
std::unordered_set<Address> addresses_in(const Map<mipflow_address, Value>& map) {
  std::unordered_set<Address> out;
  for (const auto& [key, value] : map.read_all()) out.insert(from_layout(key));
  return out;
}

}  // namespace

class DataPath::Implementation {
 public:
  Implementation(const Options& options, FileDescriptor lock, LoadedPrograms programs, Ring ring)
      : options_(options), lock_(std::move(lock)), programs_(std::move(programs)), ring_(std::move(ring)) {}

  Result take_over_tables();
  Result attach_mip0();
  mipflow_binding with_next_hop(mipflow_binding binding, std::uint32_t mtu) const;
  Result note_plain_binding(forwarding::BindingId id, bool is_plain);
  Result write_plain_bindings() const;

  template <class Key, class Value>
  Map<Key, Value> map(const char* name) const {
    return {programs_.map_fd(name), name};
  }

  Options options_;
  FileDescriptor lock_;
  LoadedPrograms programs_;
  Ring ring_;
  std::string known_flow_pin_;

  Map<std::uint32_t, mipflow_binding> bindings_ = map<std::uint32_t, mipflow_binding>("bindings");
  Map<mipflow_address, mipflow_home_address> home_addresses_ = map<mipflow_address, mipflow_home_address>("home_addresses");
  Map<mipflow_address, mipflow_care_of_address> care_of_addresses_ =
      map<mipflow_address, mipflow_care_of_address>("care_of_addresses");
  Map<mipflow_address, std::uint32_t> home_agents_ = map<mipflow_address, std::uint32_t>("home_agents");
  Map<mipflow_pair, std::uint32_t> routing_header_sources_ = map<mipflow_pair, std::uint32_t>("routing_header_sources");
  FlowTable flows_;
  std::unordered_set<forwarding::BindingId> plain_bindings_;

  Map<std::uint32_t, mipflow_uplink> uplinks_ = map<std::uint32_t, mipflow_uplink>("uplinks");

  Map<mipflow_pair, mipflow_correspondent_binding> correspondent_bindings_ =
      map<mipflow_pair, mipflow_correspondent_binding>("correspondent_bindings");

  Map<mipflow_address, std::uint32_t> signalling_addresses_ = map<mipflow_address, std::uint32_t>("signalling_addresses");
  TunnelTable tunnels_;
  Map<mipflow_tunnel_source, std::uint32_t> tunnel_sources_ = map<mipflow_tunnel_source, std::uint32_t>("tunnel_sources");
  Map<mipflow_watched, std::uint32_t> watched_addresses_ = map<mipflow_watched, std::uint32_t>("watched_addresses");
};

Result DataPath::Implementation::take_over_tables() {
  if (options_.role == Role::HomeAgent) {
    auto tunnels = TunnelTable::open(programs_.map_fd("tunnels"), programs_.map_fd("tunnel_activity"), programs_.map_fd("tunnel_activity_wanted"),
                                     options_.tunnel_capacity);
    if (!tunnels) return Unexpected{tunnels.error()};
    tunnels_ = std::move(*tunnels);
  }
  if (options_.role != Role::MobileNode) return {};
  auto activity = ActivityMemory::open(programs_.map_fd("activity"), options_.flow_capacity);
  if (!activity) return Unexpected{activity.error()};
  flows_ = FlowTable(programs_.map_fd("departures"), programs_.map_fd("arrivals"), std::move(*activity), options_.flow_capacity);
  for (const auto& [id, binding] : bindings_.read_all())
    if (binding.way.header == MIPFLOW_HEADER_NONE) plain_bindings_.insert(id);
  if (auto written = write_plain_bindings(); !written) return written;
  known_flow_pin_ = options_.pin_directory + "/known_flow";
  return pin_program(programs_.program_fd("known_flow"), known_flow_pin_);
}

Result DataPath::Implementation::attach_mip0() {
  // Nothing is left undecided by mip0's own program; but a kernel that can not lead packets on is to say so at start, and
  // not when the first uplink comes.
  if (leads_into_mip0(options_.role)) {
    if (auto led = lead_into(options_.mip0, options_.mip0, Hook::Egress, options_.role, programs_.program_fd("is_for_mip0")); !led)
      return led;
  }
  return attach(options_.mip0, Hook::Egress, options_.role, programs_.program_fd("leave_mip0"));
}

Result DataPath::Implementation::write_plain_bindings() const {
  return map<std::uint32_t, std::uint32_t>("plain_bindings").set(0, static_cast<std::uint32_t>(plain_bindings_.size()));
}
Result DataPath::Implementation::note_plain_binding(forwarding::BindingId id, bool is_plain) {
  const bool changed = is_plain ? plain_bindings_.insert(id).second : plain_bindings_.erase(id) != 0;
  return changed ? write_plain_bindings() : Result{};
}

mipflow_binding DataPath::Implementation::with_next_hop(mipflow_binding binding, std::uint32_t mtu) const {
  // A route that is gone for a moment is no reason to forget the router.
  const bool is_plain = binding.way.header == MIPFLOW_HEADER_NONE;
  const auto hop = next_hop(is_plain ? kAnywhere : from_layout(binding.way.destination), binding.way.uplink);
  const bool is_another_path = binding.way.mtu != mtu || (hop && *hop != from_layout(binding.way.next_hop));
  if (is_another_path) binding.way.path_mtu = {};
  if (hop) binding.way.next_hop = to_layout(*hop);
  binding.way.mtu = mtu;
  return binding;
}

DataPath::DataPath(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}
DataPath::~DataPath() = default;

Expected<std::unique_ptr<DataPath>, Error> DataPath::open(const Options& options) {
  const auto page = static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE));
  if (options.ring_octets < page || (options.ring_octets & (options.ring_octets - 1)) != 0)
    return failure(EINVAL, "ring of " + std::to_string(options.ring_octets) + " octets", "a power of two, at least a page, is needed");
  if (options.flow_capacity == 0 || options.binding_capacity == 0 || options.address_capacity == 0 ||
      options.correspondent_capacity == 0 || options.tunnel_capacity == 0 || options.tunnel_capacity > UINT32_MAX / 2)
    return failure(EINVAL, "capacity of a data path's table", "it has to be at least 1 and below 2 thousand millions");
  const auto mip0 = read_interface(options.mip0);
  if (!mip0) return Unexpected{mip0.error()};
  if (!mip0->is_ethernet())
    return failure(EINVAL, "interface " + mip0->name, "the home addresses' device has to be of kind dummy or ifb");
  // The kernel can not put an outer header around large SCTP packets (bpf_skb_adjust_room), so SCTP has to cut them.
  if (auto off = switch_off_feature(*mip0, "tx-sctp-segmentation"); !off) return Unexpected{off.error()};

  if (options.role == Role::CorrespondentNode)
    if (auto allowed = allow_route_lookups(*mip0); !allowed) return Unexpected{allowed.error()};

  if (auto made = make_pin_directory(options.pin_directory); !made) return Unexpected{made.error()};
  auto lock = lock_pin_directory(options.pin_directory);
  if (!lock) return Unexpected{lock.error()};
  auto programs = LoadedPrograms::load(options, *mip0);
  if (!programs) return Unexpected{programs.error()};
  auto ring = Ring::open(programs->map_fd("ring"));
  if (!ring) return Unexpected{ring.error()};

  auto implementation = std::make_unique<Implementation>(options, std::move(*lock), std::move(*programs), std::move(*ring));
  if (auto taken = implementation->take_over_tables(); !taken) return Unexpected{taken.error()};
  if (auto attached = implementation->attach_mip0(); !attached) return Unexpected{attached.error()};
  std::unique_ptr<DataPath> out(new DataPath(std::move(implementation)));
  // Uplinks that the daemon before this one attached still run its programs.
  for (const InterfaceIndex uplink : out->uplinks())
    if (auto attached = out->attach_uplink(uplink); !attached) return Unexpected{attached.error()};
  return out;
}

Result DataPath::attach_uplink(InterfaceIndex uplink) {
  const auto interface = read_interface(uplink);
  if (!interface) return Unexpected{interface.error()};
  const char* program = interface->is_ethernet() ? "enter_ethernet_uplink" : "enter_raw_ip_uplink";
  const Options& options = implementation_->options_;
  const LoadedPrograms& programs = implementation_->programs_;
  if (auto set = implementation_->uplinks_.set(uplink, {has_feature(*interface, "tx-ipxip6-segmentation")}); !set) return set;
  // What stands behind the program first: without it, packets would come out of the tunnel on the uplink.
  if (leads_into_mip0(options.role))
    if (auto led = lead_into(options.mip0, uplink, Hook::Ingress, options.role, programs.program_fd("is_for_mip0")); !led) return led;
  return attach(uplink, Hook::Ingress, options.role, programs.program_fd(program));
}
Result DataPath::detach_uplink(InterfaceIndex uplink) {
  if (auto erased = implementation_->uplinks_.erase(uplink); !erased) return erased;
  return detach(uplink, Hook::Ingress, implementation_->options_.role);
}

std::vector<InterfaceIndex> DataPath::uplinks() const {
  std::vector<InterfaceIndex> out;
  for (const InterfaceIndex interface : all_interfaces())
    if (is_attached(interface, Hook::Ingress, implementation_->options_.role)) out.push_back(interface);
  return out;
}

// ---- mobile node ----

Result DataPath::set_home_agent(const Address& home_agent) { return implementation_->home_agents_.set(to_layout(home_agent), 1); }
Result DataPath::erase_home_agent(const Address& home_agent) { return implementation_->home_agents_.erase(to_layout(home_agent)); }
std::unordered_set<Address> DataPath::home_agents() const { return addresses_in(implementation_->home_agents_); }

Result DataPath::set_care_of_address(const Address& care_of_address, const forwarding::CareOfAddressItem& item) {
  return implementation_->care_of_addresses_.set(to_layout(care_of_address), {item.interface});
}
Result DataPath::erase_care_of_address(const Address& care_of_address) {
  return implementation_->care_of_addresses_.erase(to_layout(care_of_address));
}
std::unordered_map<Address, forwarding::CareOfAddressItem> DataPath::care_of_addresses() const {
  std::unordered_map<Address, forwarding::CareOfAddressItem> out;
  for (const auto& [key, value] : implementation_->care_of_addresses_.read_all())
    out.emplace(from_layout(key), forwarding::CareOfAddressItem{value.interface});
  return out;
}

Result DataPath::set_binding(forwarding::BindingId id, const forwarding::BindingItem& item) {
  const auto uplink = read_interface(item.uplink);
  if (!uplink) return Unexpected{uplink.error()};
  mipflow_binding value{};
  value.way.header = layout_header(item.header);
  value.home_address = to_layout(item.home_address);
  value.way.source = to_layout(item.care_of_address);
  value.way.destination = to_layout(item.peer);
  value.way.uplink = item.uplink;
  mipflow_binding before{};
  if (implementation_->bindings_.find(id, before) && before.way.uplink == item.uplink && from_layout(before.way.destination) == item.peer)
    value.way.next_hop = before.way.next_hop;
  const bool is_plain = item.header == forwarding::HeaderKind::Plain;
  // An answer must not come in before it is looked for.
  if (is_plain)
    if (auto noted = implementation_->note_plain_binding(id, true); !noted) return noted;
  if (auto set = implementation_->bindings_.set(id, implementation_->with_next_hop(value, uplink->mtu)); !set) return set;
  return is_plain ? Result{} : implementation_->note_plain_binding(id, false);
}
Result DataPath::erase_binding(forwarding::BindingId id) {
  if (auto erased = implementation_->bindings_.erase(id); !erased) return erased;
  return implementation_->note_plain_binding(id, false);
}

Result DataPath::refresh_next_hops() {
  for (const auto& [id, binding] : implementation_->bindings_.read_all()) {
    const auto uplink = read_interface(binding.way.uplink);
    if (!uplink) continue;  // the interface is gone; the plan will say what becomes of the binding
    const mipflow_binding fresh = implementation_->with_next_hop(binding, uplink->mtu);
    if (std::memcmp(&fresh, &binding, sizeof fresh) == 0) continue;
    if (auto result = implementation_->bindings_.set(id, fresh, BPF_EXIST); !result && result.error().code != ENOENT) return result;
  }
  return {};
}

std::unordered_map<forwarding::BindingId, forwarding::BindingItem> DataPath::bindings() const {
  std::unordered_map<forwarding::BindingId, forwarding::BindingItem> out;
  for (const auto& [id, value] : implementation_->bindings_.read_all())
    out.emplace(id, forwarding::BindingItem{header_kind(value.way.header), from_layout(value.home_address),
                                            from_layout(value.way.source), from_layout(value.way.destination), value.way.uplink});
  return out;
}

Result DataPath::set_routing_header_source(const forwarding::HomeAddressAndCorrespondent& source) {
  return implementation_->routing_header_sources_.set(to_layout(source), 1);
}
Result DataPath::erase_routing_header_source(const forwarding::HomeAddressAndCorrespondent& source) {
  return implementation_->routing_header_sources_.erase(to_layout(source));
}
std::unordered_set<forwarding::HomeAddressAndCorrespondent> DataPath::routing_header_sources() const {
  std::unordered_set<forwarding::HomeAddressAndCorrespondent> out;
  for (const auto& [key, value] : implementation_->routing_header_sources_.read_all()) out.insert(from_layout(key));
  return out;
}

Result DataPath::set_home_address(const Address& home_address, const forwarding::HomeAddressItem& item) {
  return implementation_->home_addresses_.set(to_layout(home_address), {item.default_binding});
}
Result DataPath::erase_home_address(const Address& home_address) {
  return implementation_->home_addresses_.erase(to_layout(home_address));
}
std::unordered_map<Address, forwarding::HomeAddressItem> DataPath::home_addresses() const {
  std::unordered_map<Address, forwarding::HomeAddressItem> out;
  for (const auto& [key, value] : implementation_->home_addresses_.read_all())
    out.emplace(from_layout(key), forwarding::HomeAddressItem{value.default_binding, false});
  return out;
}

Result DataPath::set_flow(const FlowKey& key, const forwarding::FlowItem& item) {
  // A flow that is carried already has its answers; a socket that came later is not asked for again.
  if (implementation_->plain_bindings_.contains(item.binding) && !implementation_->flows_.has(key, item.home_address) &&
      is_connected(item.home_address, key))
    return failure(EADDRINUSE, name_of(key), "a socket of this host is connected from " + to_string(item.home_address) +
                                                 " with the same ports: the answers could not be told apart");
  return implementation_->flows_.set(key, item);
}
Result DataPath::erase_flow(const FlowKey& key) { return implementation_->flows_.erase(key); }
std::unordered_map<FlowKey, forwarding::FlowItem> DataPath::flows() const { return implementation_->flows_.items(); }
std::vector<FlowActivity> DataPath::activities() const { return implementation_->flows_.activities(); }

// ---- correspondent node ----

Result DataPath::set_correspondent_binding(const forwarding::HomeAddressAndCorrespondent& pair,
                                           const forwarding::CorrespondentBindingItem& item) {
  const mipflow_pair key = to_layout(pair);
  mipflow_correspondent_binding value{};
  value.care_of_address = to_layout(item.care_of_address);
  value.previous_care_of_address = to_layout(item.previous_care_of_address);
  value.last_used_ns = static_cast<std::uint64_t>(time_since_boot().time_since_epoch().count());
  // A move is no use of the binding, and what is known about a path stays true while the care-of address does.
  mipflow_correspondent_binding before{};
  if (implementation_->correspondent_bindings_.find(key, before)) {
    value.last_used_ns = before.last_used_ns;
    value.ends_ns = before.ends_ns;
    value.sequence = before.sequence;
    if (from_layout(before.care_of_address) == item.care_of_address) value.path_mtu = before.path_mtu;
  }
  return implementation_->correspondent_bindings_.set(key, value);
}
Result DataPath::erase_correspondent_binding(const forwarding::HomeAddressAndCorrespondent& pair) {
  return implementation_->correspondent_bindings_.erase(to_layout(pair));
}
std::unordered_map<forwarding::HomeAddressAndCorrespondent, forwarding::CorrespondentBindingItem> DataPath::correspondent_bindings()
    const {
  std::unordered_map<forwarding::HomeAddressAndCorrespondent, forwarding::CorrespondentBindingItem> out;
  for (const auto& [key, value] : implementation_->correspondent_bindings_.read_all())
    out.emplace(from_layout(key), forwarding::CorrespondentBindingItem{from_layout(value.care_of_address),
                                                                       from_layout(value.previous_care_of_address)});
  return out;
}
Result DataPath::note_correspondent_registration(const forwarding::HomeAddressAndCorrespondent& pair,
                                                 const CorrespondentRegistration& registration) {
  const mipflow_pair key = to_layout(pair);
  mipflow_correspondent_binding value{};
  if (!implementation_->correspondent_bindings_.find(key, value))
    return failure(ENOENT, "the data path has no binding of " + to_string(pair.home_address) + " for " + to_string(pair.correspondent));
  value.ends_ns = static_cast<std::uint64_t>(registration.ends.time_since_epoch().count());
  value.sequence = registration.sequence;
  return implementation_->correspondent_bindings_.set(key, value);
}
std::unordered_map<forwarding::HomeAddressAndCorrespondent, CorrespondentRegistration> DataPath::correspondent_registrations() const {
  std::unordered_map<forwarding::HomeAddressAndCorrespondent, CorrespondentRegistration> out;
  for (const auto& [key, value] : implementation_->correspondent_bindings_.read_all())
    if (value.ends_ns != 0)
      out.emplace(from_layout(key), CorrespondentRegistration{static_cast<std::uint16_t>(value.sequence),
                                                              TimePoint{std::chrono::nanoseconds{value.ends_ns}}});
  return out;
}
std::unordered_map<forwarding::HomeAddressAndCorrespondent, Duration> DataPath::correspondent_idle_times() const {
  std::unordered_map<forwarding::HomeAddressAndCorrespondent, Duration> out;
  const auto entries = implementation_->correspondent_bindings_.read_all();
  const TimePoint now = time_since_boot();
  for (const auto& [key, value] : entries) {
    const TimePoint last_used{std::chrono::nanoseconds{value.last_used_ns}};
    out.emplace(from_layout(key), std::max(now - last_used, Duration::zero()));
  }
  return out;
}

// ---- home agent ----

Result DataPath::set_signalling_address(const Address& address) {
  return implementation_->signalling_addresses_.set(to_layout(address), 1);
}
Result DataPath::erase_signalling_address(const Address& address) {
  return implementation_->signalling_addresses_.erase(to_layout(address));
}
std::unordered_set<Address> DataPath::signalling_addresses() const { return addresses_in(implementation_->signalling_addresses_); }

Result DataPath::set_tunnel(const Address& home_address, const forwarding::TunnelItem& item) {
  return implementation_->tunnels_.set(home_address, item);
}
Result DataPath::erase_tunnel(const Address& home_address) { return implementation_->tunnels_.erase(home_address); }
std::unordered_map<Address, forwarding::TunnelItem> DataPath::tunnels() const { return implementation_->tunnels_.items(); }
std::vector<TunnelActivity> DataPath::take_tunnel_activity() { return implementation_->tunnels_.take_activity(); }

Result DataPath::set_tunnel_source(const forwarding::TunnelSource& source) {
  return implementation_->tunnel_sources_.set({to_layout(source.home_address), to_layout(source.care_of_address)}, 1);
}
Result DataPath::erase_tunnel_source(const forwarding::TunnelSource& source) {
  return implementation_->tunnel_sources_.erase({to_layout(source.home_address), to_layout(source.care_of_address)});
}
std::unordered_set<forwarding::TunnelSource> DataPath::tunnel_sources() const {
  std::unordered_set<forwarding::TunnelSource> out;
  out.reserve(implementation_->tunnels_.size());
  implementation_->tunnel_sources_.for_each([&](const mipflow_tunnel_source& key, std::uint32_t) {
    out.insert({from_layout(key.home_address), from_layout(key.care_of_address)});
  });
  return out;
}

Result DataPath::set_watched_address(const forwarding::OnInterface& watched) {
  return implementation_->watched_addresses_.set({to_layout(watched.address), watched.interface}, 1);
}
Result DataPath::erase_watched_address(const forwarding::OnInterface& watched) {
  return implementation_->watched_addresses_.erase({to_layout(watched.address), watched.interface});
}
std::unordered_set<forwarding::OnInterface> DataPath::watched_addresses() const {
  std::unordered_set<forwarding::OnInterface> out;
  for (const auto& [key, value] : implementation_->watched_addresses_.read_all())
    out.insert({key.interface, from_layout(key.address)});
  return out;
}

// ---- what comes from the kernel ----

int DataPath::ring_fd() const { return implementation_->ring_.fd(); }

Expected<std::size_t, Error> DataPath::read_ring(const std::function<void(PacketReceived)>& on_packet,
                                                 const std::function<void(const FlowClosed&)>& on_flow_closed,
                                                 const std::function<void(const UnboundSource&)>& on_unbound_source,
                                                 std::size_t limit) {
  auto records = implementation_->ring_.read(limit);
  if (!records) return Unexpected{records.error()};
  for (auto& record : *records) {
    if (auto* packet = std::get_if<PacketReceived>(&record))
      on_packet(std::move(*packet));
    else if (const auto* closed = std::get_if<FlowClosed>(&record))
      on_flow_closed(*closed);
    else if (on_unbound_source)
      on_unbound_source(std::get<UnboundSource>(record));
  }
  return records->size();
}

std::vector<Counter> DataPath::counters() const {
  const int processors = libbpf_num_possible_cpus();
  std::vector<std::uint64_t> values(static_cast<std::size_t>(processors > 0 ? processors : 1));
  std::vector<Counter> out;
  for (std::uint32_t index = 0; index < MIPFLOW_COUNTER_TOTAL; ++index) {
    Counter counter{kCounters[index].name, kCounters[index].meaning, 0};
    if (bpf_map_lookup_elem(implementation_->programs_.map_fd("counters"), &index, values.data()) == 0)
      for (const auto value : values) counter.value += value;
    out.push_back(counter);
  }
  return out;
}

int DataPath::known_flow_fd() const { return implementation_->programs_.program_fd("known_flow"); }
const std::string& DataPath::known_flow_pin() const { return implementation_->known_flow_pin_; }

Result DataPath::remove_everything() {
  return remove_everything(implementation_->options_.pin_directory, implementation_->options_.role);
}

Result DataPath::remove_everything(const std::string& pin_directory, Role role) {
  // Interfaces without anything of ours are no news for the operator.
  keep_what_libbpf_says();
  Result out;
  // Goes on behind a failure: as much as possible has to be gone.
  for (const InterfaceIndex interface : all_interfaces())
    for (const Hook hook : {Hook::Ingress, Hook::Egress})
      if (auto detached = detach(interface, hook, role); !detached) out = detached;
  if (auto removed = remove_pin_directory(pin_directory); !removed) out = removed;
  return out;
}

}  // namespace mipflow::datapath
