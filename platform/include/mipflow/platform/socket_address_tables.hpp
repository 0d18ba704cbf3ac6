// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "mipflow/datapath/socket_addresses.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/netlink_socket.hpp"
#include "mipflow/platform/plan_changes.hpp"

namespace mipflow::platform {

// Carries what the plan says about sockets into the programs on them. Where these can not be had everything else works: the
// data path rewrites the packets of sockets.
class SocketAddressTables {
 public:
  // Until follow_routes() every destination counts as one that does not lie behind mip0. Finds the cgroup tree itself.
  void open(datapath::SocketAddressOptions options);
  void close() { *this = {}; }
  bool is_open() const { return programs_ != nullptr; }

  void add(const PlanChanges& changes, std::vector<Failure>& refused);
  void remove(const PlanChanges& changes, std::vector<Failure>& refused);
  // Rules, routes or addresses of this host are different now.
  void follow_routes(NetlinkSocket& requests, InterfaceIndex device);

  // See SocketAddressPrograms::has_chosen().
  bool has_chosen(const forwarding::HomeAddressAndCorrespondent& choice) const { return programs_ && programs_->has_chosen(choice); }

  // "on", or why applications do not see their home address.
  std::string state() const;

 private:
  void set_destinations();

  std::unique_ptr<datapath::SocketAddressPrograms> programs_;
  std::string trouble_ = "switched off in the configuration (socket-addresses in [flows])";
  std::string trouble_with_routes_ = "the routes of this host are not known yet";
  std::set<Prefix> by_routes_{Prefix{}};  // what the routing tables lead past mip0
  std::set<Prefix> bypassed_;             // what the policy does
  bool enabled_ = false;
};

}  // namespace mipflow::platform
