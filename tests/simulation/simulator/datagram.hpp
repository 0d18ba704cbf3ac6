// SPDX-License-Identifier: GPL-3.0-or-later
// The application packets of the simulator: numbered UDP datagrams with true checksums.
#pragma once

#include <cstdint>
#include <optional>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"

namespace mipflow::simulation {

struct Datagram {
  Address source;
  Address destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t number = 0;
};

Bytes encode(const Datagram& datagram);
// nullopt when it is none, or when its checksum is wrong.
std::optional<Datagram> decode_datagram(BytesView packet);
// The packet with other addresses, as the data path rewrites it; nullopt when it is no datagram.
std::optional<Bytes> readdressed(BytesView packet, const Address& source, const Address& destination);

}  // namespace mipflow::simulation
