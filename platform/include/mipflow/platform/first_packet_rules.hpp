// SPDX-License-Identifier: GPL-3.0-or-later
// The nf_tables rules that hand the first packet of every flow to the daemon:
//
//   table ip6 mipflow {
//     chain outgoing { type filter hook output priority 10; policy accept;
//       oifname "mip0" match bpf <known_flow> accept
//       oifname "mip0" queue flags bypass to N }
//     chain incoming { type filter hook input priority 10; policy accept;
//       iifname "mip0" match bpf <known_flow> accept
//       iifname "mip0" queue flags bypass to N }
//   }
//
// Priority 10 is behind the firewall's own filter chains: what they drop never becomes a flow. `queue` is the native
// expression where the kernel has it (CONFIG_NFT_QUEUE), else the NFQUEUE target through the compat expression. With
// bypass packets go on when nobody reads the queue.
#pragma once

#include <cstdint>
#include <string>

#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/netlink_socket.hpp"

namespace mipflow::platform {

class FirstPacketRules {
 public:
  struct Options {
    std::string device;        // mip0
    std::uint16_t queue = 0;
    int known_flow_program = -1;  // descriptor of a loaded socket filter, datapath::DataPath::known_flow_fd()
  };

  // `socket` (NETLINK_NETFILTER) must outlive this.
  FirstPacketRules(NetlinkSocket& socket, Options options) : socket_(socket), options_(std::move(options)) {}

  // Puts the whole table in place of what stands under its name, in one transaction.
  Result<void> install();
  static Result<void> remove(NetlinkSocket& socket);

  // True when the notification (group NFNLGRP_NFTABLES) says that something of our table vanished, and not by us.
  bool is_loss(const nlmsghdr& notification) const;

 private:
  Result<void> install(bool native_queue);

  NetlinkSocket& socket_;
  Options options_;
  bool native_queue_ = true;
};

}  // namespace mipflow::platform
