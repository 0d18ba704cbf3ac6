// SPDX-License-Identifier: GPL-3.0-or-later
// ICMPv6 Echo Request and Reply, RFC 4443 §4.1, §4.2. They are none of Mobile IPv6's messages: decode_packet() leaves them
// alone, and whoever asks for one looks here.
#pragma once

#include <cstdint>
#include <optional>

#include "mipflow/base/bytes.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::wire {

//  0                   1                   2                   3
//  +---------------+---------------+-------------------------------+
//  | Type 128, 129 |   Code = 0    |           Checksum            |
//  +---------------+---------------+-------------------------------+
//  |          Identifier           |        Sequence Number        |
//  +-------------------------------+-------------------------------+
//  |  Data ...
//  +---------------------
struct Echo {
  bool reply = false;
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  Bytes data{};  // a reply returns the request's
  friend bool operator==(const Echo&, const Echo&) = default;
};

Bytes build_packet(const Envelope& envelope, const Echo& echo);

// nullopt when it is none, is cut or a fragment, or has a wrong checksum.
std::optional<Echo> decode_echo(const PacketView& packet);

}  // namespace mipflow::wire
