// SPDX-License-Identifier: GPL-3.0-or-later
// Sockets get their home address in the kernel, when they connect or send: eBPF programs on the root of the cgroup tree.
//
//   connect()      TCP: the socket is bound to the first home address of forwarding::SocketAddresses that is free for the
//                  correspondent node (WO 2004/057826, Figure 6), so getsockname() tells what the correspondent node sees
//                  and no packet is rewritten.
//   sendto()       UDP that is not connected: the datagram leaves from such an address; every datagram of a flow from the
//                  same one, and an answer from the one that was asked.
//   getsockname()  of a socket whose flow the data path rewrites: the flow's home address.
//
// Left alone: sockets that are bound to an address (or for TCP, to a port) or a device or carry a mark, those of other
// network namespaces, and all that send to destinations whose packets do not leave by mip0 (set_ordinary_prefixes()).
// No program here makes a call of an application fail: with doubt the socket keeps what the routing tables give it, and the
// data path rewrites. UDP sockets that connect are among these, for the reason that stands with the program.
//
// A socket is bound the way that bind() does it: it does not lose the address when a connection fails, and it takes no IPv4
// any more. When it connects again, to whatever, it is given the address that is right then.
//
// Programs and tables live as long as the object, and end with its process. What is handed out has to be known to the role a
// moment later; without a daemon a spare home address would be lost for its socket when the next daemon cleans up. Sockets
// that are connected keep their address, as it is theirs then.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "mipflow/base/address.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/datapath/data_path.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"

namespace mipflow::datapath {

struct SocketAddressOptions {
  std::string cgroup_tree = "/sys/fs/cgroup";  // where the root of the cgroup v2 tree is mounted
  std::uint32_t flow_capacity = 131'072;
  std::uint32_t address_capacity = 4'096;
  std::uint32_t prefix_capacity = 4'096;
};

// One thread. Errors carry the errno and a sentence for the operator.
class SocketAddressPrograms {
 public:
  // Acts for sockets of the network namespace that the caller is in, wherever in the cgroup tree their process is. The error
  // says what is missing: a cgroup v2 tree, a capability, a kernel that can do it (Linux 5.8, CONFIG_CGROUP_BPF).
  static Expected<std::unique_ptr<SocketAddressPrograms>, Error> open(const SocketAddressOptions& options);
  ~SocketAddressPrograms();
  SocketAddressPrograms(const SocketAddressPrograms&) = delete;
  SocketAddressPrograms& operator=(const SocketAddressPrograms&) = delete;

  // Replaces all steps as sockets see it. A step whose home address was not set by set_home_address() is taken only when it
  // is `shared_by_any`. Steps beyond kMostSteps are ignored.
  Expected<void, Error> set_steps(const forwarding::SocketAddresses& addresses);

  // Erasing what is not there is no error.
  Expected<void, Error> set_home_address(const Address& home_address);
  Expected<void, Error> erase_home_address(const Address& home_address);
  Expected<void, Error> set_user(const forwarding::HomeAddressAndCorrespondent& user);
  Expected<void, Error> erase_user(const forwarding::HomeAddressAndCorrespondent& user);
  Expected<void, Error> set_flow(const FlowKey& key, const forwarding::FlowItem& item);
  Expected<void, Error> erase_flow(const FlowKey& key);

  // Destinations that the routing tables lead elsewhere than to mip0. Replaces those of before; E2BIG, and every destination
  // counts as one, when there are more than prefix_capacity.
  Expected<void, Error> set_ordinary_prefixes(const std::set<Prefix>& prefixes);

  // A socket was given this home address for this correspondent node within the last few seconds. False when the
  // application has bound it itself.
  bool has_chosen(const forwarding::HomeAddressAndCorrespondent& choice) const;

 private:
  class Implementation;
  explicit SocketAddressPrograms(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mipflow::datapath
