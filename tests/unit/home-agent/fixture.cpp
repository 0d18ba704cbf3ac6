// SPDX-License-Identifier: GPL-3.0-or-later
#include "fixture.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

namespace mipflow::home_agent::test {

namespace {

const wire::SecurityAssociation kAssociation{"laptop@example.net", 1000,
                                             {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
const wire::SecurityAssociation kOtherAssociation{"other@example.net", 2000,
                                                  {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}};

}  // namespace

Address address(const char* text) { return Address::parse(text).value(); }

wire::SignallingPacket Sent::decoded() const {
  auto decoded = wire::decode_packet(out.packet);
  REQUIRE(decoded);
  return *decoded;
}

Configuration Fixture::default_configuration() {
  Configuration out;
  out.home_agent_address = kHomeAgent;
  out.home_prefixes = {{*Prefix::parse("2001:db8:100::/64")}};
  out.home_interface = kHomeInterface;
  out.home_link_layer_address = kHomeAgentMac;
  out.mobile_nodes = {{kAssociation, kPrimary}, {kOtherAssociation, kOtherPrimary}};
  return out;
}

Configuration Fixture::on_virtual_home_link() {
  Configuration out = default_configuration();
  out.home_interface = 0;
  return out;
}

Fixture::Fixture(Configuration with) : configuration(std::move(with)) {
  agent = std::make_unique<HomeAgent>(configuration, std::vector<PersistedBinding>{}, random, now);
}

Bytes Fixture::key_of(const Address& home_address) {
  if (home_address == kOtherPrimary) return kOtherAssociation.key;
  return wire::derived_key(kAssociation, kPrimary, home_address);
}

Bytes Fixture::packet_of(const Update& update) const {
  wire::BindingUpdate message;
  message.sequence = update.sequence;
  message.acknowledge = update.acknowledge;
  message.home_registration = update.home_registration;
  message.link_local_address_compatibility = update.link_local;
  message.other_flags = update.other_flags;
  message.lifetime_units = update.lifetime_units;
  if (update.alternate_care_of_address)
    message.options.push_back(wire::AlternateCareOfAddress{update.care_of_address});
  for (const auto& option : update.extra_options) message.options.push_back(option);

  wire::Envelope envelope{update.wire_source.value_or(update.care_of_address),
                          update.destination.value_or(kHomeAgent)};
  if (update.home_address_option) envelope.home_address_option = update.home_address;
  if (!update.authenticated) return wire::build_packet(envelope, message);

  const Bytes key = update.key.value_or(key_of(update.home_address));
  const wire::SecurityAssociation association{update.identifier, update.spi, key};
  const std::uint64_t timestamp =
      update.timestamp.value_or(wire::ntp_timestamp(now.wall + update.clock_offset.value_or(Duration{})));
  return wire::build_packet_from_header(
      envelope, wire::encode_authenticated(message, {.association = association,
                                                     .key = key,
                                                     .care_of_address = update.care_of_address,
                                                     .home_address = update.home_address,
                                                     .timestamp = timestamp,
                                                     .with_identifier = update.with_identifier,
                                                     .with_timestamp = update.clock_offset || update.timestamp}));
}

void Fixture::send(const Update& update) {
  send_packet(packet_of(update), update.interface, update.link_layer_source);
}

void Fixture::send_packet(Bytes packet, InterfaceIndex interface, std::optional<LinkLayerAddress> link_layer_source) {
  Outputs outputs;
  agent->handle(PacketReceived{std::move(packet), interface, std::nullopt, link_layer_source}, now, outputs);
  collect(outputs);
}

void Fixture::refuse(const Address& home_address, const Address& care_of_address) {
  Outputs outputs;
  agent->handle(UnboundTunnelSource{home_address, care_of_address}, now, outputs);
  collect(outputs);
}

void Fixture::establish(const Update& update) {
  send(update);
  if (configuration.home_interface != 0) advance(configuration.duplicate_address_detection_wait);
  REQUIRE(state(update.home_address) == "bound");
}

void Fixture::advance(Duration by) {
  const TimePoint until = now.monotonic + by;
  while (agent->next_deadline() <= until) {
    const TimePoint at = std::max(agent->next_deadline(), now.monotonic);
    now.wall += at - now.monotonic;
    now.monotonic = at;
    Outputs outputs;
    agent->on_deadline(now, outputs);
    collect(outputs);
    // A deadline that was served and is still there would wake a real runner without end.
    REQUIRE(agent->next_deadline() > now.monotonic);
  }
  now.wall += until - now.monotonic;
  now.monotonic = until;
}

void Fixture::restart(bool keep_bindings) {
  const auto kept = keep_bindings ? agent->persisted(now) : std::vector<PersistedBinding>{};
  const auto services = keep_bindings ? agent->persisted_services(now) : PersistedServices{};
  agent = std::make_unique<HomeAgent>(configuration, kept, random, now, services);
}

void Fixture::configure(Configuration with) {
  configuration = std::move(with);
  Outputs outputs;
  agent->set_configuration(configuration, now, outputs);
  collect(outputs);
}

void Fixture::collect(Outputs& outputs) {
  for (auto& packet : outputs.packets) sent_.push_back({now.monotonic, std::move(packet)});
  for (const auto& notice : outputs.notices) notices_.push_back(notice.event);
  CHECK(outputs.verdicts.empty());
}

std::vector<Sent> Fixture::take_sent() { return std::exchange(sent_, {}); }

std::vector<Acknowledged> Fixture::take_acknowledgements() {
  std::vector<Acknowledged> out;
  for (Sent& sent : take_sent()) {
    const auto message = message_in<wire::BindingAcknowledgement>(sent);
    if (!message) continue;
    Acknowledged item{sent.at, std::move(sent.out), {}, *message, false, std::nullopt};
    out.push_back(std::move(item));
    Acknowledged& kept = out.back();
    kept.view = *wire::parse_packet(kept.out.packet);
    const Address home_address = kept.view.logical_destination();
    const auto* option = wire::find_option<wire::MessageAuthentication>(kept.message.options);
    // The care-of address of the tests' updates is one of these.
    for (const Address& care_of : {kCareOf1, kCareOf2, home_address, kept.view.destination})
      if (option != nullptr &&
          wire::authenticator_is_right(kept.view.payload, option->spi, key_of(home_address), care_of, home_address))
        kept.authentic = true;
    if (const auto* replay = wire::find_option<wire::ReplayProtection>(kept.message.options))
      kept.timestamp = replay->ntp_timestamp;
  }
  return out;
}

std::optional<Acknowledged> Fixture::take_acknowledgement() {
  auto all = take_acknowledgements();
  REQUIRE(all.size() <= 1);
  if (all.empty()) return std::nullopt;
  return std::move(all.front());
}

std::optional<BindingSnapshot> Fixture::binding(const Address& home_address) const {
  for (const auto& snapshot : agent->bindings(now))
    if (snapshot.home_address == home_address) return snapshot;
  return std::nullopt;
}

std::string Fixture::state(const Address& home_address) const {
  const auto found = binding(home_address);
  return found ? found->state : "";
}

Address Fixture::tunnelled_to(const Address& home_address) const {
  const auto* tunnel = agent->plan().tunnels.find(home_address);
  return tunnel == nullptr ? Address{} : tunnel->care_of_address;
}

bool Fixture::accepts_from(const Address& home_address, const Address& care_of_address) const {
  return agent->plan().tunnel_sources.find({home_address, care_of_address}) != nullptr;
}

bool Fixture::proxies(const Address& target) const {
  return agent->plan().proxied_neighbours.find({kHomeInterface, target}) != nullptr;
}

bool Fixture::watches(const Address& target) const {
  return agent->plan().watched_addresses.find({kHomeInterface, target}) != nullptr;
}

std::string Fixture::fingerprint() const {
  std::ostringstream out;
  for (const auto& b : agent->bindings(now))
    out << to_string(b.home_address) << ' ' << to_string(b.care_of_address) << ' ' << b.mobile_node << ' ' << b.state
        << ' ' << b.sequence << ' ' << b.lifetime.value_or(Duration{}).count() << '\n';
  std::vector<std::string> lines;
  for (const auto& [home, tunnel] : agent->plan().tunnels.items())
    lines.push_back("tunnel " + to_string(home) + ' ' + to_string(tunnel.care_of_address));
  for (const auto& [source, present] : agent->plan().tunnel_sources.items())
    lines.push_back("source " + to_string(source.home_address) + ' ' + to_string(source.care_of_address));
  for (const auto& [item, present] : agent->plan().proxied_neighbours.items())
    lines.push_back("proxy " + to_string(item.address));
  for (const auto& [item, present] : agent->plan().watched_addresses.items())
    lines.push_back("watch " + to_string(item.address));
  std::ranges::sort(lines);
  for (const auto& line : lines) out << line << '\n';
  return out.str();
}

bool Fixture::noticed(const char* event) const { return std::ranges::find(notices_, event) != notices_.end(); }

}  // namespace mipflow::home_agent::test
