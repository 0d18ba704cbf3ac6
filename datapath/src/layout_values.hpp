// SPDX-License-Identifier: GPL-3.0-or-later
// Between the project's values and those of bpf/layout.h.
#pragma once

#include <arpa/inet.h>

#include <cstring>

#include "layout.h"
#include "mipflow/base/address.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/datapath/data_path.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"

namespace mipflow::datapath {

static_assert(kUnboundMark == MIPFLOW_UNBOUND_MARK);

inline mipflow_address to_layout(const Address& address) {
  mipflow_address out;
  std::memcpy(&out, address.octets.data(), sizeof out);
  return out;
}
inline Address from_layout(const mipflow_address& address) {
  Address out;
  std::memcpy(out.octets.data(), &address, sizeof address);
  return out;
}

inline mipflow_pair to_layout(const forwarding::HomeAddressAndCorrespondent& pair) {
  return {to_layout(pair.home_address), to_layout(pair.correspondent)};
}
inline forwarding::HomeAddressAndCorrespondent from_layout(const mipflow_pair& pair) {
  return {from_layout(pair.home_address), from_layout(pair.correspondent)};
}

// `local` is the socket's address (map departures) or the home address on the wire (map arrivals).
inline mipflow_flow_key to_layout(const FlowKey& key, const Address& local) {
  mipflow_flow_key out{};
  out.local = to_layout(local);
  out.correspondent = to_layout(key.correspondent);
  out.local_port = htons(key.source_port);
  out.correspondent_port = htons(key.correspondent_port);
  out.protocol = key.protocol;
  return out;
}
inline FlowKey from_layout(const mipflow_flow_key& key) {
  return FlowKey{from_layout(key.local), from_layout(key.correspondent), ntohs(key.local_port),
                 ntohs(key.correspondent_port), key.protocol};
}

}  // namespace mipflow::datapath
