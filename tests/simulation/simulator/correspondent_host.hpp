// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "mipflow/wire/packet.hpp"
#include "simulation/simulator/datagram.hpp"
#include "simulation/simulator/network.hpp"

namespace mipflow::simulation {

// A datagram that reached a correspondent node.
struct Arrival {
  TimePoint at{};
  Datagram datagram;
  bool direct = false;  // with a Home Address option, not by way of the home agent
};

// A host that knows nothing of mobility. It answers every datagram with one of the same number.
class CorrespondentHost final : public Station {
 public:
  // What it does with headers that it does not know: kernels send ICMPv6 Parameter Problems (RFC 8200 §4, §4.2), firewalls
  // in front of them nothing.
  enum class UnknownHeaders { Refused,
                              Swallowed };

  CorrespondentHost(EventQueue& clock, Network& network, const Address& own);

  void receive(const Bytes& packet, Attachment&) override;
  void send(const Datagram& datagram) { network_.send(attachment_, encode(datagram)); }

  Address address;
  bool answers = true;
  UnknownHeaders unknown_headers = UnknownHeaders::Refused;
  std::vector<Arrival> arrived;

 private:
  void refuse(const wire::PacketView& view, BytesView packet, std::uint8_t code, std::uint32_t pointer);

  EventQueue& clock_;
  Network& network_;
  Attachment& attachment_;
};

}  // namespace mipflow::simulation
