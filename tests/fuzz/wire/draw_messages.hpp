// SPDX-License-Identifier: GPL-3.0-or-later
// Messages put together value by value, as the input says. Each can be encoded.
#pragma once

#include "fuzz/draw.hpp"
#include "mipflow/wire/dhcpv6.hpp"
#include "mipflow/wire/forwarding_messages.hpp"
#include "mipflow/wire/icmpv6.hpp"
#include "mipflow/wire/mobility_header.hpp"

namespace mipflow::fuzz {

wire::MobilityMessage draw_mobility_message(Draw& draw);
wire::Icmpv6Message draw_icmpv6_message(Draw& draw);
wire::Dhcpv6Message draw_dhcpv6_message(Draw& draw);
wire::ForwardingMessage draw_forwarding_message(Draw& draw);

}  // namespace mipflow::fuzz
