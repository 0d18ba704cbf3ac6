// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "mipflow/base/bytes.hpp"
#include "mipflow/base/expected.hpp"

namespace mipflow::tools {

// Hex digits, two per octet, with blanks, colons and dashes between them as one likes and perhaps "0x" in front.
bool looks_like_hex(std::string_view text);
// Errors say which character is wrong.
Expected<Bytes, std::string> parse_hex(std::string_view text);

// Packets written out as text: one line of hex each, or hex dumps with offsets as `tcpdump -x` and `xxd -g1` print them.
// Lines that are neither (tcpdump's summaries, comments, empty lines) end a packet. Reads at most 16 MiB.
Expected<std::vector<Bytes>, std::string> read_hex_packets(std::istream& in);

}  // namespace mipflow::tools
