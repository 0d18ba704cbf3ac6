// SPDX-License-Identifier: GPL-3.0-or-later
// One nf_tables transaction: a run of messages between a begin and an end mark that the kernel carries out as a whole
// or not at all.
#pragma once

#include <cstdint>
#include <vector>

#include <linux/netlink.h>

struct nftnl_chain;
struct nftnl_rule;
struct nftnl_table;

namespace mipflow::platform {

class NfTablesBatch {
 public:
  NfTablesBatch();

  void add(const nftnl_table& table);
  void remove(const nftnl_table& table);
  void add(const nftnl_chain& chain);
  void add(const nftnl_rule& rule);

  // Closes the transaction; its octets are to be sent in one go.
  const std::vector<std::uint8_t>& finish();
  // The message that asks for the acknowledgement.
  std::uint32_t last_sequence() const { return sequence_ - 1; }

 private:
  nlmsghdr* begin(std::uint16_t type, std::uint16_t flags);
  void end(const nlmsghdr* message);

  std::vector<std::uint8_t> bytes_;
  std::size_t at_ = 0;
  std::size_t last_ = 0;  // where the message that gets the acknowledgement flag starts
  std::uint32_t sequence_ = 1;
};

}  // namespace mipflow::platform
