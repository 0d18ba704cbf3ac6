// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/kernel_state.hpp"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <malloc.h>
#include <net/if.h>

#include <algorithm>

#include "mipflow/platform/mip_device.hpp"
#include "rtnetlink_codec.hpp"

namespace mipflow::platform {

namespace {

Unexpected<Failure> fail_as(const datapath::Error& error) { return Unexpected{Failure{error.text, error.code}}; }

template <class T>
void note(const Result<T>& result, std::vector<Failure>& refused) {
  if (!result) refused.push_back(result.error());
}

// The interface that lost a clsact queueing discipline or a filter of one; 0 for every other notification.
InterfaceIndex interface_of_lost_program(const nlmsghdr& notification) {
  if (notification.nlmsg_len < NLMSG_LENGTH(sizeof(tcmsg))) return 0;
  const auto& header = *static_cast<const tcmsg*>(NLMSG_DATA(&notification));
  // Filters hang below it: same major number.
  return TC_H_MAJ(header.tcm_parent) == TC_H_MAJ(TC_H_CLSACT) ? static_cast<InterfaceIndex>(header.tcm_ifindex) : 0;
}

}  // namespace

KernelState::KernelState(Options options, NetlinkSocket requests, NetlinkSocket netfilter)
    : options_(std::move(options)), requests_(std::move(requests)), netfilter_(std::move(netfilter)) {}

Result<std::unique_ptr<KernelState>> KernelState::open(Options options) {
  auto requests = NetlinkSocket::open(NETLINK_ROUTE);
  if (!requests) return Unexpected{requests.error()};
  auto netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  if (!netfilter) return Unexpected{netfilter.error()};
  std::unique_ptr<KernelState> out(new KernelState(std::move(options), std::move(*requests), std::move(*netfilter)));
  out->fresh_ = if_nametoindex(out->options_.device.c_str()) == 0;
  if (const auto done = out->open_device_and_data_path(); !done) {
    std::vector<Failure> ignored;  // the reason why it failed is what the operator needs to know
    if (out->fresh_) take_back(out->options_, ignored);
    return Unexpected{done.error()};
  }
  return out;
}

Result<void> KernelState::open_device_and_data_path() {
  const auto device = ensure_mip_device(requests_, options_.device, options_.device_mtu);
  if (!device) return Unexpected{device.error()};
  device_ = *device;
  data_path_.reset();  // it holds a lock on its pins
  options_.data_path.mip0 = device_;
  auto data_path = datapath::DataPath::open(options_.data_path);
  if (!data_path) return fail_as(data_path.error());
  data_path_ = std::move(*data_path);
  tables_.emplace(requests_, device_);
  if (uplink_mtu_) tables_->set_uplink_mtu(*uplink_mtu_);
  if (options_.queue)
    rules_.emplace(netfilter_, FirstPacketRules::Options{options_.device, *options_.queue, data_path_->known_flow_fd()});
  if (options_.socket_addresses && !socket_addresses_.is_open())
    socket_addresses_.open({.flow_capacity = options_.data_path.flow_capacity, .address_capacity = options_.data_path.address_capacity});
  // To load programs takes a mebibyte for a moment. What was allocated behind it meanwhile would keep all of it from the kernel.
  ::malloc_trim(0);
  return {};
}

void KernelState::add(const PlanChanges& changes, std::vector<Failure>& refused) {
  if (!data_path_) return;  // could not be opened again; the next heal() brings everything at once
  DataPathTables(*data_path_, options_.data_path.role).add(changes, refused);
  for (const auto& entry : changes.watched_addresses.set) note(groups_.watch(entry.first.interface, entry.first.address), refused);
  tables_->add(changes, refused);
  socket_addresses_.add(changes, refused);
}

void KernelState::remove(const PlanChanges& changes, std::vector<Failure>& refused) {
  if (!data_path_) return;
  socket_addresses_.remove(changes, refused);
  tables_->remove(changes, refused);
  for (const auto& watched : changes.watched_addresses.erase) groups_.unwatch(watched.interface, watched.address);
  DataPathTables(*data_path_, options_.data_path.role).remove(changes, refused);
}

std::size_t KernelState::reconcile(const forwarding::ForwardingPlan& plan, bool take_away, std::vector<Failure>& refused) {
  if (!data_path_) return 0;
  DataPathTables tables(*data_path_, options_.data_path.role);
  const PlanChanges changes = tables.difference(plan);
  tables.add(changes, refused);
  const std::size_t changed = tables_->reconcile(plan, take_away, refused);
  if (take_away) tables.remove(changes, refused);
  return changed;
}

void KernelState::set_uplink_mtu(std::uint32_t mtu, const forwarding::ForwardingPlan& plan, std::vector<Failure>& refused) {
  if (uplink_mtu_ == mtu) return;
  uplink_mtu_ = mtu;
  if (!data_path_) return;  // heal() brings the routes anew
  tables_->set_uplink_mtu(mtu);
  if (!plan.correspondent_bindings.items().empty()) tables_->reconcile(plan, false, refused);
}

void KernelState::follow_routes() { socket_addresses_.follow_routes(requests_, device_); }

Result<void> KernelState::install_first_packet_rules() {
  if (!rules_) return {};
  return rules_->install();
}

KernelState::LossReport KernelState::examine(const nlmsghdr& notification, const forwarding::ForwardingPlan& plan) const {
  switch (notification.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const auto link = decode_link(notification);
      const bool gone = link && link->index == device_ && (notification.nlmsg_type == RTM_DELLINK || !link->up);
      if (gone) return {Loss::Device};
      // With the link the kernel throws away what it proxies there, and tells nobody.
      const bool may_have_lost_proxies = link && link->running && std::ranges::any_of(plan.proxied_neighbours.items(), [&](const auto& entry) {
        return entry.first.interface == link->index;
      });
      return {may_have_lost_proxies ? Loss::Tables : Loss::None};
    }
    case RTM_DELTFILTER:
    case RTM_DELQDISC: {
      const auto interface = interface_of_lost_program(notification);
      if (interface == 0) return {};
      return interface == device_ ? LossReport{Loss::Device} : LossReport{Loss::Uplink, interface};
    }
    default:
      return {tables_->is_loss(notification, plan) ? Loss::Tables : Loss::None};
  }
}

void KernelState::heal(const forwarding::ForwardingPlan& plan, bool programs, std::vector<Failure>& refused) {
  if (programs || !data_path_) note(open_device_and_data_path(), refused);
  if (!data_path_) return;
  reconcile(plan, false, refused);
  follow_routes();
  note(install_first_packet_rules(), refused);
}

void KernelState::take_back(std::vector<Failure>& refused) {
  socket_addresses_.close();  // before the addresses go
  note(FirstPacketRules::remove(netfilter_), refused);
  tables_->reconcile({}, true, refused);
  groups_ = {};
  data_path_.reset();  // its pins are locked while it lives
  if (const auto done = datapath::DataPath::remove_everything(options_.data_path.pin_directory, options_.data_path.role); !done)
    refused.push_back({done.error().text, done.error().code});
  note(remove_mip_device(requests_, options_.device), refused);
}

void KernelState::take_back(const Options& options, std::vector<Failure>& refused) {
  auto requests = NetlinkSocket::open(NETLINK_ROUTE);
  auto netfilter = NetlinkSocket::open(NETLINK_NETFILTER);
  note(requests, refused);
  note(netfilter, refused);
  if (!requests || !netfilter) return;
  note(FirstPacketRules::remove(*netfilter), refused);
  // Addresses go with their device.
  KernelTables(*requests, 0).reconcile({}, true, refused);
  if (const auto done = datapath::DataPath::remove_everything(options.data_path.pin_directory, options.data_path.role); !done)
    refused.push_back({done.error().text, done.error().code});
  note(remove_mip_device(*requests, options.device), refused);
}

}  // namespace mipflow::platform
