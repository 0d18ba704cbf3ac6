// SPDX-License-Identifier: GPL-3.0-or-later
#include "traffic_control.hpp"

#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>
#include <memory>

namespace mipflow::datapath {

namespace {

constexpr std::uint32_t kHandle = 1;
constexpr std::uint32_t kPriority = 6275;  // the RFC's number; the home agent has the next one

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

bpf_tc_opts filter_of(Role role) {
  bpf_tc_opts filter{};
  filter.sz = sizeof filter;
  filter.handle = kHandle;
  filter.priority = filter_priority(role);
  return filter;
}

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

int count_filter(const nlmsghdr* message, void* context) {
  if (message->nlmsg_type == RTM_NEWTFILTER) ++*static_cast<unsigned*>(context);
  return MNL_CB_OK;
}

// True also when it can not be found out.
bool has_filters(InterfaceIndex interface, std::uint32_t parent) {
  const std::unique_ptr<mnl_socket, CloseSocket> socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return true;
  alignas(nlmsghdr) std::array<char, 32768> buffer;
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETTFILTER;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->nlmsg_seq = 1;
  auto* traffic_control = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(tcmsg)));
  traffic_control->tcm_family = AF_UNSPEC;
  traffic_control->tcm_ifindex = static_cast<int>(interface);
  traffic_control->tcm_parent = parent;
  if (mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) return true;
  unsigned filters = 0;
  for (;;) {
    const ssize_t received = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (received <= 0) return true;
    const int state = mnl_cb_run(buffer.data(), static_cast<std::size_t>(received), 1, mnl_socket_get_portid(socket.get()),
                                 count_filter, &filters);
    if (state == MNL_CB_STOP) return filters > 0;
    if (state < 0) return true;
  }
}

}  // namespace

std::uint32_t filter_priority(Role role) { return role == Role::MobileNode ? kPriority : kPriority + 1; }

Result attach(InterfaceIndex interface, Hook hook, Role role, int program_fd) {
  const std::string where = "interface number " + std::to_string(interface);
  bpf_tc_hook place = hook_of(interface, hook);
  int error = bpf_tc_hook_create(&place);
  if (error != 0 && error != -EEXIST)
    return failure(-error, "cannot add the clsact queueing discipline to " + where,
                   error == -ENOENT || error == -EOPNOTSUPP ? "the kernel needs CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_ACT" : "");
  bpf_tc_opts filter = filter_of(role);
  filter.prog_fd = program_fd;
  filter.flags = BPF_TC_F_REPLACE;
  error = bpf_tc_attach(&place, &filter);
  if (error != 0)
    return failure(-error, "cannot attach the data path's program to " + where,
                   error == -ENOENT || error == -EOPNOTSUPP ? "the kernel needs CONFIG_NET_CLS_BPF" : "");
  return {};
}

Result detach(InterfaceIndex interface, Hook hook, Role role) {
  bpf_tc_hook place = hook_of(interface, hook);
  bpf_tc_opts filter = filter_of(role);
  const int error = bpf_tc_detach(&place, &filter);
  // ENOENT: no such filter; EINVAL: no clsact; ENODEV: no such interface.
  if (error == -ENOENT || error == -EINVAL || error == -ENODEV) return {};
  if (error != 0) return failure(-error, "cannot detach the data path's program from interface number " + std::to_string(interface));
  if (!has_filters(interface, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) &&
      !has_filters(interface, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS))) {
    bpf_tc_hook all = hook_of(interface, BPF_TC_INGRESS | BPF_TC_EGRESS);
    bpf_tc_hook_destroy(&all);
  }
  return {};
}

bool is_attached(InterfaceIndex interface, Hook hook, Role role) {
  bpf_tc_hook place = hook_of(interface, hook);
  bpf_tc_opts filter = filter_of(role);
  return bpf_tc_query(&place, &filter) == 0;
}

}  // namespace mipflow::datapath
