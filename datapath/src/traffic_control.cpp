// SPDX-License-Identifier: GPL-3.0-or-later
#include "traffic_control.hpp"

#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>

#include "netlink_socket.hpp"

namespace mipflow::datapath {

namespace {

constexpr std::uint32_t kHandle = 1;
constexpr std::uint32_t kPriority = 6275;  // the RFC's number; a role takes two: its program's and the one behind

bpf_tc_hook hook_of(InterfaceIndex interface, int attach_point) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(interface);
  hook.attach_point = static_cast<bpf_tc_attach_point>(attach_point);
  return hook;
}
bpf_tc_hook hook_of(InterfaceIndex interface, Hook hook) {
  return hook_of(interface, hook == Hook::Ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
}

bpf_tc_opts filter_of(std::uint32_t priority) {
  bpf_tc_opts filter{};
  filter.sz = sizeof filter;
  filter.handle = kHandle;
  filter.priority = priority;
  return filter;
}

int count_filter(const nlmsghdr* message, void* context) {
  if (message->nlmsg_type == RTM_NEWTFILTER) ++*static_cast<unsigned*>(context);
  return MNL_CB_OK;
}

using Buffer = std::array<char, 32768>;

std::uint32_t parent_of(Hook hook) {
  return TC_H_MAKE(TC_H_CLSACT, hook == Hook::Ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

nlmsghdr* put_filter_header(Buffer& buffer, std::uint16_t type, std::uint16_t flags, InterfaceIndex interface, Hook hook) {
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = type;
  request->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  request->nlmsg_seq = 1;
  auto* traffic_control = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(tcmsg)));
  traffic_control->tcm_family = AF_UNSPEC;
  traffic_control->tcm_ifindex = static_cast<int>(interface);
  traffic_control->tcm_parent = parent_of(hook);
  return request;
}

// Sends the request and hands every message of the answer to `on_message`. 0 or a positive errno.
int exchange(const nlmsghdr* request, Buffer& buffer, mnl_cb_t on_message, void* context) {
  const NetlinkSocket socket = open_netlink_socket(NETLINK_ROUTE);
  if (!socket || mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return errno;
  for (;;) {
    const ssize_t received = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (received <= 0) return received < 0 ? errno : EPROTO;
    const int state = mnl_cb_run(buffer.data(), static_cast<std::size_t>(received), 1, mnl_socket_get_portid(socket.get()),
                                 on_message, context);
    if (state == MNL_CB_STOP) return 0;
    if (state < 0) return errno;
  }
}

// True also when it can not be found out.
bool has_filters(InterfaceIndex interface, Hook hook) {
  alignas(nlmsghdr) Buffer buffer;
  unsigned filters = 0;
  const nlmsghdr* request = put_filter_header(buffer, RTM_GETTFILTER, NLM_F_DUMP, interface, hook);
  return exchange(request, buffer, count_filter, &filters) != 0 || filters > 0;
}

std::string number_of(InterfaceIndex interface) { return "interface number " + std::to_string(interface); }

Result ensure_clsact(InterfaceIndex interface, Hook hook) {
  bpf_tc_hook place = hook_of(interface, hook);
  const int error = bpf_tc_hook_create(&place);
  if (error == 0 || error == -EEXIST) return {};
  return failure(-error, "cannot add the clsact queueing discipline to " + number_of(interface),
                 error == -ENOENT || error == -EOPNOTSUPP ? "the kernel needs CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_ACT" : "");
}

tc_mirred into_ingress_of(InterfaceIndex target) {
  tc_mirred out{};
  out.action = TC_ACT_STOLEN;
  out.eaction = TCA_INGRESS_REDIR;
  out.ifindex = target;
  return out;
}

}  // namespace

std::uint32_t filter_priority(Role role) {
  switch (role) {
    case Role::MobileNode: return kPriority;
    case Role::HomeAgent: return kPriority + 2;
    case Role::CorrespondentNode: return kPriority + 4;
  }
  return kPriority;
}

bool leads_into_mip0(Role role) { return role != Role::CorrespondentNode; }

Result attach(InterfaceIndex interface, Hook hook, Role role, int program_fd) {
  if (auto ready = ensure_clsact(interface, hook); !ready) return ready;
  bpf_tc_hook place = hook_of(interface, hook);
  bpf_tc_opts filter = filter_of(filter_priority(role));
  filter.prog_fd = program_fd;
  filter.flags = BPF_TC_F_REPLACE;
  const int error = bpf_tc_attach(&place, &filter);
  if (error != 0)
    return failure(-error, "cannot attach the data path's program to " + number_of(interface),
                   error == -ENOENT || error == -EOPNOTSUPP ? "the kernel needs CONFIG_NET_CLS_BPF" : "");
  return {};
}

// libbpf attaches no filters with actions.
Result lead_into(InterfaceIndex target, InterfaceIndex interface, Hook hook, Role role, int program_fd) {
  if (auto ready = ensure_clsact(interface, hook); !ready) return ready;
  alignas(nlmsghdr) Buffer buffer;
  // An old one of ours is replaced: its target may be a device that is gone.
  nlmsghdr* request = put_filter_header(buffer, RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE, interface, hook);
  auto* traffic_control = static_cast<tcmsg*>(mnl_nlmsg_get_payload(request));
  traffic_control->tcm_handle = kHandle;
  traffic_control->tcm_info = TC_H_MAKE((filter_priority(role) + 1) << 16, htons(ETH_P_ALL));
  mnl_attr_put_strz(request, TCA_KIND, "bpf");
  nlattr* options = mnl_attr_nest_start(request, TCA_OPTIONS);
  mnl_attr_put_u32(request, TCA_BPF_FD, static_cast<std::uint32_t>(program_fd));
  mnl_attr_put_strz(request, TCA_BPF_NAME, "is_for_mip0");
  nlattr* actions = mnl_attr_nest_start(request, TCA_BPF_ACT);
  nlattr* first = mnl_attr_nest_start(request, 1);
  mnl_attr_put_strz(request, TCA_ACT_KIND, "mirred");
  nlattr* action = mnl_attr_nest_start(request, TCA_ACT_OPTIONS);
  const tc_mirred redirection = into_ingress_of(target);
  mnl_attr_put(request, TCA_MIRRED_PARMS, sizeof redirection, &redirection);
  mnl_attr_nest_end(request, action);
  mnl_attr_nest_end(request, first);
  mnl_attr_nest_end(request, actions);
  mnl_attr_nest_end(request, options);
  if (const int error = exchange(request, buffer, nullptr, nullptr); error != 0)
    return failure(error, "cannot lead packets from " + number_of(interface) + " to mip0",
                   error == ENOENT || error == EOPNOTSUPP ? "the kernel needs CONFIG_NET_ACT_MIRRED" : "");
  return {};
}

Result detach(InterfaceIndex interface, Hook hook, Role role) {
  bpf_tc_hook place = hook_of(interface, hook);
  bpf_tc_opts filter = filter_of(filter_priority(role));
  const int error = bpf_tc_detach(&place, &filter);
  bpf_tc_opts behind = filter_of(filter_priority(role) + 1);
  bpf_tc_detach(&place, &behind);
  // ENOENT: no such filter; EINVAL: no clsact; ENODEV: no such interface.
  if (error == -ENOENT || error == -EINVAL || error == -ENODEV) return {};
  if (error != 0) return failure(-error, "cannot detach the data path's program from " + number_of(interface));
  if (!has_filters(interface, Hook::Ingress) && !has_filters(interface, Hook::Egress)) {
    bpf_tc_hook all = hook_of(interface, BPF_TC_INGRESS | BPF_TC_EGRESS);
    bpf_tc_hook_destroy(&all);
  }
  return {};
}

bool is_attached(InterfaceIndex interface, Hook hook, Role role) {
  const auto is_there = [&](std::uint32_t priority) {
    bpf_tc_hook place = hook_of(interface, hook);
    bpf_tc_opts filter = filter_of(priority);
    return bpf_tc_query(&place, &filter) == 0;
  };
  return is_there(filter_priority(role)) &&
         (hook == Hook::Egress || !leads_into_mip0(role) || is_there(filter_priority(role) + 1));
}

}  // namespace mipflow::datapath
