// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/home_agent/bench.hpp"

#include <utility>

namespace mipflow::conformance::home {

namespace {

constexpr InterfaceIndex kHomeInterface = 2;
constexpr std::uint16_t kEchoIdentifier = 0x4841;
const Prefix kEverything = *Prefix::parse("::/0");
const Address kAllNodes = *Address::parse("ff02::1");

home_agent::Configuration configuration(Link link, const Change& change) {
  home_agent::Configuration out;
  out.home_agent_address = kHomeAgent;
  out.home_prefixes = {{.prefix = *Prefix::parse("2001:db8:100::/64")}};
  out.home_interface = link == Link::Real ? kHomeInterface : 0;
  out.home_link_layer_address = kHomeAgentMac;
  out.home_agent_preference = 10;
  for (const Address& home_address : {kHome, kHome2, kElsewhere})
    out.mobile_nodes.push_back({.security_association = {identifier_of(home_address), kSpi, key_of(home_address)},
                                .primary_home_address = home_address,
                                .timestamps_required = false});
  if (change) change(out);
  return out;
}

}  // namespace

std::string identifier_of(const Address& home_address) {
  return "mobile-node-" + std::to_string(home_address.octets[5]) + "-" + std::to_string(home_address.octets[14]) + "@example.net";
}

Bytes key_of(const Address& home_address) {
  const Sha1Digest digest = sha1(home_address.octets);
  return {digest.begin(), digest.begin() + 16};
}

Bytes Update::packet() const {
  MobilityHeader header(type, binding_update_data(sequence, flags, lifetime));
  const Bytes key = key_of(home_address);
  const auto authenticate = [&](std::uint32_t spi, const Bytes& with) {
    header.mobile_node_authentication(spi, with, care_of_address(), home_address);
  };
  if (unknown_option) header.option(200, {1, 2, 3});
  if (nonce_indices) header.nonce_indices(1, 1);
  header.alternate_care_of_address(care_of_address());
  if (padding != 0) header.padding(padding);
  if (authentication != Authentication::Missing && authentication != Authentication::WithoutIdentifier)
    header.mobile_node_identifier(identifier_of(home_address));
  if (timestamp) header.timestamp(*timestamp);
  switch (authentication) {
    case Authentication::Right:
    case Authentication::WithoutIdentifier: authenticate(kSpi, key); break;
    case Authentication::Missing: break;
    case Authentication::Wrong: {
      Bytes other = key;
      other.front() ^= 1;
      authenticate(kSpi, other);
      break;
    }
    case Authentication::UnknownSpi: authenticate(kSpi + 1, key); break;
    case Authentication::NotLast:
      authenticate(kSpi, key);
      header.option(200, {1, 2, 3});
      break;
    case Authentication::Twice:
      authenticate(kSpi, key);
      authenticate(kSpi, key);
      break;
  }
  if (overrunning_option) header.overrunning_option();
  header.payload_proto(payload_proto).reserved(reserved);
  if (cut_short) header.cut_short();
  if (wrong_checksum) header.wrong_checksum();
  const wire::Envelope envelope{.source = source,
                                .destination = kHomeAgent,
                                .home_address_option = home_address_option ? std::optional(home_address) : std::nullopt};
  Bytes packet = header.packet(envelope);
  if (behind.empty()) return packet;
  Bytes upper_layer(packet.begin() + static_cast<std::ptrdiff_t>(wire::parse_packet(packet)->payload_offset), packet.end());
  upper_layer.insert(upper_layer.end(), behind.begin(), behind.end());
  return wire::build_packet_around(envelope, kProtocolMobilityHeader, upper_layer);
}

Update Update::from(const Address& care_of_address, std::uint16_t later) const {
  Update out = *this;
  out.source = care_of_address;
  out.sequence = static_cast<std::uint16_t>(sequence + later);
  return out;
}

Update Update::deletion() const {
  Update out = from(source);
  out.lifetime = 0;
  return out;
}

Update Update::deletion_at_home(bool with_home_address_option) const {
  Update out = from(home_address);
  out.lifetime = 0;
  out.home_address_option = with_home_address_option;
  return out;
}

HomeAgentBench::HomeAgentBench(Record& record, Link link, const Change& change)
    : network(clock, 1),
      node(clock, network, configuration(link, change), 2),
      mobile_node(node.home_link.add(kMobileNodeMac, {})),
      neighbour(node.home_link.add(kNeighbourMac, {kNeighbour, kNeighbourLinkLocal})),
      record_(record),
      attachment_(network.attach(*this, 1)) {
  network.route(kEverything, attachment_);
}

void HomeAgentBench::receive(const Bytes& packet, simulation::Attachment&) {
  inbox_.push_back(packet);
  last_arrival = clock.now();
}

std::vector<Bytes> HomeAgentBench::take(Duration within) {
  wait(within);
  return std::exchange(inbox_, {});
}

void HomeAgentBench::send(const Update& update) {
  if (!update.from_home()) return send(update.packet());
  mobile_node.addresses.insert(update.home_address);
  mobile_node.defends = false;  // it waits for the acknowledgement with that (§11.5.5)
  send_at_home(update.packet());
}

simulation::Echo HomeAgentBench::echo(const Address& source, const Address& destination) {
  return {source, destination, kEchoIdentifier, ++last_echo_};
}

void HomeAgentBench::solicit(const Address& target, Solicitation form) {
  const bool detection = form == Solicitation::Detection;
  const bool unicast = form == Solicitation::Unicast || form == Solicitation::UnicastWithoutAddress;
  const wire::Envelope envelope{.source = detection ? Address{} : kNeighbourLinkLocal,
                                .destination = unicast ? target : solicited_node_multicast(target)};
  wire::NeighborSolicitation solicitation{.target = target};
  if (form == Solicitation::Multicast || form == Solicitation::Unicast) solicitation.source_link_layer_address = kNeighbourMac;
  const auto answer = kernels_answer(target, form);
  // A unicast one that the kernel answers goes no further (ip6_forward_proxy_check()).
  if (!unicast || !answer) node.home_link.from_neighbour(neighbour, wire::build_packet(envelope, solicitation));
  if (answer) node.home_link.from_home_agent({.packet = *answer, .interface = kHomeInterface});
}

// What Linux does for a proxied neighbour of the plan (ndisc_recv_ns(), pndisc_is_router()); tests/system/registration_test.py
// sees the kernel itself do it.
std::optional<Bytes> HomeAgentBench::kernels_answer(const Address& target, Solicitation form) const {
  if (!node.kernel.proxied_neighbours.contains({kHomeInterface, target})) return std::nullopt;
  const bool detection = form == Solicitation::Detection;
  const wire::Envelope envelope{.source = detection ? kHomeAgent : target,
                                .destination = detection ? kAllNodes : kNeighbourLinkLocal};
  return wire::build_packet(envelope, wire::NeighborAdvertisement{.solicited = !detection,
                                                                  .target = target,
                                                                  .target_link_layer_address = kHomeAgentMac});
}

Case home_agent_case(std::string id, std::string title, std::string section, Link link,
                     std::function<void(HomeAgentBench&)> run, std::string remark, Change change) {
  return {std::move(id), std::move(title), std::move(section),
          [link, run = std::move(run), change = std::move(change)](Record& record) {
            HomeAgentBench bench(record, link, change);
            run(bench);
          },
          std::move(remark)};
}

void add_twins(Group& group, const std::string& real_id, const std::string& virtual_id, const std::string& title,
               const std::string& section, const std::function<void(HomeAgentBench&)>& run, const Change& change) {
  group.cases.push_back(home_agent_case(real_id, title, section, Link::Real, run, {}, change));
  group.cases.push_back(home_agent_case(virtual_id, title + ", virtual home link", section, Link::Virtual, run, {}, change));
}

Case not_applicable(std::string id, std::string title, std::string section, std::string reason) {
  return {std::move(id), std::move(title), std::move(section), {}, std::move(reason)};
}

void without_keys(home_agent::Configuration& configuration) {
  configuration.mobile_nodes.clear();
  configuration.accept_unauthenticated_insecure = true;
}

}  // namespace mipflow::conformance::home
