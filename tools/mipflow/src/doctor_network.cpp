// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "doctor.hpp"
#include "mipflow/platform/interface_kind.hpp"
#include "mipflow/platform/names.hpp"
#include "mipflow/platform/network_observer.hpp"

namespace mipflow::tools {
namespace {

using enum Finding::Result;

// The least that IPv6 asks of a link (RFC 8200 §5), and the header that the tunnel puts on.
constexpr std::uint32_t kLeastMtu = 1280 + 40;

bool is_ours(const platform::Link& link) { return link.alias == platform::kLinkAlias; }

// Tunnels of others, by the kernel's kind or what drivers without one call themselves.
bool is_tunnel(const platform::Link& link) {
  static const std::set<std::string> kKinds{"wireguard", "tun", "xfrm",   "vti6", "ip6tnl",
                                            "sit",       "gre", "ip6gre", "ipip", "ppp"};
  return kKinds.contains(link.kind) || link.hardware_type == 0xfffe;  // ARPHRD_NONE
}

std::vector<Finding> judge_mtu(const NetworkSurvey& survey) {
  std::vector<Finding> out;
  for (const auto& link : survey.links) {
    if (!link.up || is_ours(link) || is_tunnel(link) || !platform::may_be_uplink(link, "mip0", {})) continue;
    if (link.mtu < kLeastMtu)
      out.push_back(
          {"MTU", Warning,
           fmt::format("{} carries {} octets; with the tunnel's header IPv6 needs {}", link.name, link.mtu, kLeastMtu),
           fmt::format(
               "ip link set {} mtu {} where the network allows it, else do not use it: [interfaces] ignore in mnd.toml",
               link.name, kLeastMtu)});
    else out.push_back({"MTU", Good, fmt::format("{} carries {} octets", link.name, link.mtu), ""});
  }
  return out;
}

// Rules of others that are asked before ours and can decide about packets that we would.
std::vector<Finding> judge_rules(const NetworkSurvey& survey) {
  std::vector<Finding> out;
  for (const auto& rule : survey.rules) {
    const bool before_ours = rule.preference < platform::kRuleMip;
    if (!before_ours || rule.protocol == platform::kRouteProtocol || rule.table == RT_TABLE_LOCAL) continue;
    out.push_back(
        {"routing rules", Warning,
         fmt::format("rule {} of another program is asked before ours and looks up table {}", rule.preference, rule.table),
         fmt::format("ip -6 rule show pref {0}; when flows do not go where they should, give it a preference above {1}",
                     rule.preference, platform::kRuleMip)});
  }
  if (out.empty()) out.push_back({"routing rules", Good, "no other program's rule is asked before ours", ""});
  return out;
}

std::vector<Finding> judge_tunnels(const NetworkSurvey& survey) {
  std::vector<Finding> out;
  for (const auto& route : survey.default_routes) {
    const auto link = std::find_if(survey.links.begin(), survey.links.end(),
                                   [&](const platform::Link& each) { return each.index == route.interface; });
    if (link == survey.links.end() || is_ours(*link) || !is_tunnel(*link)) continue;
    out.push_back(
        {"VPN", Warning,
         fmt::format("{} has a default route (table {}): while it is up, flows go into the VPN, or past it, depending on "
                     "whose rule is asked first",
                     link->name, route.table),
         fmt::format(
             "let the VPN carry only its own prefixes, or name what mipflow is to leave alone: [[class]] with bypass = "
             "true, see mipflow-policy(5); {} itself is never used for flows when [interfaces] ignore names it",
             link->name)});
  }
  return out;
}

std::vector<Finding> examine_chains() {
  auto socket = platform::NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket) return {{"firewall", Unknown, socket.error().message, ""}};
  const auto chains = platform::list_base_chains(*socket);
  if (chains) return judge_chains(*chains);
  return {{"firewall", Unknown, chains.error().message, "run mipflow doctor as root"}};
}

}  // namespace

std::vector<Finding> judge_chains(const std::vector<platform::BaseChain>& chains) {
  std::vector<Finding> out;
  for (const auto& chain : chains) {
    if (chain.table == platform::kNfTable || !chain.drops) continue;
    out.push_back({"firewall", Warning,
                   fmt::format("chain {} of nf_tables table {} drops what its rules do not name", chain.name, chain.table),
                   "let it pass what applications need on mip0, as on the uplinks (with firewalld: put mip0 into their "
                   "zone), see Firewalls in operations.md"});
  }
  if (out.empty()) out.push_back({"firewall", Good, "no chain of another program drops what it does not know", ""});
  return out;
}

std::vector<Finding> judge_network(const NetworkSurvey& survey) {
  auto out = judge_mtu(survey);
  for (auto&& part : {judge_rules(survey), judge_tunnels(survey)}) out.insert(out.end(), part.begin(), part.end());
  return out;
}

std::vector<Finding> examine_network_manager(const Host& host, const NetworkSurvey& survey) {
  if (!host.has("run/NetworkManager")) return {};
  for (const auto& link : survey.links) {
    if (!is_ours(link)) continue;
    const auto note = host.read(fmt::format("run/NetworkManager/devices/{}", link.index));
    if (note && (note->find("managed=1") != std::string::npos || note->find("managed=true") != std::string::npos ||
                 note->find("managed=full") != std::string::npos))
      return {{"NetworkManager", Warning, fmt::format("it manages {}, and may take its addresses away", link.name),
               fmt::format("write [keyfile] unmanaged-devices=interface-name:{} to /etc/NetworkManager/conf.d/mipflow.conf, "
                           "then: nmcli general reload",
                           link.name)}};
  }
  return {{"NetworkManager", Good, "runs and leaves our device alone", ""}};
}

std::vector<Finding> examine_network(const Host& host) {
  auto socket = platform::NetlinkSocket::open(NETLINK_ROUTE);
  if (!socket) return {{"network", Unknown, socket.error().message, ""}};
  NetworkSurvey survey;
  auto links = platform::list_links(*socket);
  if (!links) return {{"network", Unknown, links.error().message, ""}};
  survey.links = std::move(*links);
  auto rules = platform::list_rules(*socket);
  if (!rules) return {{"network", Unknown, rules.error().message, ""}};
  survey.rules = std::move(*rules);
  std::set<std::uint32_t> tables{RT_TABLE_MAIN};
  for (const auto& rule : survey.rules) tables.insert(rule.table);
  for (const auto table : tables) {
    const auto routes = platform::list_routes(*socket, table);
    if (!routes) continue;
    std::copy_if(routes->begin(), routes->end(), std::back_inserter(survey.default_routes),
                 [](const platform::Route& route) { return route.destination.length() == 0; });
  }
  auto out = judge_network(survey);
  for (auto&& part : {examine_chains(), examine_network_manager(host, survey)})
    out.insert(out.end(), part.begin(), part.end());
  return out;
}

}  // namespace mipflow::tools
