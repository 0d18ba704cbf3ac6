// SPDX-License-Identifier: GPL-3.0-or-later
#include "support.hpp"

#include <algorithm>
#include <deque>
#include <stdexcept>

#include "mipflow/wire/authentication.hpp"
#include "mipflow/wire/options.hpp"

namespace mipflow::mobile_node::test {
namespace {

std::shared_ptr<const flow_separator::Policy> read_policy(const char* text) {
  const flow_separator::PolicyFile file{.name = "test.toml", .text = text};
  auto policy = flow_separator::Policy::parse(std::span(&file, 1), {});
  if (!policy) throw std::runtime_error(flow_separator::to_string(policy.error().front()));
  return std::make_shared<const flow_separator::Policy>(*policy);
}

Bytes transport_packet(const Address& source, const Address& destination, std::uint8_t protocol, std::uint16_t source_port,
                       std::uint16_t destination_port, std::uint8_t tcp_flags) {
  Writer upper;
  upper.u16(source_port);
  upper.u16(destination_port);
  if (protocol == kProtocolTcp) {
    upper.u32(1);
    upper.u32(0);
    upper.u8(0x50);
    upper.u8(tcp_flags);
    upper.zeros(6);
  } else {
    upper.u16(8);
    upper.u16(0);
  }
  return wire::build_packet_around({.source = source, .destination = destination}, protocol, upper.view());
}

Bytes key_of(const Configuration& configuration, const Address& home_address) {
  if (home_address == configuration.primary_home_address) return configuration.security_association.key;
  return wire::derived_key(configuration.security_association, configuration.primary_home_address, home_address);
}

}  // namespace

Address address(const char* text) {
  const auto parsed = Address::parse(text);
  if (!parsed) throw std::runtime_error(std::string("no address: ") + text);
  return *parsed;
}

Configuration configuration() {
  Configuration out;
  out.home_agent = kHomeAgent;
  out.primary_home_address = kPrimary;
  out.home_prefix = *Prefix::parse("2001:db8:1::/64");
  out.probe_home_agent = false;  // its probes are what interface_quality_test.cpp is about
  out.security_association = {.network_access_identifier = "laptop@example.org",
                              .spi = 1000,
                              .key = Bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
  return out;
}

FlowKey udp_key(std::uint16_t port, const Address& source, const Address& correspondent) {
  return {.source = source, .correspondent = correspondent, .source_port = port, .correspondent_port = 7, .protocol = kProtocolUdp};
}

TestNode::TestNode(Configuration given, const char* policy)
    : configuration(given), node(given, read_policy(policy), random) {}

void TestNode::carrier(InterfaceIndex index, const char* name, bool running, InterfaceKind kind) {
  handle(InterfaceChanged{.index = index, .name = name, .kind = kind, .up = true, .running = running, .mtu = 1500});
}

void TestNode::interface_up(InterfaceIndex index, const char* name, const Address& care_of_address, InterfaceKind kind) {
  carrier(index, name, true, kind);
  handle(AddressChanged{.interface = index, .address = care_of_address});
  handle(RouterChanged{.interface = index, .router = address("fe80::1"), .reachable = true});
}

void TestNode::handle(const Event& event) {
  Outputs outputs;
  node.handle(event, both(), outputs);
  take(std::move(outputs));
}

Expected<void, CommandError> TestNode::move(FlowId flow, const char* interface_name) {
  Outputs outputs;
  auto result = node.move_flow(flow, interface_name, both(), outputs);
  take(std::move(outputs));
  return result;
}

void TestNode::stop() {
  Outputs outputs;
  node.stop(both(), outputs);
  take(std::move(outputs));
}

void TestNode::take(Outputs outputs) {
  for (auto& packet : outputs.packets) other_packets_.push_back(std::move(packet));
  verdicts_.insert(verdicts_.end(), outputs.verdicts.begin(), outputs.verdicts.end());
  for (auto& text : outputs.kept) kept[text.name] = std::move(text.text);
  for (const auto& notice : outputs.notices) events_.emplace_back(notice.event);
  collect();
}

void TestNode::settle() {
  for (int rounds = 0; node.next_deadline() <= now_; ++rounds) {
    if (rounds > 50) throw std::runtime_error("the node wants to be woken again and again without time passing");
    Outputs outputs;
    node.on_deadline(both(), outputs);
    take(std::move(outputs));
  }
}

void TestNode::advance_to(TimePoint time) {
  settle();
  while (node.next_deadline() <= time) {
    now_ = std::max(now_, node.next_deadline());
    settle();
  }
  now_ = time;
}

void TestNode::advance(Duration duration) { advance_to(now_ + duration); }

void TestNode::collect() {
  std::vector<OutgoingPacket> others;
  for (auto& packet : other_packets_) {
    const auto decoded = wire::decode_packet(packet.packet);
    if (decoded) {
      if (const auto* mobility = std::get_if<wire::MobilityMessage>(&decoded->message)) {
        if (const auto* update = std::get_if<wire::BindingUpdate>(mobility)) {
          SentUpdate sent{.at = now_,
                          .home_address = decoded->view.logical_source(),
                          .care_of_address = decoded->view.source,
                          .source = decoded->view.source,
                          .interface = packet.interface,
                          .has_home_address_option = decoded->view.home_address_option.has_value(),
                          .destination = decoded->view.destination,
                          .packet = packet.packet,
                          .message = *update};
          if (const auto* alternate = wire::find_option<wire::AlternateCareOfAddress>(update->options))
            sent.care_of_address = alternate->care_of_address;
          if (const auto* replay = wire::find_option<wire::ReplayProtection>(update->options))
            sent.timestamp = replay->ntp_timestamp;
          (update->home_registration ? updates_ : correspondent_updates_).push_back(std::move(sent));
          continue;
        }
      } else if (const auto* solicitation =
                     std::get_if<wire::MobilePrefixSolicitation>(&std::get<wire::Icmpv6Message>(decoded->message))) {
        solicitations_.push_back({now_, decoded->view.source, decoded->view.destination, *solicitation});
        continue;
      }
    }
    others.push_back(std::move(packet));
  }
  other_packets_ = std::move(others);
}

std::vector<SentUpdate> TestNode::take_updates() { return std::exchange(updates_, {}); }
std::vector<SentUpdate> TestNode::take_correspondent_updates() { return std::exchange(correspondent_updates_, {}); }
std::vector<SentSolicitation> TestNode::take_solicitations() { return std::exchange(solicitations_, {}); }
std::vector<Verdict> TestNode::take_verdicts() { return std::exchange(verdicts_, {}); }
std::vector<std::string> TestNode::take_events() { return std::exchange(events_, {}); }
std::vector<OutgoingPacket> TestNode::take_other_packets() { return std::exchange(other_packets_, {}); }
bool TestNode::saw_event(const std::string& event) {
  const auto events = take_events();
  return std::find(events.begin(), events.end(), event) != events.end();
}

PacketReceived TestNode::acknowledgement(const SentUpdate& update, const AcknowledgementOptions& options) const {
  wire::BindingAcknowledgement message{.status = options.status,
                                       .sequence = options.sequence.value_or(update.message.sequence),
                                       .lifetime_units = options.lifetime_units.value_or(update.message.lifetime_units)};
  if (options.refresh_units) message.options.push_back(wire::BindingRefreshAdvice{*options.refresh_units});
  const bool at_home = update.source == update.home_address;
  wire::Envelope envelope{.source = options.from.value_or(update.destination), .destination = update.source};
  if (!at_home) envelope.routing_header_home_address = update.home_address;
  if (configuration.authentication == Authentication::NoneInsecure || !options.authenticated)
    return {.packet = wire::build_packet(envelope, wire::MobilityMessage{message}), .interface = update.interface};
  Bytes key = key_of(configuration, update.home_address);
  if (options.wrong_key) key[0] ^= 1;
  const wire::AuthenticationInput input{.association = configuration.security_association,
                                        .key = key,
                                        .care_of_address = update.source,
                                        .home_address = update.home_address,
                                        .timestamp = options.timestamp.value_or(update.timestamp),
                                        .with_identifier = false,
                                        .with_timestamp = options.with_timestamp};
  return {.packet = wire::build_packet_from_header(envelope, wire::encode_authenticated(message, input)),
          .interface = update.interface};
}

void TestNode::acknowledge(const SentUpdate& update, const AcknowledgementOptions& options) {
  handle(acknowledgement(update, options));
  settle();
}

void TestNode::advertise(const SentSolicitation& solicitation, std::vector<wire::PrefixInformation> prefixes, bool sign) {
  const wire::MobilePrefixAdvertisement message{.identifier = solicitation.message.identifier, .prefixes = std::move(prefixes)};
  const wire::Envelope envelope{.source = solicitation.home_agent,
                                .destination = solicitation.care_of_address,
                                .routing_header_home_address = configuration.primary_home_address};
  Bytes packet;
  if (sign && configuration.authentication == Authentication::Rfc4285) {
    const Bytes body = wire::encode_signed(message, configuration.security_association.spi,
                                           configuration.security_association.key,
                                           solicitation.message.authentication ? solicitation.message.authentication->ntp_timestamp : 0,
                                           solicitation.care_of_address, configuration.primary_home_address,
                                           solicitation.home_agent, solicitation.home_agent,
                                           configuration.primary_home_address);
    packet = wire::build_packet_around(envelope, kProtocolIcmpv6, body);
  } else {
    packet = wire::build_packet(envelope, wire::Icmpv6Message{message});
  }
  handle(PacketReceived{.packet = std::move(packet)});
  settle();
}

void TestNode::serve(Duration duration) {
  struct Answer {
    TimePoint at;
    std::optional<SentUpdate> update;
    std::optional<SentSolicitation> solicitation;
  };
  std::vector<Answer> answers;
  const TimePoint end = now_ + duration;
  const auto bound = [this](const Address& home) {
    return std::find_if(cache.begin(), cache.end(), [&](const auto& item) { return item.first == home; });
  };
  for (;;) {
    settle();
    if (correspondents && correspondents()) continue;
    for (auto& update : take_updates()) {
      if (arrives && !arrives(update)) continue;
      const bool fresh = bound(update.home_address) == cache.end() && update.message.lifetime_units > 0;
      answers.push_back({update.at + round_trip + (fresh ? Duration{1s} : Duration{}), update, std::nullopt});
    }
    for (auto& solicitation : take_solicitations()) answers.push_back({solicitation.at + round_trip, std::nullopt, solicitation});
    auto next = std::min_element(answers.begin(), answers.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    const TimePoint answer_at = next == answers.end() ? kNever : next->at;
    const TimePoint step = std::min(answer_at, node.next_deadline());
    if (step > end) break;
    now_ = std::max(now_, step);
    if (answer_at > now_) continue;
    const Answer answer = *next;
    answers.erase(next);
    if (answer.solicitation) {
      advertise(*answer.solicitation, {{.autonomous = true,
                                        .valid_lifetime = 86'400,
                                        .preferred_lifetime = 43'200,
                                        .prefix = configuration.home_prefix.address()}});
      continue;
    }
    const auto& update = *answer.update;
    const auto status = judge ? judge(update).value_or(wire::BindingStatus::Accepted) : wire::BindingStatus::Accepted;
    if (wire::accepts(status)) {
      if (const auto old = bound(update.home_address); old != cache.end()) cache.erase(old);
      if (update.message.lifetime_units > 0) cache.emplace_back(update.home_address, update.care_of_address);
    }
    acknowledge(update, {.status = status});
  }
  now_ = end;
}

HeldPacketId TestNode::outgoing(std::uint16_t port, const Address& source, const Address& correspondent, bool source_was_offered) {
  const Bytes packet = transport_packet(source, correspondent, kProtocolUdp, port, 7, 0);
  handle(FlowPacket{.id = ++last_packet_, .direction = Direction::Outgoing, .packet = packet,
                    .length = static_cast<std::uint32_t>(packet.size()), .source_was_offered = source_was_offered,
                    .waited = waited_for_owner});
  return last_packet_;
}

HeldPacketId TestNode::outgoing_tcp(std::uint16_t port, std::uint8_t flags, const Address& source) {
  const Bytes packet = transport_packet(source, kCorrespondent, kProtocolTcp, port, 80, flags);
  handle(FlowPacket{.id = ++last_packet_, .direction = Direction::Outgoing, .packet = packet,
                    .length = static_cast<std::uint32_t>(packet.size())});
  return last_packet_;
}

HeldPacketId TestNode::incoming(std::uint16_t port, const Address& destination, const Address& correspondent) {
  const Bytes packet = transport_packet(correspondent, destination, kProtocolUdp, 7, port, 0);
  handle(FlowPacket{.id = ++last_packet_, .direction = Direction::Incoming, .packet = packet,
                    .length = static_cast<std::uint32_t>(packet.size())});
  return last_packet_;
}

std::optional<FlowSnapshot> TestNode::flow_with_port(std::uint16_t port) {
  for (const auto& flow : node.flows(both()))
    if (flow.key.source_port == port) return flow;
  return std::nullopt;
}

std::optional<HomeAddressSnapshot> TestNode::home_address(const Address& wanted) {
  for (const auto& entry : node.home_addresses(both()))
    if (entry.home_address == wanted) return entry;
  return std::nullopt;
}

}  // namespace mipflow::mobile_node::test
