// SPDX-License-Identifier: GPL-3.0-or-later
#include "fuzz/roles/mobile_node_surroundings.hpp"

#include <algorithm>

#include "fuzz/target.hpp"
#include "fuzz/wire/draw_messages.hpp"

namespace mipflow::fuzz {

using namespace mobile_node;
using namespace mobile_node::test;

namespace {

const std::vector<Address> kKnown{kHomeAgent,
                                  kPrimary,
                                  kCorrespondent,
                                  kWlanAddress,
                                  kWwanAddress,
                                  test::address("2001:db8:6::80"),
                                  test::address("fe80::1"),
                                  test::address("2001:db8:1::99"),
                                  {},
                                  test::address("ff02::1")};
constexpr const char* kPolicies[] = {"",
                                     "[[class]]\nname = \"direct\"\nroute-optimization = \"yes\"\n[class.match]\nprotocol = \"udp\"\n",
                                     "[[class]]\nname = \"voice\"\ninterfaces = [\"wlan0\", \"*\"]\nreturn-after = \"2s\"\nhome-address = \"own\"\n"
                                     "[class.match]\nport = \"100-120\"\n[[class]]\nname = \"plain\"\nbypass = true\n[class.match]\nport = 7\nlocal-port = \"121-125\"\n",
                                     "[[class]]\nname = \"kept\"\nhome-address = \"2001:db8:1::77\"\n[class.match]\nlocal-port = \"100-110\"\n"
                                     "[[class]]\nname = \"one\"\nhome-address = \"class\"\nroute-optimization = \"no\"\n[class.match]\nlocal-port = \"111-130\"\n"};

std::shared_ptr<const flow_separator::Policy> policy_of(std::size_t which) {
  const flow_separator::PolicyFile file{"fuzz.toml", kPolicies[which]};
  return std::make_shared<const flow_separator::Policy>(flow_separator::Policy::parse(std::span(&file, 1), {}).value());
}

Configuration configuration_for(std::uint8_t kind) {
  Configuration out = test::configuration();
  out.home_address_cap = (kind & 1) != 0 ? 4 : 12;
  out.warm_pool_size = (kind & 2) != 0 ? 0 : 2;
  out.wait_for_own_address = (kind & 4) != 0;
  out.anchor_per_interface = (kind & 8) == 0;
  out.probe_home_agent = (kind & 16) != 0;
  out.strict_primary = (kind & 32) != 0;
  out.network_policy = (kind & 64) != 0;
  if ((kind & 128) != 0) out.allocation_mechanisms = {hoa_alloc::Origin::Agent, hoa_alloc::Origin::Dhcpv6, hoa_alloc::Origin::Prefix};
  out.flow_capacity = 40;
  out.correspondent_registration_cap = 16;
  return out;
}

}  // namespace

Surroundings::Surroundings(std::uint8_t kind, BytesView input)
    : draw(input, kKnown), test(configuration_for(kind), kPolicies[kind % std::size(kPolicies)]) {}

void Surroundings::happen() {
  switch (draw.below(20)) {
    case 0: return plug_in(kWlan, "wlan0", kWlanAddress, InterfaceKind::Wifi);
    case 1: return plug_in(kWwan, "wwan0", kWwanAddress, InterfaceKind::Cellular);
    case 2: return network();
    case 3: case 4: return first_packet();
    case 5: case 6: case 7: return home_agent_answers();
    case 8: case 9: return correspondent_answers();
    case 10: case 11: case 12: return test.handle(PacketReceived{forger.packet(), draw.flag() ? kWlan : kWwan, tunnel()});
    case 13: return command();
    case 14: return data_path();
    case 15: return agent_service();
    case 16: return test.advance(std::chrono::seconds{draw.u8()});
    default: return test.advance(std::chrono::milliseconds{draw.u8() * 8});
  }
}

std::optional<Address> Surroundings::tunnel() {
  return draw.perhaps<Address>([&] { return draw.flag() ? kHomeAgent : draw.address(); });
}

// With an address of the link layer, without which nobody can return home.
void Surroundings::carrier(InterfaceIndex index, const char* name, InterfaceKind kind, bool running) {
  test.handle(InterfaceChanged{.index = index, .name = name, .kind = kind, .up = true, .running = running, .mtu = 1500,
                                .link_layer_address = LinkLayerAddress{2, 0, 0, 0, 0, static_cast<std::uint8_t>(index)}});
}
void Surroundings::plug_in(InterfaceIndex index, const char* name, const Address& care_of_address, InterfaceKind kind) {
  carrier(index, name, kind, true);
  test.handle(AddressChanged{.interface = index, .address = care_of_address});
  test.handle(RouterChanged{.interface = index, .router = test::address("fe80::1"), .reachable = true});
}

void Surroundings::network() {
  const InterfaceIndex index = draw.flag() ? kWlan : kWwan;
  const char* name = index == kWlan ? "wlan0" : "wwan0";
  Address care_of_address = index == kWlan ? kWlanAddress : kWwanAddress;
  switch (draw.below(8)) {
    case 0: return carrier(index, name, index == kWlan ? InterfaceKind::Wifi : InterfaceKind::Cellular, draw.flag());
    case 1: return test.handle(InterfaceRemoved{index});
    case 2: return test.handle(AddressRemoved{index, care_of_address});
    case 3:
      care_of_address.octets[15] = static_cast<std::uint8_t>(draw.below(4) + 1);
      return test.handle(AddressChanged{.interface = index, .address = care_of_address, .tentative = draw.flag()});
    case 4: {
      // Perhaps one below the home prefix: the node is at home.
      const Address address = draw.flag() ? test::address("2001:db8:1::1234") : draw.address();
      return test.handle(AddressChanged{.interface = index, .address = address, .prefix_length = draw.u8() % 129u});
    }
    case 5: return test.handle(RouterChanged{index, draw.address(), draw.flag()});
    case 6: return test.handle(RouterRemoved{index, test::address("fe80::1")});
    default: return test.handle(TimeOfDay{draw.u8() % 7u, draw.u16() % 1440u});
  }
}

Address Surroundings::some_home_address() {
  const auto all = test.node.home_addresses(test.both());
  return all.empty() || draw.below(4) == 0 ? draw.address() : all[draw.below(std::min<std::size_t>(all.size(), 256))].home_address;
}

void Surroundings::first_packet() {
  const auto port = static_cast<std::uint16_t>(100 + draw.below(32));
  const auto remember = [&](HeldPacketId id) { held.emplace(id, test.now() + test.configuration.hold_limit); };
  switch (draw.below(5)) {
    case 0: return remember(test.outgoing_tcp(port, draw.u8(), kPrimary));
    case 1: return remember(test.incoming(port, some_home_address()));
    case 2: {
      const Address source = some_home_address();
      const Address correspondent = draw.address();
      return remember(test.outgoing(port, source, correspondent, draw.flag()));
    }
    case 3: {
      // Octets of anybody's, cut as the queue cuts them.
      Bytes packet = draw.flag() ? forger.packet() : draw.some_bytes(200);
      packet.resize(std::min<std::size_t>(packet.size(), 128));
      const HeldPacketId id = kOwnIds + ++own_packets_;
      test.handle(FlowPacket{.id = id, .direction = draw.flag() ? Direction::Incoming : Direction::Outgoing, .packet = packet,
                              .length = static_cast<std::uint32_t>(packet.size())});
      return remember(id);
    }
    default: return remember(test.outgoing(port));
  }
}

void Surroundings::home_agent_answers() {
  if (draw.below(8) == 0 && !solicitations.empty()) {
    const wire::PrefixInformation prefix{.autonomous = draw.flag(), .valid_lifetime = draw.u32(), .preferred_lifetime = draw.u32(), .prefix = draw.address()};
    const bool is_signed = draw.flag();
    return test.advertise(recent(solicitations), {prefix}, is_signed);
  }
  if (updates.empty()) return;
  const SentUpdate& update = recent(updates);
  static constexpr std::uint8_t kStatuses[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 128, 129, 130, 131, 132, 133, 134, 135, 139, 144, 145, 146, 174, 200};
  TestNode::AcknowledgementOptions options;
  options.status = static_cast<wire::BindingStatus>(draw.one_of(kStatuses));
  options.wrong_key = draw.below(8) == 7;
  options.authenticated = draw.below(8) != 7;
  options.with_timestamp = draw.below(8) != 7;
  options.sequence = draw.perhaps<std::uint16_t>([&] { return draw.flag() ? update.message.sequence : draw.u16(); });
  options.lifetime_units = draw.perhaps<std::uint16_t>([&] { return draw.u8(); });
  options.refresh_units = draw.perhaps<std::uint16_t>([&] { return draw.u8(); });
  const auto packet = test.acknowledgement(update, options);
  forger.overhear(packet.packet);
  if (options.authenticated && !options.wrong_key && wire::accepts(options.status)) accepted.insert(update.home_address);
  test.handle(packet);
}

void Surroundings::correspondent_answers() {
  for (auto& init : correspondent_node.take_home_test_inits()) home_tests.push_back(init);
  for (auto& init : correspondent_node.take_care_of_test_inits()) care_of_tests.push_back(init);
  for (auto& update : correspondent_node.take_updates()) correspondent_updates.push_back(update);
  switch (draw.below(6)) {
    case 0: case 1:
      if (!home_tests.empty()) {
        const auto cookie = draw.perhaps<wire::Cookie>([&] { return draw.u8(); });
        correspondent_node.answer(recent(home_tests), cookie);
      }
      break;
    case 2: case 3:
      if (!care_of_tests.empty()) {
        const auto cookie = draw.perhaps<wire::Cookie>([&] { return draw.u8(); });
        correspondent_node.answer_care_of(recent(care_of_tests), cookie);
      }
      break;
    case 4: {
      if (correspondent_updates.empty()) break;
      const SentUpdate& update = recent(correspondent_updates);
      static constexpr std::uint8_t kStatuses[] = {0, 0, 0, 0, 0, 0, 128, 129, 135, 136, 137, 138, 200};
      ScriptedCorrespondent::Acknowledgement options{.status = static_cast<wire::BindingStatus>(draw.one_of(kStatuses))};
      options.authenticated = draw.below(8) != 7;
      options.wrong_key = draw.below(8) == 7;
      if (correspondent_node.believes(update) && wire::accepts(options.status) && options.authenticated && !options.wrong_key) optimized.insert(update.home_address);
      correspondent_node.acknowledge(update, options);
      break;
    }
    default: {
      correspondent_node.home_index = draw.below(3) == 0 ? draw.u8() : correspondent_node.home_index;
      const Address home_address = some_home_address();
      const auto status = static_cast<wire::BindingErrorStatus>(draw.below(4));
      correspondent_node.binding_error(home_address, draw.flag() ? kWlanAddress : kWwanAddress, status);
    }
  }
}

// Answers of the service, signed; what they say is anything.
void Surroundings::agent_service() {
  auto drawn = draw_mobility_message(draw);
  auto* message = std::get_if<wire::AgentServiceMessage>(&drawn);
  if (message == nullptr) return;
  message->options.clear();
  if (draw.flag()) message->transaction = last_transaction;
  const Address care_of_address = draw.flag() ? kWlanAddress : kWwanAddress;
  wire::Envelope envelope{kHomeAgent, care_of_address};
  envelope.routing_header_home_address = kPrimary;
  const auto& association = test.configuration.security_association;
  test.handle(PacketReceived{wire::build_packet_from_header(
      envelope, wire::encode_authenticated(*message, {.association = association, .key = association.key, .care_of_address = care_of_address,
                                                      .home_address = kPrimary, .timestamp = wire::ntp_timestamp(test.both().wall), .with_identifier = false})),
      kWlan});
}

void Surroundings::command() {
  const auto flows = test.node.flows(test.both());
  const FlowId flow = flows.empty() ? draw.u8() : flows[draw.below(std::min<std::size_t>(flows.size(), 256))].id;
  const std::string interface = draw.flag() ? "wlan0" : draw.flag() ? "wwan0" : "nothing";
  const auto kind = draw.below(12);
  const std::uint8_t detail = draw.u8();
  const Address home_address = some_home_address();
  test.command([&](Now now, Outputs& outputs) {
    auto& node = test.node;
    const auto explained = [](const auto& done) { must(done.has_value() || !done.error().message.empty(), "a command is refused without a reason"); };
    switch (kind) {
      case 0: case 1: explained(node.move_flow(flow, interface, now, outputs)); break;
      case 2: explained(node.try_flow(flow, interface, std::chrono::seconds{detail}, (detail & 1) != 0, now, outputs)); break;
      case 3: explained(node.keep_flow(flow, now, outputs)); break;
      case 4: explained(node.undo_move((detail & 1) != 0 ? std::optional(flow) : std::nullopt, now, outputs)); break;
      case 5: explained(node.release_flow(flow, now, outputs)); break;
      case 6: explained(node.allocate_home_address(now, outputs)); break;
      case 7: explained(node.free_home_address(home_address, now, outputs)); break;
      case 8: explained(node.pin_home_address(home_address, (detail & 1) != 0, now, outputs)); break;
      case 9: {
        const auto policy = policy_of(detail % std::size(kPolicies));
        static_cast<void>(node.effect_of(*policy, now));
        if (node.objection_to(*policy, now).empty()) static_cast<void>(node.set_policy(policy, now, outputs));
        break;
      }
      case 10: static_cast<void>(node.explain(flow, now)); break;
      default:
        if (detail < 250) break;
        stopped_ = true;
        node.stop(now, outputs);
    }
    return true;
  });
}

void Surroundings::data_path() {
  switch (draw.below(3)) {
    case 0: {
      FlowActivities event;
      for (const auto& flow : test.node.flows(test.both()))
        event.flows.push_back({.key = flow.key, .packets_out = draw.u8(), .packets_in = draw.u8(), .idle = std::chrono::seconds{draw.u8() * 4},
                               .closed = draw.below(8) == 0, .retransmissions_out = draw.u8(), .longest_gap_in = std::chrono::milliseconds{draw.u16()}});
      return test.handle(event);
    }
    case 1: {
      const Address source = some_home_address();
      const FlowKey key{source, draw.address(), draw.u16(), 7, draw.flag() ? kProtocolUdp : kProtocolTcp};
      const Address home_address = some_home_address();
      const bool direct = draw.below(4) == 0;
      if (stopped_) return;  // what is found is found at the start
      direct_flow_was_recovered |= direct;
      test.handle(CorrespondentRecovered{{some_home_address(), draw.address()}});
      test.handle(FlowRecovered{key, home_address, direct, draw.below(8) == 0 ? kWlan : 0});
      return test.handle(HomeAddressRecovered{home_address, draw.flag() ? kWlanAddress : draw.address(), draw.flag() ? kWlan : kWwan, kHomeAgent});
    }
    default: return test.handle(PlanRefused{"a route", draw.u8()});
  }
}

}  // namespace mipflow::fuzz
