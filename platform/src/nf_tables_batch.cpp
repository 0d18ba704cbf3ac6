// SPDX-License-Identifier: GPL-3.0-or-later
#include "nf_tables_batch.hpp"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

namespace mipflow::platform {

namespace {

// Our table has two chains with two rules each, the largest of which carries one xt_bpf block of about 600 octets.
constexpr std::size_t kBatchSize = 16 * 1024;

}  // namespace

NfTablesBatch::NfTablesBatch() : bytes_(kBatchSize) {
  end(nftnl_batch_begin(reinterpret_cast<char*>(bytes_.data()), sequence_++));
}

nlmsghdr* NfTablesBatch::begin(std::uint16_t type, std::uint16_t flags) {
  last_ = at_;
  return nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(bytes_.data() + at_), type, NFPROTO_IPV6, flags, sequence_++);
}

void NfTablesBatch::end(const nlmsghdr* message) { at_ += NLMSG_ALIGN(message->nlmsg_len); }

void NfTablesBatch::add(const nftnl_table& table) {
  nlmsghdr* message = begin(NFT_MSG_NEWTABLE, NLM_F_CREATE);
  nftnl_table_nlmsg_build_payload(message, &table);
  end(message);
}

void NfTablesBatch::remove(const nftnl_table& table) {
  nlmsghdr* message = begin(NFT_MSG_DELTABLE, 0);
  nftnl_table_nlmsg_build_payload(message, &table);
  end(message);
}

void NfTablesBatch::add(const nftnl_chain& chain) {
  nlmsghdr* message = begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  nftnl_chain_nlmsg_build_payload(message, &chain);
  end(message);
}

void NfTablesBatch::add(const nftnl_rule& rule) {
  nlmsghdr* message = begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  nftnl_rule_nlmsg_build_payload(message, const_cast<nftnl_rule*>(&rule));
  end(message);
}

const std::vector<std::uint8_t>& NfTablesBatch::finish() {
  reinterpret_cast<nlmsghdr*>(bytes_.data() + last_)->nlmsg_flags |= NLM_F_ACK;
  const std::uint32_t mark = sequence_;  // the end mark has a number of its own, behind the last message's
  end(nftnl_batch_end(reinterpret_cast<char*>(bytes_.data() + at_), mark));
  bytes_.resize(at_);
  return bytes_;
}

}  // namespace mipflow::platform
