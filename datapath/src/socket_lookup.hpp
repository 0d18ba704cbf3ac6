// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/base/address.hpp"
#include "mipflow/base/flow_key.hpp"

namespace mipflow::datapath {

// Whether a TCP or UDP socket of this network namespace is connected from `local` with the ports, protocol and correspondent
// of `key`. False for other protocols, and when the kernel can not be asked (CONFIG_INET_DIAG).
bool is_connected(const Address& local, const FlowKey& key);

}  // namespace mipflow::datapath
