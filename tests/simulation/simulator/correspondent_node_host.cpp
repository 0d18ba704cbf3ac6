// SPDX-License-Identifier: GPL-3.0-or-later
#include "simulation/simulator/correspondent_node_host.hpp"

#include "mipflow/wire/packet.hpp"
#include "simulation/simulator/echo.hpp"

namespace mipflow::simulation {

namespace {

constexpr Duration kActivityInterval = std::chrono::seconds{1};

}  // namespace

CorrespondentNodeHost::CorrespondentNodeHost(EventQueue& clock, Network& network,
                                             const correspondent_node::Configuration& configuration,
                                             const std::vector<Address>& addresses, std::uint64_t seed)
    : RoleHost(clock, network),
      configuration_(configuration),
      random_(seed),
      attachment_(network.attach(*this, 1)),
      data_path_(clock, kernel) {
  for (const auto& address : addresses) network.assign(address, attachment_);
  start();
  clock_.after(kActivityInterval, [this] { report_activity(); });
}

void CorrespondentNodeHost::start() {
  plan_ = {};
  role_ = std::make_unique<Role>(configuration_, random_, plan_, time());
  runner_ = std::make_unique<platform::Runner<Role, correspondent_node::Event>>(*role_, *this);
  runner_->on_deadline();
}

void CorrespondentNodeHost::restart() {
  disarm();
  kernel = {};
  start();
}

Address CorrespondentNodeHost::sends_to(const Address& home_address, const Address& own) const {
  const auto found = kernel.correspondent_bindings.find({home_address, own});
  return found == kernel.correspondent_bindings.end() ? Address{} : found->second.care_of_address;
}

void CorrespondentNodeHost::receive(const Bytes& packet, Attachment& at) {
  auto arrival = data_path_.arriving(packet);
  switch (arrival.fate) {
    case CorrespondentDataPath::Fate::Dropped: return;
    case CorrespondentDataPath::Fate::Role:
      return runner_->handle(PacketReceived{.packet = std::move(arrival.packet), .interface = at.index});
    case CorrespondentDataPath::Fate::UpperLayer:
      return upper_layer(arrival.packet, wire::parse_packet(packet)->home_address_option.has_value());
  }
}

void CorrespondentNodeHost::upper_layer(const Bytes& packet, bool direct) {
  if (auto echo = decode_echo(packet); echo && !echo->reply) {
    std::swap(echo->source, echo->destination);
    echo->reply = true;
    return transmit(encode(*echo));
  }
  const auto datagram = decode_datagram(packet);
  if (!datagram) return;
  arrived.push_back({clock_.now(), *datagram, direct});
  if (answers)
    send({datagram->destination, datagram->source, datagram->destination_port, datagram->source_port, datagram->number});
}

void CorrespondentNodeHost::report_activity() {
  auto report = data_path_.activities();
  if (!report.idle.empty()) runner_->handle(std::move(report));
  clock_.after(kActivityInterval, [this] { report_activity(); });
}

}  // namespace mipflow::simulation
