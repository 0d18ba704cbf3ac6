// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_index.hpp"

#include <bit>

namespace mipflow::flow_separator {

bool has_ports(std::uint8_t protocol) {
  return protocol == kProtocolTcp || protocol == kProtocolUdp || protocol == kProtocolSctp;
}

namespace detail {

Address successor(const Address& value) {
  Address next = value;
  for (auto octet = next.octets.rbegin(); octet != next.octets.rend(); ++octet)
    if (++*octet != 0) break;
  return next;
}

bool is_largest(const Address& value) {
  return std::all_of(value.octets.begin(), value.octets.end(), [](std::uint8_t octet) { return octet == 0xff; });
}

}  // namespace detail

PolicyIndex::PolicyIndex(std::span<const ClassMatch> classes)
    : classes_(classes.size()),
      protocols_(classes_, [&](std::size_t c) -> const auto& { return classes[c].protocols; }),
      peers_(classes_, [&](std::size_t c) -> const auto& { return classes[c].peers; }),
      ports_(classes_, [&](std::size_t c) -> const auto& { return classes[c].ports; }),
      local_ports_(classes_, [&](std::size_t c) -> const auto& { return classes[c].local_ports; }),
      dscps_(classes_, [&](std::size_t c) -> const auto& { return classes[c].dscps; }),
      flow_labels_(classes_, [&](std::size_t c) -> const auto& { return classes[c].flow_labels; }),
      users_(classes_, [&](std::size_t c) -> const auto& { return classes[c].users; }) {}

std::size_t PolicyIndex::first_match(const FlowAttributes& flow) const {
  const bool ports = has_ports(flow.key.protocol);
  const std::array rows{protocols_.accepting(flow.key.protocol),
                        peers_.accepting(flow.key.correspondent),
                        ports ? ports_.accepting(flow.key.correspondent_port) : ports_.not_asking(),
                        ports ? local_ports_.accepting(flow.key.source_port) : local_ports_.not_asking(),
                        dscps_.accepting(flow.dscp),
                        flow_labels_.accepting(flow.flow_label),
                        flow.user ? users_.accepting(*flow.user) : users_.not_asking()};
  for (std::size_t first = 0; first < classes_; first += detail::kWordBits) {
    detail::Word left = ~detail::Word{0};
    for (const detail::Word* row : rows) left &= row[first / detail::kWordBits];
    if (left != 0) return first + static_cast<std::size_t>(std::countr_zero(left));
  }
  return classes_;
}

}  // namespace mipflow::flow_separator
