// SPDX-License-Identifier: GPL-3.0-or-later
// How the address and policy service stands in a Mobility Header; its octets are those of agent_service.hpp.
#pragma once

#include <optional>

#include "mipflow/base/bytes.hpp"
#include "mipflow/wire/agent_service.hpp"
#include "mipflow/wire/error.hpp"

namespace mipflow::wire {

inline constexpr std::size_t kServiceVersionOffset = 6;  // from the start of the Mobility Header
inline constexpr std::size_t kServiceBodyLengthOffset = 12;

// Version to body.
void encode_agent_service(Writer& writer, const AgentServiceMessage& message);
// `reader` stands at the Version octet, which is right, and holds at least the octets up to Body Length. Leaves it at the
// options. nullopt: all is well.
std::optional<DecodeError> decode_agent_service(Reader& reader, AgentServiceMessage& message);

}  // namespace mipflow::wire
