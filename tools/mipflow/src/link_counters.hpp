// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <istream>
#include <map>
#include <string>

namespace mipflow::tools {

// Octets that an interface carried since it was made, everything on it counted.
struct LinkCounters {
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

// By name, from the lines of /proc/net/dev (proc(5)); lines of another shape are left out.
std::map<std::string, LinkCounters> parse_link_counters(std::istream& lines);
// Those of this network namespace; empty when they can not be read.
std::map<std::string, LinkCounters> read_link_counters();

}  // namespace mipflow::tools
