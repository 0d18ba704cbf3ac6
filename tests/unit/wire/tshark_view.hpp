// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "mipflow/base/bytes.hpp"

namespace mipflow::test {

// What our decoder says about a packet and about the packets inside it (tunnels, ICMPv6 errors), in the field names and
// the notation of tshark; several values of one field are joined by ';'.
std::map<std::string, std::string> tshark_view(BytesView packet);

// False for fields of tshark that say something our decoder has no opinion about (UDP, DHCPv6, tshark's own remarks).
bool is_our_business(std::string_view field);

}  // namespace mipflow::test
