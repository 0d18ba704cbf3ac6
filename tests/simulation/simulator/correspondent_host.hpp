// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "simulation/simulator/datagram.hpp"
#include "simulation/simulator/network.hpp"

namespace mipflow::simulation {

// A host that knows nothing of mobility. It answers every datagram with one of the same number.
class CorrespondentHost final : public Station {
 public:
  CorrespondentHost(EventQueue& clock, Network& network, const Address& own)
      : address(own), clock_(clock), network_(network), attachment_(network.attach(*this, 1)) {
    network.assign(address, attachment_);
  }

  struct Arrival {
    TimePoint at{};
    Datagram datagram;
  };

  void receive(const Bytes& packet, Attachment&) override {
    const auto datagram = decode_datagram(packet);
    if (!datagram) return;
    arrived.push_back({clock_.now(), *datagram});
    if (answers)
      send({address, datagram->source, datagram->destination_port, datagram->source_port, datagram->number});
  }
  void send(const Datagram& datagram) { network_.send(attachment_, encode(datagram)); }

  Address address;
  bool answers = true;
  std::vector<Arrival> arrived;

 private:
  EventQueue& clock_;
  Network& network_;
  Attachment& attachment_;
};

}  // namespace mipflow::simulation
