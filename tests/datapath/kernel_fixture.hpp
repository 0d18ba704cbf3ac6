// SPDX-License-Identifier: GPL-3.0-or-later
// A data path in a network and mount namespace of its own, whose programs can be run on single packets
// (BPF_PROG_TEST_RUN): packet in, verdict, packet out. Needs root. Nothing is left when the process ends.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/datapath/data_path.hpp"
#include "packets.hpp"

namespace mipflow::datapath {

// Puts the process into fresh namespaces with mip0, wlan0 and wwan0 (once); see the source for their addresses.
void enter_laboratory();
InterfaceIndex interface_named(const char* name);
void shell(const std::string& command);  // throws when it fails

inline constexpr int kPass = 0;       // TC_ACT_OK
inline constexpr int kDrop = 2;       // TC_ACT_SHOT
inline constexpr int kRedirect = 7;   // TC_ACT_REDIRECT
inline constexpr int kToMip0 = -1;    // TC_ACT_UNSPEC: the filter behind leads it into mip0

// A descriptor of the role's program there, for the caller to close. The one behind leads packets into mip0.
enum class Filter { First, Behind };
int attached_program(Role role, const char* interface, bool ingress, Filter filter = Filter::First);

struct Ran {
  int verdict = 0;
  packets::Octets packet;  // behind the link-layer header
  packets::Octets frame;
  std::uint32_t mark = 0;
};

// What goes with a packet in the kernel.
struct Beside {
  const char* came_from = nullptr;  // the interface that it came in at; none: it began here
  std::uint32_t gso_size = 0;       // octets of a segment's payload when the packet is to be cut up
  std::uint32_t mark = 0;
};
// Runs a program for tc on a whole frame.
Ran run_program(int program, const char* interface, const packets::Octets& frame, const Beside& beside = {});

// Runs the program that is attached to the interface on the packet (an Ethernet header is put in front).
Ran run_egress(Role role, const char* interface, const packets::Octets& packet);
// As a packet that did not begin here but came in at another interface.
Ran run_forwarded(Role role, const char* interface, const packets::Octets& packet, const char* came_from);
Ran run_ingress(Role role, const char* interface, const packets::Octets& packet);
// The same with a whole frame.
Ran run_frame(Role role, const char* interface, bool ingress, const packets::Octets& frame, const Beside& beside = {});
// Return value of a socket filter.
int run_filter(int program_fd, const packets::Octets& packet);

struct Ringed {
  std::vector<PacketReceived> packets;
  std::vector<FlowClosed> closed;
  std::vector<UnboundSource> unbound;
};
Ringed read_all(DataPath& path);
// The program let the packet pass as it was, and gave the daemon one copy of it and no other packet.
void expect_passed_and_told(const Ran& ran, DataPath& path, const packets::Octets& packet);
std::uint64_t counter(const DataPath& path, const std::string& name);
// Of the data path in /sys/fs/bpf/mipflow/test.
std::string pinned_map(const std::string& name);

Options options_for(Role role, const std::string& pin_directory);

}  // namespace mipflow::datapath
