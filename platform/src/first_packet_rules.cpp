// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/first_packet_rules.hpp"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_bpf.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "mipflow/platform/names.hpp"
#include "nf_tables_batch.hpp"

namespace mipflow::platform {

namespace {

constexpr std::int32_t kPriority = 10;

struct Hook {
  const char* chain;
  std::uint32_t number;
  std::uint32_t interface_key;  // which interface name of the packet is compared
};
constexpr std::array<Hook, 2> kHooks{{{"outgoing", NF_INET_LOCAL_OUT, NFT_META_OIFNAME}, {"incoming", NF_INET_LOCAL_IN, NFT_META_IIFNAME}}};

using Table = std::unique_ptr<nftnl_table, decltype(&nftnl_table_free)>;
using Chain = std::unique_ptr<nftnl_chain, decltype(&nftnl_chain_free)>;
using Rule = std::unique_ptr<nftnl_rule, decltype(&nftnl_rule_free)>;

Table our_table() {
  Table table(nftnl_table_alloc(), &nftnl_table_free);
  nftnl_table_set_u32(table.get(), NFTNL_TABLE_FAMILY, NFPROTO_IPV6);
  nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, kNfTable);
  return table;
}

Chain chain_of(const Hook& hook) {
  Chain chain(nftnl_chain_alloc(), &nftnl_chain_free);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, kNfTable);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, hook.chain);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, "filter");
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, hook.number);
  nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, kPriority);
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  return chain;
}

// An xtables match or target inside nf_tables. The kernel wants its block rounded up to 8 octets; libnftnl frees it.
template <class Info>
std::pair<void*, std::uint32_t> xtables_block(const Info& info) {
  constexpr std::uint32_t kSize = XT_ALIGN(sizeof(Info));
  void* block = std::calloc(1, kSize);
  if (block) std::memcpy(block, &info, sizeof info);
  return {block, kSize};
}

template <class Info>
nftnl_expr* compat_match(const char* name, std::uint32_t revision, const Info& info) {
  const auto [block, size] = xtables_block(info);
  nftnl_expr* expression = nftnl_expr_alloc("match");
  nftnl_expr_set_str(expression, NFTNL_EXPR_MT_NAME, name);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_MT_REV, revision);
  nftnl_expr_set(expression, NFTNL_EXPR_MT_INFO, block, size);
  return expression;
}

template <class Info>
nftnl_expr* compat_target(const char* name, std::uint32_t revision, const Info& info) {
  const auto [block, size] = xtables_block(info);
  nftnl_expr* expression = nftnl_expr_alloc("target");
  nftnl_expr_set_str(expression, NFTNL_EXPR_TG_NAME, name);
  nftnl_expr_set_u32(expression, NFTNL_EXPR_TG_REV, revision);
  nftnl_expr_set(expression, NFTNL_EXPR_TG_INFO, block, size);
  return expression;
}

Rule rule_for(const Hook& hook, const std::string& device) {
  Rule rule(nftnl_rule_alloc(), &nftnl_rule_free);
  nftnl_rule_set_u32(rule.get(), NFTNL_RULE_FAMILY, NFPROTO_IPV6);
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, kNfTable);
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, hook.chain);

  nftnl_expr* meta = nftnl_expr_alloc("meta");
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, hook.interface_key);
  nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
  nftnl_rule_add_expr(rule.get(), meta);

  std::array<char, IFNAMSIZ> name{};
  device.copy(name.data(), name.size() - 1);
  nftnl_expr* compare = nftnl_expr_alloc("cmp");
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
  nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
  nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, name.data(), static_cast<std::uint32_t>(name.size()));
  nftnl_rule_add_expr(rule.get(), compare);
  return rule;
}

Rule accept_known_flows(const Hook& hook, const FirstPacketRules::Options& options) {
  Rule rule = rule_for(hook, options.device);
  xt_bpf_info_v1 info{};
  // By descriptor, not by path: the daemon and the kernel need not see the same mounts then.
  info.mode = XT_BPF_MODE_FD_ELF;
  info.fd = options.known_flow_program;
  nftnl_rule_add_expr(rule.get(), compat_match("bpf", 1, info));
  nftnl_expr* verdict = nftnl_expr_alloc("immediate");
  nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
  nftnl_rule_add_expr(rule.get(), verdict);
  return rule;
}

Rule queue_the_rest(const Hook& hook, const FirstPacketRules::Options& options, bool native) {
  Rule rule = rule_for(hook, options.device);
  if (native) {
    nftnl_expr* queue = nftnl_expr_alloc("queue");
    nftnl_expr_set_u16(queue, NFTNL_EXPR_QUEUE_NUM, options.queue);
    nftnl_expr_set_u16(queue, NFTNL_EXPR_QUEUE_TOTAL, 1);
    nftnl_expr_set_u16(queue, NFTNL_EXPR_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
    nftnl_rule_add_expr(rule.get(), queue);
  } else {
    xt_NFQ_info_v3 info{};
    info.queuenum = options.queue;
    info.queues_total = 1;
    info.flags = NFQ_FLAG_BYPASS;
    nftnl_rule_add_expr(rule.get(), compat_target("NFQUEUE", 3, info));
  }
  return rule;
}

}  // namespace

Result<void> FirstPacketRules::install(bool native_queue) {
  const Table table = our_table();
  NfTablesBatch batch;
  // Add, remove, add: the first makes sure that the removal finds something, the rest is a fresh table.
  batch.add(*table);
  batch.remove(*table);
  batch.add(*table);
  for (const Hook& hook : kHooks) {
    batch.add(*chain_of(hook));
    batch.add(*accept_known_flows(hook, options_));
    batch.add(*queue_the_rest(hook, options_, native_queue));
  }
  const auto& bytes = batch.finish();
  if (const int error = socket_.exchange(bytes, batch.last_sequence())) return fail("cannot install the nf_tables table mipflow", error);
  return {};
}

Result<void> FirstPacketRules::install() {
  if (native_queue_) {
    auto done = install(true);
    if (done || done.error().error != ENOENT) return done;
    native_queue_ = false;  // CONFIG_NFT_QUEUE is not there: the kernel does not know the expression
  }
  auto done = install(false);
  if (!done && done.error().error == ENOENT)
    return fail("cannot install the nf_tables table mipflow: the kernel lacks one of CONFIG_NFT_COMPAT, CONFIG_NETFILTER_XT_MATCH_BPF "
                "and (CONFIG_NFT_QUEUE or CONFIG_NETFILTER_XT_TARGET_NFQUEUE); load the modules nft_compat, xt_bpf and nft_queue or xt_NFQUEUE");
  return done;
}

Result<void> FirstPacketRules::remove(NetlinkSocket& socket) {
  const Table table = our_table();
  NfTablesBatch batch;
  batch.add(*table);
  batch.remove(*table);
  const auto& bytes = batch.finish();
  const int error = socket.exchange(bytes, batch.last_sequence());
  // Without nf_tables in the kernel there is nothing to take back.
  if (error != 0 && error != ENOENT && error != EOPNOTSUPP && error != EINVAL) return fail("cannot remove the nf_tables table mipflow", error);
  return {};
}

bool FirstPacketRules::is_loss(const nlmsghdr& notification) const {
  // nf_tables notifications carry the port of whoever asked for the change.
  if (notification.nlmsg_pid == socket_.port()) return false;
  if (mnl_nlmsg_get_payload_len(&notification) < sizeof(nfgenmsg)) return false;
  const auto* header = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&notification));
  if (header->nfgen_family != NFPROTO_IPV6 || notification.nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES) return false;
  const int type = notification.nlmsg_type & 0xff;
  if (type != NFT_MSG_DELTABLE && type != NFT_MSG_DELCHAIN && type != NFT_MSG_DELRULE) return false;
  // The table's name is attribute 1 of tables, chains and rules alike.
  static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1);
  bool ours = false;
  mnl_attr_parse(&notification, sizeof(nfgenmsg), [](const nlattr* attribute, void* out) {
    if (mnl_attr_get_type(attribute) == NFTA_TABLE_NAME && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
      *static_cast<bool*>(out) = std::strcmp(mnl_attr_get_str(attribute), kNfTable) == 0;
    return MNL_CB_OK;
  }, &ours);
  return ours;
}

}  // namespace mipflow::platform
