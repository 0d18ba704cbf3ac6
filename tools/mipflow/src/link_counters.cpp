// SPDX-License-Identifier: GPL-3.0-or-later
#include "link_counters.hpp"

#include <array>
#include <fstream>
#include <sstream>

namespace mipflow::tools {

std::map<std::string, LinkCounters> parse_link_counters(std::istream& lines) {
  std::map<std::string, LinkCounters> out;
  for (std::string line; std::getline(lines, line);) {
    // A name may hold colons itself (aliases); the last one ends it.
    const auto colon = line.find_last_of(':');
    if (colon == std::string::npos) continue;
    const auto begin = line.find_first_not_of(' ');
    // Received: octets, packets, errors, dropped, FIFO, frame, compressed, multicast. Transmitted: octets, ...
    std::array<std::uint64_t, 9> numbers{};
    std::istringstream values(line.substr(colon + 1));
    for (auto& number : numbers) values >> number;
    if (values) out[line.substr(begin, colon - begin)] = {numbers[0], numbers[8]};
  }
  return out;
}

std::map<std::string, LinkCounters> read_link_counters() {
  // /proc/net is of the reader's own network namespace, /sys/class/net of whoever mounted it.
  std::ifstream lines("/proc/net/dev");
  return parse_link_counters(lines);
}

}  // namespace mipflow::tools
