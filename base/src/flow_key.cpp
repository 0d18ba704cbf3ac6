// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/flow_key.hpp"

#include "hash.hpp"

std::size_t std::hash<mipflow::FlowKey>::operator()(const mipflow::FlowKey& key) const noexcept {
  const std::uint64_t ports = std::uint64_t{key.source_port} << 32 | std::uint64_t{key.correspondent_port} << 8 |
                              key.protocol;
  const std::uint64_t source = mipflow::mix_address(key.source, mipflow::mix(ports, 1));
  return mipflow::finish(mipflow::mix_address(key.correspondent, source));
}
