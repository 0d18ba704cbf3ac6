// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (how the load is shared), then decisions about a primary home agent and two secondaries, each a whole role: what
// mobile nodes register, what becomes of every message between the agents (lost, late, twice, changed on the way), what the operators
// do, who is killed with or without its disk, and time.
//
// At every moment: nobody tunnels a home address to where its mobile node never asked for; no secondary holds more than it may; the
// conversation does not swell; and when the network has been whole for a while, primary and secondaries believe the same.
#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>

#include "fuzz/draw.hpp"
#include "fuzz/target.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::fuzz {

using namespace home_agent;
using namespace std::chrono_literals;

namespace {

Address address(const char* text) { return *Address::parse(text); }

constexpr std::size_t kAgents = 3, kPrimary = 0;
const std::array<Address, kAgents> kAddresses{address("2001:db8:100::1"), address("2001:db8:100::2"), address("2001:db8:100::3")};
const Prefix kHomePrefix = *Prefix::parse("2001:db8:100::/64");
const std::array<Bytes, kAgents> kKeys{Bytes{}, Bytes(16, 2), Bytes(16, 3)};  // between the primary and this one
const wire::SecurityAssociation kLaptop{"laptop@example.net", 1000, Bytes(16, 1)};
constexpr std::uint32_t kCapacity = 4;
constexpr std::size_t kHomeAddresses = 6, kCareOfAddresses = 4;

Address home_address(std::size_t number) {
  Address out = address("2001:db8:100::100");
  out.octets[15] = static_cast<std::uint8_t>(number);
  return out;
}
Address care_of_address(std::size_t number) {
  Address out = address("2001:db8:200::5");
  out.octets[5] = static_cast<std::uint8_t>(number);
  return out;
}

Configuration configuration_for(std::size_t agent, std::uint8_t kind) {
  Configuration out;
  out.home_agent_address = kAddresses[agent];
  out.home_prefixes = {{kHomePrefix}};
  if (agent == kPrimary) {
    out.mobile_nodes = {{kLaptop, home_address(0)}};
    out.mobile_nodes.front().timestamps_required = false;
    for (std::size_t i = 1; i < kAgents; ++i) out.load_sharing.secondaries.push_back({i == 1 ? "b" : "c", kAddresses[i], kKeys[i]});
  } else {
    out.load_sharing.primaries = {{"a", kAddresses[kPrimary], kKeys[agent], {kHomePrefix}, kCapacity}};
  }
  out.load_sharing.division = static_cast<Division>(kind % 3);
  out.load_sharing.answer = (kind & 4) != 0 ? AnswerMoment::AfterSecondary : AnswerMoment::AtOnce;
  out.load_sharing.tunnel_from_primary = (kind & 8) == 0;
  out.load_sharing.load_threshold = 1'000;
  out.load_sharing.rest = 1s;
  // As in the field but for the pace: a minute of it is over in no time.
  out.load_sharing.heartbeat = 500ms;
  out.load_sharing.dead_after = 2'500ms;
  out.load_sharing.retransmission = 200ms;
  return out;
}

struct Message {
  std::size_t from = 0, to = 0;
  Bytes payload;
  TimePoint at{};
};

class Siege {
 public:
  Siege(std::uint8_t kind, BytesView input) : draw_(input) {
    for (std::size_t i = 0; i < kAgents; ++i) {
      nodes_[i].configuration = configuration_for(i, kind);
      start(i, false);
    }
    pass(1s);
  }

  void run() {
    for (unsigned step = 0; step < kMostSteps && !draw_.is_over(); ++step) {
      happen();
      pass(std::chrono::milliseconds{draw_.u8() * 4});
      hold_to_the_rules();
    }
    come_to_rest();
  }

 private:
  static constexpr unsigned kMostSteps = 80;

  struct Node {
    Configuration configuration;
    std::unique_ptr<HomeAgent> agent;
    SeededRandom random{1};
    std::vector<PersistedBinding> bindings;
    PersistedServices services;
    std::size_t sent = 0;
  };

  Now now() const { return {now_, 1'700'000'000s + now_.time_since_epoch()}; }

  void start(std::size_t which, bool with_disk) {
    Node& node = nodes_[which];
    if (!with_disk) node.bindings.clear(), node.services = {};
    node.random = SeededRandom(++starts_);
    node.agent = std::make_unique<HomeAgent>(node.configuration, node.bindings, node.random, now(), node.services);
  }

  template <class Call>
  auto call(std::size_t which, const Call& call) {
    Outputs outputs;
    if constexpr (std::is_void_v<decltype(call(*nodes_[which].agent, now(), outputs))>) {
      call(*nodes_[which].agent, now(), outputs);
      collect(which, outputs);
    } else {
      auto result = call(*nodes_[which].agent, now(), outputs);
      collect(which, outputs);
      return result;
    }
  }

  void collect(std::size_t from, const Outputs& outputs) {
    Node& node = nodes_[from];
    node.bindings = node.agent->persisted(now());
    node.services = node.agent->persisted_services(now());
    for (const auto& out : outputs.packets) {
      const auto view = wire::parse_packet(out.packet);
      must(view.has_value(), "a packet of ours can not be parsed");
      if (view->protocol != kProtocolUdp || view->payload.size() <= 8) continue;
      const auto to = static_cast<std::size_t>(std::ranges::find(kAddresses, view->destination) - kAddresses.begin());
      must(to < kAgents && to != from, "a message goes to somebody who is no agent of ours");
      ++node.sent;
      travel({from, to, {view->payload.begin() + 8, view->payload.end()}, now_});
    }
  }

  // What becomes of a message on its way, while the network is bad.
  void travel(Message message) {
    message.at = now_ + 2ms;
    old_.push_back(message);
    if (old_.size() > 40) old_.pop_front();
    if (draw_.u8() < bad_) {
      switch (draw_.below(4)) {
        case 0: return;
        case 1: message.at += std::chrono::milliseconds{draw_.u8() * 8}; break;
        case 2: on_the_way_.push_back(message); break;
        default: message.payload[draw_.u16() % message.payload.size()] ^= static_cast<std::uint8_t>(draw_.u8() | 1);
      }
    }
    on_the_way_.push_back(std::move(message));
    must(on_the_way_.size() < 5'000, "the agents talk more and more");
  }

  void pass(Duration by) {
    const TimePoint until = now_ + by;
    unsigned at_once = 0;
    for (;;) {
      TimePoint next = until;
      std::optional<std::size_t> wakes;
      for (std::size_t i = 0; i < kAgents; ++i)
        if (nodes_[i].agent->next_deadline() < next) next = nodes_[i].agent->next_deadline(), wakes = i;
      const auto message = std::ranges::min_element(on_the_way_, {}, &Message::at);
      const bool arrives = message != on_the_way_.end() && message->at <= next && message->at <= until;
      if (arrives) {
        now_ = std::max(now_, message->at);
        const Message arrived = *message;
        on_the_way_.erase(message);
        call(arrived.to, [&](HomeAgent& agent, Now at, Outputs& outputs) {
          agent.handle(ForwardingMessageReceived{arrived.payload, kAddresses[arrived.from]}, at, outputs);
        });
      } else if (wakes) {
        must(next > now_ || ++at_once < 1'000, "an agent wants to be woken again and again without time passing");
        if (next > now_) at_once = 0;
        now_ = std::max(now_, next);
        call(*wakes, [](HomeAgent& agent, Now at, Outputs& outputs) { agent.on_deadline(at, outputs); });
      } else {
        break;
      }
    }
    now_ = until;
  }

  void happen() {
    switch (draw_.below(12)) {
      case 0: case 1: case 2: return binding_update();
      case 3: bad_ = draw_.u8(); return;
      case 4: {
        if (old_.empty()) return;
        Message message = old_[draw_.below(old_.size())];
        message.at = now_;
        on_the_way_.push_back(std::move(message));
        return;
      }
      case 5: return noise();
      case 6: return operator_speaks();
      case 7: return start(draw_.below(kAgents), draw_.flag());
      case 8: return traffic();
      case 9: return reconfigure();
      default: return pass(std::chrono::milliseconds{draw_.u8() * 40});
    }
  }

  void binding_update() {
    const std::size_t which = draw_.below(kHomeAddresses);
    const Address home = home_address(which), care_of = care_of_address(draw_.below(kCareOfAddresses));
    wire::BindingUpdate message{.sequence = ++sequence_, .acknowledge = true, .home_registration = true,
                                .lifetime_units = draw_.below(6) == 0 ? std::uint16_t{0} : std::uint16_t{draw_.u8()}};
    const Bytes key = wire::derived_key(kLaptop, home_address(0), home);
    Bytes packet = wire::build_packet_from_header(
        {care_of, kAddresses[kPrimary], home},
        wire::encode_authenticated(message, {.association = kLaptop, .key = key, .care_of_address = care_of, .home_address = home,
                                             .timestamp = wire::ntp_timestamp(now().wall), .with_identifier = true}));
    asked_for_.insert({home, care_of});
    call(kPrimary, [&](HomeAgent& agent, Now at, Outputs& outputs) { agent.handle(PacketReceived{.packet = packet, .interface = 3}, at, outputs); });
  }

  void noise() {
    const std::size_t to = draw_.below(kAgents), from = draw_.below(kAgents);
    const Bytes message = draw_.some_bytes(200);
    call(to, [&](HomeAgent& agent, Now at, Outputs& outputs) { agent.handle(ForwardingMessageReceived{message, kAddresses[from]}, at, outputs); });
  }

  void operator_speaks() {
    const Address home = home_address(draw_.below(kHomeAddresses));
    const std::string agent = draw_.flag() ? "b" : "c";
    const bool on = draw_.flag();
    const auto kind = draw_.below(5);
    if (kind == 4) {
      const std::size_t which = 1 + draw_.below(kAgents - 1);
      return static_cast<void>(call(which, [](HomeAgent& role, Now at, Outputs& outputs) { return role.retire(at, outputs); }));
    }
    call(kPrimary, [&](HomeAgent& role, Now at, Outputs& outputs) {
      switch (kind) {
        case 0: static_cast<void>(role.delegate(home, agent, at, outputs)); break;
        case 1: static_cast<void>(role.recall(home, at, outputs)); break;
        case 2: static_cast<void>(role.release(home, at, outputs)); break;
        default: static_cast<void>(role.drain(agent, on, at, outputs));
      }
    });
  }

  void traffic() {
    for (std::size_t i = 0; i < kAgents; ++i) {
      TunnelActivity activity{.entries = {}, .interval = 1s};
      for (const auto& [home, tunnel] : nodes_[i].agent->plan().tunnels.items()) activity.entries.push_back({home, draw_.u16() * 8u, 1'000});
      std::ranges::sort(activity.entries, {}, &TunnelActivity::Entry::home_address);
      call(i, [&](HomeAgent& agent, Now at, Outputs& outputs) { agent.handle(activity, at, outputs); });
    }
  }

  void reconfigure() {
    Node& primary = nodes_[kPrimary];
    LoadSharing& sharing = primary.configuration.load_sharing;
    switch (draw_.below(3)) {
      case 0: sharing.own_weight = static_cast<unsigned>(draw_.below(3)); break;
      case 1: sharing.secondaries.front().weight = static_cast<unsigned>(draw_.below(3)); break;
      default: sharing.division = static_cast<Division>(draw_.below(3));
    }
    call(kPrimary, [&](HomeAgent& agent, Now at, Outputs& outputs) { agent.set_configuration(primary.configuration, at, outputs); });
  }

  void hold_to_the_rules() {
    for (std::size_t i = 0; i < kAgents; ++i) {
      const auto& plan = nodes_[i].agent->plan();
      for (const auto& [home, tunnel] : plan.tunnels.items()) {
        must(asked_for_.contains({home, tunnel.care_of_address}), "a home address is tunnelled to where nobody asked for");
        must(tunnel.home_agent == kAddresses[i] || tunnel.home_agent == kAddresses[kPrimary], "a tunnel has a source that is no agent's");
      }
      for (const auto& [source, present] : plan.tunnel_sources.items())
        must(asked_for_.contains({source.home_address, source.care_of_address}), "packets are taken out of a tunnel that nobody asked for");
      if (i != kPrimary) must(plan.tunnels.items().size() <= 2 * kCapacity, "a secondary has more home addresses than it may");
      must(plan.tunnels.items().size() <= kHomeAddresses, "more tunnels than home addresses");
      static_cast<void>(nodes_[i].agent->agents(now()));
      static_cast<void>(nodes_[i].agent->delegations(now()));
      static_cast<void>(nodes_[i].agent->troubles());
    }
  }

  // Everything arrives from now on. Secondaries that were told to stop serving stay so.
  void come_to_rest() {
    bad_ = 0;
    std::array<std::size_t, kAgents> sent{};
    pass(30s);
    hold_to_the_rules();
    for (std::size_t i = 0; i < kAgents; ++i) sent[i] = nodes_[i].sent;
    pass(5s);
    for (std::size_t i = 0; i < kAgents; ++i) must(nodes_[i].sent - sent[i] <= 400, "the agents do not come to rest");
    for (const auto& delegation : nodes_[kPrimary].agent->delegations(now())) {
      if (delegation.state != "delegated") continue;
      const std::size_t who = delegation.agent == "b" ? 1 : 2;
      must(nodes_[who].agent->plan().tunnels.find(delegation.home_address) != nullptr, "the primary believes that an agent has a home address, and it has not");
    }
  }

  Draw draw_;
  TimePoint now_{std::chrono::hours{1}};
  std::array<Node, kAgents> nodes_;
  std::vector<Message> on_the_way_;
  std::deque<Message> old_;
  std::uint8_t bad_ = 0;  // of 256 messages
  std::uint64_t starts_ = 0;
  std::uint16_t sequence_ = 0;
  std::set<std::pair<Address, Address>> asked_for_;
};

}  // namespace

void fuzz_home_agents_sharing(BytesView input);
void fuzz_home_agents_sharing(BytesView input) {
  if (input.empty()) return;
  Siege(input.front(), input.subspan(1)).run();
}

}  // namespace mipflow::fuzz
