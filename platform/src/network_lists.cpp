// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/network_lists.hpp"

#include <libnftnl/chain.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <memory>

#include "rtnetlink_codec.hpp"

namespace mipflow::platform {

Result<std::vector<Rule>> list_rules(NetlinkSocket& requests) {
  std::vector<Rule> out;
  auto request = dump_rules();
  const int error = requests.dump(request, [&] { out.clear(); }, [&](const nlmsghdr& message) {
    if (auto rule = decode_rule(message)) out.push_back(std::move(*rule));
  });
  if (error != 0) return fail("the kernel does not list its routing rules", error);
  return out;
}

Result<std::vector<Route>> list_routes(NetlinkSocket& requests, std::uint32_t table) {
  std::vector<Route> out;
  auto request = dump_routes(table);
  const int error = requests.dump(request, [&] { out.clear(); }, [&](const nlmsghdr& message) {
    // Not every kernel filters by table.
    for (auto& route : decode_route(message))
      if (route.table == table) out.push_back(std::move(route));
  });
  if (error != 0) return fail("the kernel does not list its routes", error);
  return out;
}

namespace {

std::optional<BaseChain> decode_base_chain(const nlmsghdr& message) {
  const std::unique_ptr<nftnl_chain, decltype(&nftnl_chain_free)> chain(nftnl_chain_alloc(), &nftnl_chain_free);
  if (!chain || nftnl_chain_nlmsg_parse(&message, chain.get()) < 0) return std::nullopt;
  if (!nftnl_chain_is_set(chain.get(), NFTNL_CHAIN_HOOKNUM) || !nftnl_chain_is_set(chain.get(), NFTNL_CHAIN_POLICY)) return std::nullopt;
  const auto family = nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_FAMILY);
  if (family != NFPROTO_IPV6 && family != NFPROTO_INET) return std::nullopt;
  return BaseChain{.table = nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_TABLE),
                   .name = nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_NAME),
                   .hook = nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_HOOKNUM),
                   .priority = nftnl_chain_get_s32(chain.get(), NFTNL_CHAIN_PRIO),
                   .drops = nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_POLICY) == NF_DROP};
}

}  // namespace

Result<std::vector<BaseChain>> list_base_chains(NetlinkSocket& requests) {
  std::vector<BaseChain> out;
  NetlinkMessage request(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, 0);
  request.header<nfgenmsg>().nfgen_family = NFPROTO_UNSPEC;
  const int error = requests.dump(request, [&] { out.clear(); }, [&](const nlmsghdr& message) {
    if (auto chain = decode_base_chain(message)) out.push_back(std::move(*chain));
  });
  if (error != 0) return fail("the kernel does not list its nf_tables chains", error);
  return out;
}

}  // namespace mipflow::platform
