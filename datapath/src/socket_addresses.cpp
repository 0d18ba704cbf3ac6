// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/datapath/socket_addresses.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>
#include <vector>

#include "error.hpp"
#include "file_descriptor.hpp"
#include "layout_values.hpp"
#include "loaded_programs.hpp"
#include "map.hpp"
#include "socket_addresses.h"

// Generated.
#include <socket_addresses.skel.h>

namespace mipflow::datapath {

namespace {

static_assert(MIPFLOW_SOCKET_STEPS == forwarding::SocketAddresses::kMostSteps);

// The first packet of a connection is seen at once, its repetition a second later.
constexpr std::uint64_t kRecent = 5'000'000'000;  // ns

struct Attachment {
  const char* program;
  bpf_attach_type hook;
  const char* what;
};
constexpr Attachment kAttachments[] = {
    {"choose_for_connection", BPF_CGROUP_INET6_CONNECT, "connect()"},
    {"choose_for_datagram", BPF_CGROUP_UDP6_SENDMSG, "sendto()"},
    {"tell_socket_address", BPF_CGROUP_INET6_GETSOCKNAME, "getsockname()"},
};

Expected<std::uint64_t, Error> network_namespace() {
  const FileDescriptor socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::uint64_t cookie = 0;
  socklen_t length = sizeof cookie;
  if (!socket || ::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) != 0)
    return failure(errno, "cannot tell this network namespace from others", errno == ENOPROTOOPT ? "Linux 5.14 or later can" : "");
  return cookie;
}

void set_capacities(bpf_object* object, const SocketAddressOptions& options) {
  const std::pair<const char*, std::uint32_t> capacities[] = {
      {"claims", options.address_capacity},
      {"home_address_users", options.flow_capacity},
      // A flow may have a second key, see FlowTable.
      {"flow_addresses", options.flow_capacity + options.flow_capacity / kFlowsPerFurtherKey},
      {"ordinary_prefixes", options.prefix_capacity},
  };
  for (const auto& [name, capacity] : capacities) bpf_map__set_max_entries(bpf_object__find_map_by_name(object, name), capacity);
}

mipflow_prefix_key prefix_key(const Prefix& prefix) { return {prefix.length(), to_layout(prefix.address())}; }

mipflow_peer_and_ports without_source(const FlowKey& key) {
  mipflow_peer_and_ports out{};
  out.correspondent = to_layout(key.correspondent);
  out.local_port = htons(key.source_port);
  out.correspondent_port = htons(key.correspondent_port);
  out.protocol = key.protocol;
  return out;
}

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};

}  // namespace

class SocketAddressPrograms::Implementation {
 public:
  Implementation(std::unique_ptr<bpf_object, CloseObject> object, std::uint32_t prefix_capacity)
      : prefix_capacity_(prefix_capacity), object_(std::move(object)) {}

  template <class Key, class Value>
  Map<Key, Value> map(const char* name) const {
    return {bpf_object__find_map_fd_by_name(object_.get(), name), name};
  }

  Result attach(int cgroup_tree) {
    for (const auto& [program, hook, what] : kAttachments) {
      const int fd = bpf_program__fd(bpf_object__find_program_by_name(object_.get(), program));
      FileDescriptor link(bpf_link_create(fd, cgroup_tree, hook, nullptr));
      if (!link) return failure(errno, std::string("cannot attach to ") + what, errno == EINVAL || errno == EBADF ? "a cgroup v2 tree and Linux 5.8 with CONFIG_CGROUP_BPF are needed" : "");
      links_.push_back(std::move(link));
    }
    return {};
  }

  std::uint32_t prefix_capacity_;
  std::unique_ptr<bpf_object, CloseObject> object_;
  std::vector<FileDescriptor> links_;

  Map<std::uint32_t, mipflow_socket_steps> steps_ = map<std::uint32_t, mipflow_socket_steps>("socket_steps");
  Map<std::uint32_t, std::uint32_t> steps_in_use_ = map<std::uint32_t, std::uint32_t>("socket_steps_in_use");
  std::uint32_t in_use_ = 0;
  Map<mipflow_address, mipflow_claim> claims_ = map<mipflow_address, mipflow_claim>("claims");
  Map<mipflow_pair, std::uint32_t> users_ = map<mipflow_pair, std::uint32_t>("home_address_users");
  Map<mipflow_peer_and_ports, mipflow_flow_addresses> flows_ = map<mipflow_peer_and_ports, mipflow_flow_addresses>("flow_addresses");
  Map<mipflow_prefix_key, std::uint32_t> prefixes_ = map<mipflow_prefix_key, std::uint32_t>("ordinary_prefixes");
  Map<mipflow_pair, std::uint64_t> recent_choices_ = map<mipflow_pair, std::uint64_t>("recent_choices");
  std::set<Prefix> ordinary_prefixes_;
};

SocketAddressPrograms::SocketAddressPrograms(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}
SocketAddressPrograms::~SocketAddressPrograms() = default;

Expected<std::unique_ptr<SocketAddressPrograms>, Error> SocketAddressPrograms::open(const SocketAddressOptions& options) {
  const FileDescriptor tree(::open(options.cgroup_tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!tree) return failure(errno, "cannot open the cgroup v2 tree " + options.cgroup_tree);
  const auto network = network_namespace();
  if (!network) return Unexpected{network.error()};

  keep_what_libbpf_says();
  std::size_t size = 0;
  const void* bytes = socket_addresses__elf_bytes(&size);
  std::unique_ptr<bpf_object, CloseObject> object(bpf_object__open_mem(bytes, size, nullptr));
  if (!object) return load_failure(errno, "cannot read the programs on sockets");
  set_capacities(object.get(), options);
  const mipflow_socket_settings settings{*network};
  bpf_map* constants = bpf_object__find_map_by_name(object.get(), ".rodata.socket_settings");
  if (constants == nullptr || bpf_map__set_initial_value(constants, &settings, sizeof settings) != 0)
    return load_failure(EINVAL, "cannot set the settings of the programs on sockets");
  if (const int error = bpf_object__load(object.get()); error != 0) return load_failure(-error, "cannot load the programs on sockets");

  std::unique_ptr<SocketAddressPrograms> out(
      new SocketAddressPrograms(std::make_unique<Implementation>(std::move(object), options.prefix_capacity)));
  // Before anything is attached: nothing is offered, and no destination is known to be ours.
  if (auto attached = out->implementation_->attach(tree.get()); !attached) return Unexpected{attached.error()};
  return out;
}

Result SocketAddressPrograms::set_steps(const forwarding::SocketAddresses& addresses) {
  mipflow_socket_steps steps{};
  if (addresses.enabled) {
    for (const auto& step : addresses.steps) {
      if (steps.count == MIPFLOW_SOCKET_STEPS) break;
      std::uint32_t flags = 0;
      if (step.shared_by_any) flags |= MIPFLOW_STEP_SHARED_BY_ANY;
      if (step.held_by_home_agent) flags |= MIPFLOW_STEP_HELD_BY_HOME_AGENT;
      steps.step[steps.count++] = {to_layout(step.home_address), flags};
    }
  }
  const std::uint32_t next = 1 - implementation_->in_use_;
  if (auto set = implementation_->steps_.set(next, steps); !set) return set;
  if (auto set = implementation_->steps_in_use_.set(0, next); !set) return set;
  implementation_->in_use_ = next;
  return {};
}

Result SocketAddressPrograms::set_home_address(const Address& home_address) {
  // One that is there may have been claimed.
  auto set = implementation_->claims_.set(to_layout(home_address), {}, BPF_NOEXIST);
  return !set && set.error().code == EEXIST ? Result{} : set;
}
Result SocketAddressPrograms::erase_home_address(const Address& home_address) { return implementation_->claims_.erase(to_layout(home_address)); }

Result SocketAddressPrograms::set_user(const forwarding::HomeAddressAndCorrespondent& user) { return implementation_->users_.set(to_layout(user), 1); }
Result SocketAddressPrograms::erase_user(const forwarding::HomeAddressAndCorrespondent& user) {
  return implementation_->users_.erase(to_layout(user));
}

Result SocketAddressPrograms::set_flow(const FlowKey& key, const forwarding::FlowItem& item) {
  const bool rewritten = key.source != item.home_address;
  // A TCP socket that has its home address needs nothing from us.
  if (key.protocol != kProtocolUdp && !rewritten) return erase_flow(key);
  // Of several keys of one flow the one that needs no rewriting says what an answer's source is.
  mipflow_flow_addresses before{};
  if (rewritten && implementation_->flows_.find(without_source(key), before) && from_layout(before.source) == from_layout(before.home_address) &&
      from_layout(before.source) != key.source)
    return {};
  return implementation_->flows_.set(without_source(key), {to_layout(key.source), to_layout(item.home_address)});
}
Result SocketAddressPrograms::erase_flow(const FlowKey& key) {
  mipflow_flow_addresses held{};
  if (!implementation_->flows_.find(without_source(key), held) || from_layout(held.source) != key.source) return {};
  return implementation_->flows_.erase(without_source(key));
}

Result SocketAddressPrograms::set_ordinary_prefixes(const std::set<Prefix>& prefixes) {
  auto& held = implementation_->ordinary_prefixes_;
  const auto replace_by = [&](const std::set<Prefix>& wanted) -> Result {
    // What is new first: in between a destination may count as ordinary too long, never as ours too early.
    for (const auto& prefix : wanted) {
      if (held.contains(prefix)) continue;
      if (auto set = implementation_->prefixes_.set(prefix_key(prefix), 1); !set) return set;
      held.insert(prefix);
    }
    for (auto each = held.begin(); each != held.end();) {
      if (wanted.contains(*each)) {
        ++each;
        continue;
      }
      if (auto erased = implementation_->prefixes_.erase(prefix_key(*each)); !erased) return erased;
      each = held.erase(each);
    }
    return {};
  };
  if (prefixes.size() < implementation_->prefix_capacity_ / 2) return replace_by(prefixes);
  if (auto all = replace_by({Prefix{}}); !all) return all;
  return failure(E2BIG, std::to_string(prefixes.size()) + " routes beside the default route",
                 "at most " + std::to_string(implementation_->prefix_capacity_ / 2) + " are looked at");
}

bool SocketAddressPrograms::has_chosen(const forwarding::HomeAddressAndCorrespondent& choice) const {
  std::uint64_t at = 0;
  if (!implementation_->recent_choices_.find(to_layout(choice), at)) return false;
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec) < at + kRecent;
}

}  // namespace mipflow::datapath
