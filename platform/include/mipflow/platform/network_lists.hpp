// SPDX-License-Identifier: GPL-3.0-or-later
// What this network namespace has, asked for once. Only lists of nf_tables need a privilege. list_links() is in network_observer.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mipflow/platform/kernel_objects.hpp"
#include "mipflow/platform/netlink_socket.hpp"

namespace mipflow::platform {

// IPv6 rules that look up a table, by whomever, in the order of the kernel.
Result<std::vector<Rule>> list_rules(NetlinkSocket& requests);
// IPv6 unicast routes of a table.
Result<std::vector<Route>> list_routes(NetlinkSocket& requests, std::uint32_t table);

// A chain of nf_tables that packets of IPv6 meet without being sent there by a rule.
struct BaseChain {
  std::string table;
  std::string name;
  std::uint32_t hook = 0;     // NF_INET_…
  std::int32_t priority = 0;
  bool drops = false;         // what no rule decides about
};
// Of all tables of the families ip6 and inet. `requests` is a socket of NETLINK_NETFILTER; needs CAP_NET_ADMIN.
Result<std::vector<BaseChain>> list_base_chains(NetlinkSocket& requests);

}  // namespace mipflow::platform
