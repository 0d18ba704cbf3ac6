// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernel_fixture.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace mipflow::datapath {

void shell(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

void enter_laboratory() {
  static bool entered = false;
  if (entered) return;
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
    throw std::runtime_error(std::string("these tests need root: unshare: ") + std::strerror(errno));
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) != 0)
    throw std::runtime_error(std::string("cannot mount a private bpf file system: ") + std::strerror(errno));
  shell("ip link set lo up");
  shell("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.forwarding=1");
  shell("ip link add mip0 type dummy 2>/dev/null || ip link add mip0 type ifb");
  shell("ip link set dev mip0 addrgenmode none mtu 1460 arp off up");
  for (const std::string name : {"wlan0", "wwan0"}) {
    shell("ip link add " + name + " type veth peer name far-" + name);
    shell("ip link set " + name + " up && ip link set far-" + name + " up");
  }
  shell("ip -6 addr add 2001:db8:1::2/64 dev wlan0 nodad && ip -6 addr add 2001:db8:2::2/64 dev wwan0 nodad");
  shell("ip -6 route add default via 2001:db8:1::1 dev wlan0 metric 100");
  shell("ip -6 route add default via 2001:db8:2::1 dev wwan0 metric 200");
  entered = true;
}

InterfaceIndex interface_named(const char* name) { return ::if_nametoindex(name); }

namespace {

std::uint32_t priority_of(Role role) {
  switch (role) {
    case Role::MobileNode: return 6275;
    case Role::HomeAgent: return 6277;
    case Role::CorrespondentNode: return 6279;
  }
  return 0;
}

}  // namespace

int attached_program(Role role, const char* interface, bool ingress, Filter filter) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(interface_named(interface));
  hook.attach_point = ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.handle = 1;
  options.priority = priority_of(role) + (filter == Filter::Behind ? 1 : 0);
  if (bpf_tc_query(&hook, &options) != 0) throw std::runtime_error(std::string("no program attached to ") + interface);
  return bpf_prog_get_fd_by_id(options.prog_id);
}

Ran run_program(int program, const char* interface, const packets::Octets& frame, const Beside& beside) {
  packets::Octets out(frame.size() + 4096);
  __sk_buff context{};
  context.ifindex = interface_named(interface);
  context.ingress_ifindex = beside.came_from == nullptr ? 0 : interface_named(beside.came_from);
  context.gso_size = beside.gso_size;
  context.mark = beside.mark;
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(frame.size());
  options.data_out = out.data();
  options.data_size_out = static_cast<std::uint32_t>(out.size());
  options.ctx_in = &context;
  options.ctx_size_in = sizeof context;
  __sk_buff context_behind{};
  options.ctx_out = &context_behind;
  options.ctx_size_out = sizeof context_behind;
  if (const int error = bpf_prog_test_run_opts(program, &options); error != 0)
    throw std::runtime_error(std::string("test run: ") + std::strerror(-error));
  out.resize(options.data_size_out);
  Ran ran;
  ran.verdict = static_cast<int>(options.retval);
  ran.packet.assign(out.begin() + std::min<std::ptrdiff_t>(packets::kEthernetHeader, std::ssize(out)), out.end());
  ran.frame = std::move(out);
  ran.mark = context_behind.mark;
  return ran;
}

Ran run_frame(Role role, const char* interface, bool ingress, const packets::Octets& frame, const Beside& beside) {
  const int program = attached_program(role, interface, ingress);
  const Ran ran = run_program(program, interface, frame, beside);
  ::close(program);
  return ran;
}

Ran run_egress(Role role, const char* interface, const packets::Octets& packet) {
  return run_frame(role, interface, false, packets::frame(packet));
}
Ran run_forwarded(Role role, const char* interface, const packets::Octets& packet, const char* came_from) {
  return run_frame(role, interface, false, packets::frame(packet), {.came_from = came_from});
}
Ran run_ingress(Role role, const char* interface, const packets::Octets& packet) {
  return run_frame(role, interface, true, packets::frame(packet));
}

int run_filter(int program_fd, const packets::Octets& packet) {
  const packets::Octets frame = packets::frame(packet);
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(frame.size());
  if (const int error = bpf_prog_test_run_opts(program_fd, &options); error != 0)
    throw std::runtime_error(std::string("test run: ") + std::strerror(-error));
  return static_cast<int>(options.retval);
}

Ringed read_all(DataPath& path) {
  Ringed out;
  for (;;) {
    const auto count = path.read_ring([&](PacketReceived packet) { out.packets.push_back(std::move(packet)); },
                                      [&](const FlowClosed& flow) { out.closed.push_back(flow); },
                                      [&](const UnboundSource& source) { out.unbound.push_back(source); });
    if (!count) throw std::runtime_error(count.error().text);
    if (*count == 0) return out;
  }
}

void expect_passed_and_told(const Ran& ran, DataPath& path, const packets::Octets& packet) {
  CHECK(ran.verdict == kPass);
  CHECK(ran.packet == packet);
  const auto ringed = read_all(path);
  REQUIRE(ringed.packets.size() == 1);
  CHECK(ringed.packets[0].packet == packet);
}

std::uint64_t counter(const DataPath& path, const std::string& name) {
  for (const auto& entry : path.counters())
    if (name == entry.name) return entry.value;
  throw std::runtime_error("no counter " + name);
}

std::string pinned_map(const std::string& name) {
  for (const auto& entry : std::filesystem::directory_iterator("/sys/fs/bpf/mipflow/test"))
    if (entry.is_directory()) return entry.path() / name;
  throw std::runtime_error("no pinned maps");
}

Options options_for(Role role, const std::string& pin_directory) {
  Options options;
  options.role = role;
  options.pin_directory = pin_directory;
  options.mip0 = interface_named("mip0");
  options.flow_capacity = 1024;
  options.binding_capacity = 64;
  options.address_capacity = 64;
  options.tunnel_capacity = 1024;
  options.correspondent_capacity = 1024;
  options.ring_octets = 65536;
  options.path_mtu_lifetime = std::chrono::seconds{2};
  return options;
}

}  // namespace mipflow::datapath
