// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (which kind of home agent), then decisions: what mobile nodes with their keys send, what somebody without a key
// sends, what the neighbours, the DHCPv6 server, other home agents, the data path and the operator do, how much time passes, and
// when it is killed.
//
// At every moment: a home address is bound, tunnelled and accepted only where its mobile node asked for it; the plan and the
// bindings say the same; tables and answers are bounded; timers lie ahead; what is kept over a restart is taken back.
#include <algorithm>
#include <memory>
#include <set>

#include "fuzz/roles/clockwork.hpp"
#include "fuzz/roles/forger.hpp"
#include "fuzz/wire/draw_messages.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::fuzz {

using namespace home_agent;
using namespace std::chrono_literals;

namespace {

Address address(const char* text) { return *Address::parse(text); }

const Address kHomeAgent = address("2001:db8:100::1");
const Address kOtherAgent = address("2001:db8:100::2");
const Address kStranger = address("2001:db8:9::9");
const std::vector<Address> kHomeAddresses{address("2001:db8:100::100"), address("2001:db8:100::200"), address("2001:db8:100::a1"), address("2001:db8:100::a2"),
                                          address("2001:db8:100::a3")};
const std::vector<Address> kCareOfAddresses{address("2001:db8:200::5"), address("2001:db8:201::5"), address("2001:db8:202::5")};
const std::vector<Address> kKnown = [] {
  std::vector<Address> out{kHomeAgent, kOtherAgent, kStranger, address("2001:db8:300::1"), address("fe80::9"), address("ff02::1"), address("fe80::1"),
                           address("ff02::1:ff00:100"), address("2001:db8:100:0:fdff:ffff:ffff:fffe")};
  out.insert(out.end(), kHomeAddresses.begin(), kHomeAddresses.end());
  out.insert(out.end(), kCareOfAddresses.begin(), kCareOfAddresses.end());
  return out;
}();
constexpr InterfaceIndex kHomeInterface = 2, kOutside = 3;
constexpr std::size_t kMostBindings = 4;
const wire::SecurityAssociation kLaptop{"laptop@example.net", 1000, Bytes(16, 1)};
const wire::SecurityAssociation kOther{"other@example.net", 2000, Bytes(16, 2)};
const Bytes kAgentKey(16, 3);

const wire::SecurityAssociation& association_of(std::size_t home_address) { return home_address == 1 ? kOther : kLaptop; }
Bytes key_of(std::size_t home_address) {
  if (home_address == 1) return kOther.key;
  return wire::derived_key(kLaptop, kHomeAddresses[0], kHomeAddresses[home_address]);
}

Configuration configuration_for(std::uint8_t kind) {
  Configuration out;
  out.home_agent_address = kHomeAgent;
  out.home_prefixes = {{*Prefix::parse("2001:db8:100::/64")}};
  out.home_interface = (kind & 1) != 0 ? kHomeInterface : 0;
  out.home_link_layer_address = {2, 0, 0, 0, 0, 1};
  out.mobile_nodes = {{kLaptop, kHomeAddresses[0]}, {kOther, kHomeAddresses[1]}};
  out.mobile_nodes[0].policy = std::make_shared<const std::string>(2'500, '#');
  out.mobile_nodes[1].timestamps_required = (kind & 2) == 0;
  out.binding_cache_capacity = kMostBindings;
  if ((kind & 4) != 0) out.address_service.sources.push_back(wire::HomeAddressSource::Dhcpv6);
  if ((kind & 8) != 0) out.load_sharing.secondaries = {{"b", kOtherAgent, kAgentKey}};
  if ((kind & 16) != 0) out.load_sharing.primaries = {{"p", kOtherAgent, kAgentKey, {*Prefix::parse("2001:db8:100::/64")}, 4}};
  // Hours pass here: not ten messages in every second of them.
  out.load_sharing.heartbeat = 5s;
  out.load_sharing.dead_after = 20s;
  out.load_sharing.division = static_cast<Division>((kind >> 5) % 3);
  return out;
}

class Siege {
 public:
  Siege(std::uint8_t kind, BytesView input) : draw_(input, kKnown), configuration_(configuration_for(kind)) {
    time_.on_outputs = [this](Outputs& outputs) { collect(outputs); };
    agent_ = std::make_unique<HomeAgent>(configuration_, std::vector<PersistedBinding>{}, random_, time_.now());
  }

  void run() {
    for (unsigned step = 0; step < kMostSteps && !draw_.is_over(); ++step) {
      happen();
      hold_to_the_rules();
    }
    time_.advance(*agent_, 30s);
    hold_to_the_rules();
    restart();
  }

 private:
  static constexpr unsigned kMostSteps = 300;
  static constexpr std::size_t kMostAnswers = 16;  // to one event: an acknowledgement, a policy's first part, detection and defence

  void happen() {
    switch (draw_.below(18)) {
      case 0: case 1: case 2: case 3: binding_update(); break;
      case 4: case 5: case 6: case 7: forged(); break;
      case 8: service_message(); break;
      case 9: case 10: time_.advance(*agent_, std::chrono::milliseconds{draw_.u16()}); break;
      case 11: time_.advance(*agent_, std::chrono::seconds{draw_.u8() * 8}); break;
      case 12: from_the_data_path(); break;
      case 13: dhcpv6(); break;
      case 14: other_agent(); break;
      case 15: operator_speaks(); break;
      case 16: reconfigure(); break;
      default: {
        if (draw_.below(4) == 0) return restart();
        const auto ahead = std::chrono::seconds{draw_.u16()};
        time_.set_wall_clock(ahead - std::chrono::seconds{draw_.u16()});
      }
    }
  }

  void deliver(Bytes packet) {
    forger_.overhear(packet);
    const InterfaceIndex interface = draw_.flag() ? kHomeInterface : kOutside;
    std::optional<LinkLayerAddress> from;
    if (interface == kHomeInterface) from = LinkLayerAddress{2, 0, 0, 0, 0, 0x77};
    handle(PacketReceived{std::move(packet), interface, std::nullopt, from});
  }
  void handle(const Event& event) {
    answers_ = 0;
    time_.call([&](Now now, Outputs& outputs) { agent_->handle(event, now, outputs); });
    must(answers_ <= kMostAnswers, "one event is answered by too many packets");
  }

  // As a mobile node sends it that has the key.
  void binding_update() {
    const std::size_t which = draw_.below(kHomeAddresses.size());
    const Address& home_address = kHomeAddresses[which];
    const bool is_home = draw_.below(8) == 0;
    const Address care_of_address = is_home ? home_address : draw_.one_of(kCareOfAddresses);
    wire::BindingUpdate message;
    message.sequence = draw_.flag() ? ++sequence_ : draw_.u16();
    message.acknowledge = draw_.below(8) != 0;
    message.home_registration = draw_.below(8) != 0;
    message.link_local_address_compatibility = draw_.flag();
    message.lifetime_units = is_home || draw_.below(6) == 0 ? std::uint16_t{0} : std::uint16_t{draw_.u8()};
    if (draw_.flag()) message.options.emplace_back(wire::AlternateCareOfAddress{care_of_address});
    const Bytes key = key_of(which);
    // The clock of a mobile node may be wrong.
    const Duration wall = time_.now().wall + (draw_.below(8) == 0 ? std::chrono::seconds{draw_.u8()} : 0s);
    wire::Envelope envelope{care_of_address, kHomeAgent};
    if (!is_home || draw_.flag()) envelope.home_address_option = home_address;
    Bytes packet = wire::build_packet_from_header(
        envelope, wire::encode_authenticated(message, {.association = association_of(which), .key = key, .care_of_address = care_of_address,
                                                       .home_address = home_address, .timestamp = wire::ntp_timestamp(wall),
                                                       .with_identifier = draw_.below(8) != 0, .with_timestamp = draw_.below(4) != 0}));
    asked_for_.insert({home_address, care_of_address});
    deliver(std::move(packet));
  }

  void forged() { deliver(forger_.packet()); }

  // Of the address and policy service, with the key of a primary home address.
  void service_message() {
    auto drawn = draw_mobility_message(draw_);
    auto* message = std::get_if<wire::AgentServiceMessage>(&drawn);
    if (message == nullptr) return deliver(wire::build_packet({draw_.address(), kHomeAgent}, drawn));
    message->options.clear();
    const std::size_t which = draw_.below(2);
    const Address care_of_address = draw_.one_of(kCareOfAddresses);
    wire::Envelope envelope{care_of_address, kHomeAgent, kHomeAddresses[which]};
    deliver(wire::build_packet_from_header(
        envelope, wire::encode_authenticated(*message, {.association = association_of(which), .key = key_of(which), .care_of_address = care_of_address,
                                                        .home_address = kHomeAddresses[which], .timestamp = wire::ntp_timestamp(time_.now().wall),
                                                        .with_identifier = draw_.flag()})));
  }

  void from_the_data_path() {
    switch (draw_.below(3)) {
      case 0: {
        const Address home_address = draw_.address();
        return handle(UnboundTunnelSource{home_address, draw_.address()});
      }
      case 1: {
        correspondent_node::BindingActivities activities;
        for (const auto& [pair, item] : agent_->plan().correspondent_bindings.items()) activities.idle[pair] = std::chrono::seconds{draw_.u8()};
        return handle(activities);
      }
      default: {
        TunnelActivity activity{.entries = {}, .interval = std::chrono::milliseconds{draw_.u16()}};
        for (auto count = draw_.below(4); count > 0; --count) {
          const Address home_address = draw_.address();
          const std::uint64_t packets = draw_.u64();
          activity.entries.push_back({home_address, packets, draw_.u64()});
        }
        return handle(activity);
      }
    }
  }

  void dhcpv6() {
    if (draw_.below(4) == 0) {
      const bool open = draw_.flag();
      return handle(Dhcpv6Port{open ? address("fe80::1") : Address{}, open ? "" : "it can not be opened"});
    }
    Bytes message = draw_.flag() ? wire::encode(draw_dhcpv6_message(draw_)) : draw_.some_bytes(200);
    // Else nothing is ever an answer: the transaction is a number of 24 bits.
    if (message.size() >= 4 && dhcpv6_asked_.size() >= 4 && draw_.flag()) std::copy_n(dhcpv6_asked_.begin() + 1, 3, message.begin() + 1);
    handle(Dhcpv6Received{std::move(message), address("fe80::2"), kHomeInterface});
  }

  void other_agent() {
    const Address& source = draw_.below(4) == 0 ? kStranger : kOtherAgent;
    const auto kind = draw_.below(3);
    Bytes message = kind == 0 ? draw_.some_bytes(200) : forwarding_sent_;
    if (kind == 1) {
      const bool has_key = draw_.flag();
      told_by_the_other_agent_ |= has_key;
      message = wire::encode_forwarding_message(draw_forwarding_message(draw_), has_key ? kAgentKey : Bytes(16, 9), source, kHomeAgent);
    }
    handle(ForwardingMessageReceived{std::move(message), source});
  }

  void operator_speaks() {
    const std::string agent = draw_.flag() ? "b" : "nobody";
    const Address home_address = draw_.address();
    const bool on = draw_.flag();
    const auto kind = draw_.below(5);
    time_.call([&](Now now, Outputs& outputs) {
      const auto explained = [](const Expected<void, std::string>& done) { must(done.has_value() || !done.error().empty(), "a refusal without a reason"); };
      switch (kind) {
        case 0: return explained(agent_->delegate(home_address, agent, now, outputs));
        case 1: return explained(agent_->recall(home_address, now, outputs));
        case 2: return explained(agent_->release(home_address, now, outputs));
        case 3: return explained(agent_->drain(agent, on, now, outputs));
        default: static_cast<void>(agent_->retire(now, outputs));
      }
    });
  }

  void reconfigure() {
    Configuration other = configuration_for(draw_.u8());
    other.home_interface = configuration_.home_interface;
    if (draw_.below(4) == 0) other.mobile_nodes.erase(other.mobile_nodes.begin() + static_cast<std::ptrdiff_t>(draw_.below(2)));
    if (draw_.below(4) == 0) other.home_prefixes.front().valid_lifetime = std::chrono::seconds{draw_.u16()};
    other.home_prefixes.front().preferred_lifetime = std::min(other.home_prefixes.front().preferred_lifetime, other.home_prefixes.front().valid_lifetime);
    other.home_prefixes.front().lifetimes_count_down = draw_.flag();
    configuration_ = other;
    time_.call([&](Now now, Outputs& outputs) { agent_->set_configuration(other, now, outputs); });
  }

  // What is kept comes back, and nothing that was not kept.
  void restart() {
    const Now now = time_.now();
    const auto kept = agent_->persisted(now);
    const auto services = agent_->persisted_services(now);
    agent_ = std::make_unique<HomeAgent>(configuration_, kept, random_, now, services);
    for (const auto& binding : agent_->bindings(now))
      must(binding.state != "bound" || std::ranges::any_of(kept, [&](const auto& each) { return each.home_address == binding.home_address && each.care_of_address == binding.care_of_address; }),
           "a restart has made a binding");
  }

  void collect(Outputs& outputs) {
    must(outputs.verdicts.empty(), "a home agent decides about held packets");
    for (const auto& packet : outputs.packets) {
      ++answers_;
      must(packet.packet.size() <= 1'280, "a packet that is larger than every link has to carry");
      const auto view = wire::parse_packet(packet.packet);
      must(view.has_value() && !view->truncated, "a packet of ours can not be parsed");
      if (view->protocol == 135 || view->protocol == 58) must(wire::decode_packet(packet.packet).has_value(), "a message of ours can not be decoded");
      if (view->protocol == 17 && view->payload.size() > 8) {
        const BytesView payload = view->payload.subspan(8);
        (view->destination.is_multicast() ? dhcpv6_asked_ : forwarding_sent_).assign(payload.begin(), payload.end());
      }
      forger_.overhear(packet.packet);
    }
    for (const auto& notice : outputs.notices) must(notice.event != nullptr && !notice.text.empty(), "a notice that says nothing");
  }

  void hold_to_the_rules() {
    const Now now = time_.now();
    const auto& plan = agent_->plan();
    const auto bindings = agent_->bindings(now);
    must(bindings.size() <= 2 * kMostBindings + 8, "the binding cache grows beyond its capacity");
    std::size_t bound = 0;
    for (const auto& binding : bindings) {
      must(asked_for_.contains({binding.home_address, binding.care_of_address}) || binding.care_of_address.is_unspecified() || binding.state == "deleted",
           "a binding that its mobile node never asked for: " + to_string(binding.home_address) + " at " + to_string(binding.care_of_address));
      must(!binding.lifetime || *binding.lifetime <= configuration_.longest_binding_lifetime, "a binding that lasts longer than it may");
      if (binding.state != "bound") continue;
      ++bound;
      const auto* tunnel = plan.tunnels.find(binding.home_address);
      must(tunnel != nullptr && tunnel->care_of_address == binding.care_of_address, "a bound home address is not tunnelled to its care-of address");
    }
    must(bound <= kMostBindings, "more bindings than the cache may hold");
    // A primary that has the key may have told where to; then its home addresses are not ours.
    if (!told_by_the_other_agent_) {
      must(plan.tunnels.items().size() == bound, "a tunnel without a binding");
      for (const auto& [source, present] : plan.tunnel_sources.items())
        must(asked_for_.contains({source.home_address, source.care_of_address}), "packets are taken out of a tunnel that nobody asked for");
    }
    // Nobody here reads the answers to test messages, so nobody has the tokens of both.
    must(plan.correspondent_bindings.items().empty(), "a binding of a correspondent node without return routability");
    must(plan.tunnels.items().size() <= 64 && plan.tunnel_sources.items().size() <= 64 && plan.proxied_neighbours.items().size() <= 256 &&
             plan.watched_addresses.items().size() <= 256,
         "the plan grows");
    static_cast<void>(agent_->troubles());
    static_cast<void>(agent_->agents(now));
    static_cast<void>(agent_->delegations(now));
    must(agent_->given_home_addresses() <= 1'000, "the address service has no end");
  }

  Draw draw_;
  Forger forger_{draw_};
  Clockwork time_;
  SeededRandom random_{42};
  Configuration configuration_;
  std::unique_ptr<HomeAgent> agent_;
  std::set<std::pair<Address, Address>> asked_for_;
  std::uint16_t sequence_ = 0;
  std::size_t answers_ = 0;
  bool told_by_the_other_agent_ = false;
  Bytes dhcpv6_asked_, forwarding_sent_;
};

}  // namespace

void fuzz_home_agent(BytesView input);
void fuzz_home_agent(BytesView input) {
  if (input.empty()) return;
  Siege(input.front(), input.subspan(1)).run();
}

}  // namespace mipflow::fuzz
