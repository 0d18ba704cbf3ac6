// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (the configuration), then decisions: cables, addresses and routers, first packets of flows, commands, a home
// agent and a correspondent node that answer as they should, wrongly or not at all, somebody without a key, and time.
//
// At every moment: every held packet gets one verdict and in time; flows, home addresses and bindings of the plan fit together; a
// binding counts as accepted only when somebody with the key has said so; Binding Updates keep to MAX_UPDATE_RATE; tables are
// bounded; timers lie ahead.
#include <algorithm>
#include <map>
#include <set>

#include "fuzz/roles/forger.hpp"
#include "fuzz/target.hpp"
#include "fuzz/wire/draw_messages.hpp"
#include "scripted_correspondent.hpp"
#include "support.hpp"

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

class Siege {
 public:
  Siege(std::uint8_t kind, BytesView input)
      : draw_(input, kKnown), test_(configuration_for(kind), kPolicies[kind % std::size(kPolicies)]) {}

  void run() {
    for (unsigned step = 0; step < kMostSteps && !draw_.is_over(); ++step) {
      happen();
      observe();
      hold_to_the_rules();
    }
    // Time for everything that was held.
    test_.advance(test_.configuration.hold_limit + 1s);
    observe();
    must(held_.empty(), "a packet is held and forgotten");
  }

 private:
  static constexpr unsigned kMostSteps = 300;

  void happen() {
    switch (draw_.below(20)) {
      case 0: return test_.interface_up(kWlan, "wlan0", kWlanAddress, InterfaceKind::Wifi);
      case 1: return test_.interface_up(kWwan, "wwan0", kWwanAddress, InterfaceKind::Cellular);
      case 2: return network();
      case 3: case 4: return first_packet();
      case 5: case 6: case 7: return home_agent_answers();
      case 8: case 9: return correspondent_answers();
      case 10: case 11: case 12: return test_.handle(PacketReceived{forger_.packet(), draw_.flag() ? kWlan : kWwan, tunnel()});
      case 13: return command();
      case 14: return data_path();
      case 15: return agent_service();
      case 16: return test_.advance(std::chrono::seconds{draw_.u8()});
      default: return test_.advance(std::chrono::milliseconds{draw_.u8() * 8});
    }
  }

  std::optional<Address> tunnel() {
    return draw_.perhaps<Address>([&] { return draw_.flag() ? kHomeAgent : draw_.address(); });
  }

  void network() {
    const InterfaceIndex index = draw_.flag() ? kWlan : kWwan;
    const char* name = index == kWlan ? "wlan0" : "wwan0";
    Address care_of_address = index == kWlan ? kWlanAddress : kWwanAddress;
    switch (draw_.below(8)) {
      case 0: return test_.carrier(index, name, draw_.flag());
      case 1: return test_.handle(InterfaceRemoved{index});
      case 2: return test_.handle(AddressRemoved{index, care_of_address});
      case 3:
        care_of_address.octets[15] = static_cast<std::uint8_t>(draw_.below(4) + 1);
        return test_.handle(AddressChanged{.interface = index, .address = care_of_address, .tentative = draw_.flag()});
      case 4: {
        // Perhaps one below the home prefix: the node is at home.
        const Address address = draw_.flag() ? test::address("2001:db8:1::1234") : draw_.address();
        return test_.handle(AddressChanged{.interface = index, .address = address, .prefix_length = draw_.u8() % 129u});
      }
      case 5: return test_.handle(RouterChanged{index, draw_.address(), draw_.flag()});
      case 6: return test_.handle(RouterRemoved{index, test::address("fe80::1")});
      default: return test_.handle(TimeOfDay{draw_.u8() % 7u, draw_.u16() % 1440u});
    }
  }

  Address some_home_address() {
    const auto all = test_.node.home_addresses(test_.both());
    return all.empty() || draw_.below(4) == 0 ? draw_.address() : all[draw_.below(std::min<std::size_t>(all.size(), 256))].home_address;
  }

  void first_packet() {
    const auto port = static_cast<std::uint16_t>(100 + draw_.below(32));
    const auto remember = [&](HeldPacketId id) { held_.emplace(id, test_.now() + test_.configuration.hold_limit); };
    switch (draw_.below(5)) {
      case 0: return remember(test_.outgoing_tcp(port, draw_.u8(), kPrimary));
      case 1: return remember(test_.incoming(port, some_home_address()));
      case 2: {
        const Address source = some_home_address();
        const Address correspondent = draw_.address();
        return remember(test_.outgoing(port, source, correspondent, draw_.flag()));
      }
      case 3: {
        // Octets of anybody's, cut as the queue cuts them.
        Bytes packet = draw_.flag() ? forger_.packet() : draw_.some_bytes(200);
        packet.resize(std::min<std::size_t>(packet.size(), 128));
        const HeldPacketId id = kOwnIds + ++own_packets_;
        test_.handle(FlowPacket{.id = id, .direction = draw_.flag() ? Direction::Incoming : Direction::Outgoing, .packet = packet,
                                .length = static_cast<std::uint32_t>(packet.size())});
        return remember(id);
      }
      default: return remember(test_.outgoing(port));
    }
  }

  template <class List>
  auto& recent(List& list) { return list[list.size() - 1 - draw_.below(std::min<std::size_t>(list.size(), 8))]; }

  void home_agent_answers() {
    if (draw_.below(8) == 0 && !solicitations_.empty()) {
      const wire::PrefixInformation prefix{.autonomous = draw_.flag(), .valid_lifetime = draw_.u32(), .preferred_lifetime = draw_.u32(), .prefix = draw_.address()};
      const bool is_signed = draw_.flag();
      return test_.advertise(recent(solicitations_), {prefix}, is_signed);
    }
    if (updates_.empty()) return;
    const SentUpdate& update = recent(updates_);
    static constexpr std::uint8_t kStatuses[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 128, 129, 130, 131, 132, 133, 134, 135, 139, 144, 145, 146, 174, 200};
    TestNode::AcknowledgementOptions options;
    options.status = static_cast<wire::BindingStatus>(draw_.one_of(kStatuses));
    options.wrong_key = draw_.below(8) == 7;
    options.authenticated = draw_.below(8) != 7;
    options.with_timestamp = draw_.below(8) != 7;
    options.sequence = draw_.perhaps<std::uint16_t>([&] { return draw_.flag() ? update.message.sequence : draw_.u16(); });
    options.lifetime_units = draw_.perhaps<std::uint16_t>([&] { return draw_.u8(); });
    options.refresh_units = draw_.perhaps<std::uint16_t>([&] { return draw_.u8(); });
    const auto packet = test_.acknowledgement(update, options);
    forger_.overhear(packet.packet);
    if (options.authenticated && !options.wrong_key && wire::accepts(options.status)) accepted_.insert(update.home_address);
    test_.handle(packet);
  }

  void correspondent_answers() {
    for (auto& init : correspondent_.take_home_test_inits()) home_tests_.push_back(init);
    for (auto& init : correspondent_.take_care_of_test_inits()) care_of_tests_.push_back(init);
    for (auto& update : correspondent_.take_updates()) correspondent_updates_.push_back(update);
    switch (draw_.below(6)) {
      case 0: case 1:
        if (!home_tests_.empty()) {
          const auto cookie = draw_.perhaps<wire::Cookie>([&] { return draw_.u8(); });
          correspondent_.answer(recent(home_tests_), cookie);
        }
        break;
      case 2: case 3:
        if (!care_of_tests_.empty()) {
          const auto cookie = draw_.perhaps<wire::Cookie>([&] { return draw_.u8(); });
          correspondent_.answer_care_of(recent(care_of_tests_), cookie);
        }
        break;
      case 4: {
        if (correspondent_updates_.empty()) break;
        const SentUpdate& update = recent(correspondent_updates_);
        static constexpr std::uint8_t kStatuses[] = {0, 0, 0, 0, 0, 0, 128, 129, 135, 136, 137, 138, 200};
        ScriptedCorrespondent::Acknowledgement options{.status = static_cast<wire::BindingStatus>(draw_.one_of(kStatuses))};
        options.authenticated = draw_.below(8) != 7;
        options.wrong_key = draw_.below(8) == 7;
        if (correspondent_.believes(update) && wire::accepts(options.status) && options.authenticated && !options.wrong_key) optimized_.insert(update.home_address);
        correspondent_.acknowledge(update, options);
        break;
      }
      default: {
        correspondent_.home_index = draw_.below(3) == 0 ? draw_.u8() : correspondent_.home_index;
        const Address home_address = some_home_address();
        const auto status = static_cast<wire::BindingErrorStatus>(draw_.below(4));
        correspondent_.binding_error(home_address, draw_.flag() ? kWlanAddress : kWwanAddress, status);
      }
    }
  }

  // Answers of the service, signed; what they say is anything.
  void agent_service() {
    auto drawn = draw_mobility_message(draw_);
    auto* message = std::get_if<wire::AgentServiceMessage>(&drawn);
    if (message == nullptr) return;
    message->options.clear();
    if (draw_.flag()) message->transaction = last_transaction_;
    const Address care_of_address = draw_.flag() ? kWlanAddress : kWwanAddress;
    wire::Envelope envelope{kHomeAgent, care_of_address};
    envelope.routing_header_home_address = kPrimary;
    const auto& association = test_.configuration.security_association;
    test_.handle(PacketReceived{wire::build_packet_from_header(
        envelope, wire::encode_authenticated(*message, {.association = association, .key = association.key, .care_of_address = care_of_address,
                                                        .home_address = kPrimary, .timestamp = wire::ntp_timestamp(test_.both().wall), .with_identifier = false})),
        kWlan});
  }

  void command() {
    const auto flows = test_.node.flows(test_.both());
    const FlowId flow = flows.empty() ? draw_.u8() : flows[draw_.below(std::min<std::size_t>(flows.size(), 256))].id;
    const std::string interface = draw_.flag() ? "wlan0" : draw_.flag() ? "wwan0" : "nothing";
    const auto kind = draw_.below(12);
    const std::uint8_t detail = draw_.u8();
    const Address home_address = some_home_address();
    test_.command([&](Now now, Outputs& outputs) {
      auto& node = test_.node;
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

  void data_path() {
    switch (draw_.below(3)) {
      case 0: {
        FlowActivities event;
        for (const auto& flow : test_.node.flows(test_.both()))
          event.flows.push_back({.key = flow.key, .packets_out = draw_.u8(), .packets_in = draw_.u8(), .idle = std::chrono::seconds{draw_.u8() * 4},
                                 .closed = draw_.below(8) == 0, .retransmissions_out = draw_.u8(), .longest_gap_in = std::chrono::milliseconds{draw_.u16()}});
        return test_.handle(event);
      }
      case 1: {
        const Address source = some_home_address();
        const FlowKey key{source, draw_.address(), draw_.u16(), 7, draw_.flag() ? kProtocolUdp : kProtocolTcp};
        const Address home_address = some_home_address();
        const bool direct = draw_.below(4) == 0;
        if (stopped_) return;  // what is found is found at the start
        direct_flow_was_recovered_ |= direct;
        test_.handle(CorrespondentRecovered{{some_home_address(), draw_.address()}});
        test_.handle(FlowRecovered{key, home_address, direct, draw_.below(8) == 0 ? kWlan : 0});
        return test_.handle(HomeAddressRecovered{home_address, draw_.flag() ? kWlanAddress : draw_.address(), draw_.flag() ? kWlan : kWwan, kHomeAgent});
      }
      default: return test_.handle(PlanRefused{"a route", draw_.u8()});
    }
  }

  void observe() {
    // What is due at once happens at once.
    test_.settle();
    for (auto& update : test_.take_updates()) {
      must_keep_the_rate(times_[update.home_address], update.at);
      must(update.destination == kHomeAgent || test_.configuration.home_prefix.contains(update.destination), "a home registration goes to a stranger");
      forger_.overhear(update.packet);
      updates_.push_back(std::move(update));
    }
    for (auto& solicitation : test_.take_solicitations()) solicitations_.push_back(solicitation);
    for (const auto& verdict : test_.take_verdicts()) {
      must(held_.erase(verdict.packet) == 1, "a verdict about a packet that is not held, or a second one");
    }
    for (auto& update : correspondent_.take_updates()) {
      // RFC 6275 §11.8, whatever the home address
      must_keep_the_rate(correspondent_times_, update.at);
      must(!update.message.home_registration, "a correspondent node is asked for a home registration");
      forger_.overhear(update.packet);
      correspondent_updates_.push_back(std::move(update));
    }
    for (auto& init : correspondent_.take_home_test_inits()) home_tests_.push_back(init);
    for (auto& init : correspondent_.take_care_of_test_inits()) care_of_tests_.push_back(init);
    for (const auto& packet : test_.take_other_packets()) {
      must(packet.packet.size() <= 1'500, "a packet that is larger than a link carries");
      forger_.overhear(packet.packet);
      const auto decoded = wire::decode_packet(packet.packet);
      if (!decoded) continue;
      if (const auto* mobility = std::get_if<wire::MobilityMessage>(&decoded->message))
        if (const auto* service = std::get_if<wire::AgentServiceMessage>(mobility)) last_transaction_ = service->transaction;
    }
    test_.take_events();
  }

  static void must_keep_the_rate(std::vector<TimePoint>& times, TimePoint at) {
    times.push_back(at);
    must(times.size() <= wire::kMaxUpdateRate || at - times[times.size() - 1 - wire::kMaxUpdateRate] >= 1s, "more Binding Updates than MAX_UPDATE_RATE");
  }

  void hold_to_the_rules() {
    const auto& plan = test_.node.plan();
    const Now now = test_.both();
    for (const auto& [id, until] : held_) must(until > test_.now(), "a packet is held for longer than it may be");
    for (const auto& [key, item] : plan.flows.items()) {
      const auto* binding = plan.bindings.find(item.binding);
      if (binding == nullptr) {
        // Taken over from a daemon before this one, and no interface yet.
        const auto flow = test_.node.explain(item.id, now);
        must(flow && flow->flow.interface.empty(), "a flow points to a binding that is not there");
        continue;
      }
      if (binding->header == forwarding::HeaderKind::Plain) continue;
      const auto* home_address = plan.home_addresses.find(item.home_address);
      must(home_address != nullptr, "a flow has a home address that is not there");
      must(binding->home_address == item.home_address, "a flow points to the binding of another home address");
      if (binding->header == forwarding::HeaderKind::Tunnel) continue;
      must(binding->peer == key.correspondent, "a flow goes straight to somebody else");
    }
    for (const auto& [id, binding] : plan.bindings.items()) {
      if (binding.header != forwarding::HeaderKind::RouteOptimized || binding.peer != kCorrespondent) continue;
      must(optimized_.contains(binding.home_address) || direct_flow_was_recovered_, "a direct path that the correspondent node never accepted");
    }
    must(plan.flows.items().size() <= test_.configuration.flow_capacity, "more flows than there may be");
    must(plan.bindings.items().size() <= 200 && plan.routing_header_sources.items().size() <= 200, "the plan grows");
    for (const auto& binding : test_.node.bindings(now))
      if (binding.peer == kHomeAgent && binding.state == "bound")
        must(accepted_.contains(binding.home_address), "a home registration counts as accepted, and nobody has said so: " + to_string(binding.home_address));
    std::size_t staying = 0;
    for (const auto& item : test_.node.home_addresses(now)) staying += item.state == "releasing" ? 0 : 1;
    must(staying <= test_.configuration.home_address_cap + 2, "more home addresses than there may be");
    static_cast<void>(test_.node.status(now));
    static_cast<void>(test_.node.interfaces(now));
    static_cast<void>(test_.node.flows(now));
    must(test_.node.next_deadline() > test_.now(), "a deadline that lies behind");
  }

  static constexpr HeldPacketId kOwnIds = 1'000'000;

  Draw draw_;
  Forger forger_{draw_};
  TestNode test_;
  ScriptedCorrespondent correspondent_{test_};
  std::map<HeldPacketId, TimePoint> held_;
  std::vector<SentUpdate> updates_, correspondent_updates_;
  std::vector<SentSolicitation> solicitations_;
  std::vector<ScriptedCorrespondent::SentInit> home_tests_, care_of_tests_;
  std::map<Address, std::vector<TimePoint>> times_;
  std::vector<TimePoint> correspondent_times_;
  std::set<Address> accepted_, optimized_;
  HeldPacketId own_packets_ = 0;
  std::uint32_t last_transaction_ = 0;
  // A data path that says so is believed: its flows go on as they were.
  bool direct_flow_was_recovered_ = false;
  bool stopped_ = false;
};

}  // namespace

void fuzz_mobile_node(BytesView input);
void fuzz_mobile_node(BytesView input) {
  if (input.empty()) return;
  Siege(input.front(), input.subspan(1)).run();
}

}  // namespace mipflow::fuzz
