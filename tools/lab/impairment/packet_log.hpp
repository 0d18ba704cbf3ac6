// SPDX-License-Identifier: GPL-3.0-or-later
// Tells packets from each other for who counts them: what was lost here is looked for by its sender's number there.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include "mipflow/base/bytes.hpp"

namespace mipflow::lab {

// The packet inside all tunnels (IPv6 in IPv6).
struct InnermostPacket {
  std::uint8_t protocol = 59;          // of the upper layer; 59 when there is none, or it can not be told
  std::uint16_t source_port = 0;       // TCP and UDP
  std::uint16_t destination_port = 0;
  BytesView data;                      // behind the header of UDP; of other protocols the whole upper layer
};
InnermostPacket innermost_packet(BytesView packet);

// CSV with the header `time_ns,fate,protocol,source_port,destination_port,octets,data`: wall clock; octets of the whole
// packet; the first octets of InnermostPacket::data in hex digits.
class PacketLog {
 public:
  // Empty path: nothing is written. std::runtime_error when the file can not be written.
  explicit PacketLog(const std::string& path);
  void add(std::int64_t time_ns, std::string_view fate, BytesView packet);

 private:
  std::ofstream file_;
};

}  // namespace mipflow::lab
