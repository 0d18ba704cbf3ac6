// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (the configuration), then decisions: cables, addresses and routers, first packets of flows, commands, a home
// agent and a correspondent node that answer as they should, wrongly or not at all, somebody without a key, and time.
//
// At every moment: every held packet gets one verdict and in time; flows, home addresses and bindings of the plan fit together; a
// binding counts as accepted only when somebody with the key has said so; Binding Updates keep to MAX_UPDATE_RATE; tables are
// bounded; timers lie ahead.
#include <map>
#include <string>
#include <vector>

#include "fuzz/roles/mobile_node_surroundings.hpp"
#include "fuzz/target.hpp"

namespace mipflow::fuzz {

using namespace mobile_node;
using namespace mobile_node::test;

namespace {

class Siege {
 public:
  Siege(std::uint8_t kind, BytesView input) : all_(kind, input) {}

  void run() {
    for (unsigned step = 0; step < kMostSteps && !all_.draw.is_over(); ++step) {
      all_.happen();
      observe();
      hold_to_the_rules();
    }
    // Time for everything that was held.
    all_.test.advance(all_.test.configuration.hold_limit + 1s);
    observe();
    must(all_.held.empty(), "a packet is held and forgotten");
  }

 private:
  static constexpr unsigned kMostSteps = 300;

  void observe() {
    // What is due at once happens at once.
    all_.test.settle();
    for (auto& update : all_.test.take_updates()) {
      must_keep_the_rate(times_[update.home_address], update.at);
      must(update.destination == kHomeAgent || all_.test.configuration.home_prefix.contains(update.destination), "a home registration goes to a stranger");
      all_.forger.overhear(update.packet);
      all_.updates.push_back(std::move(update));
    }
    for (auto& solicitation : all_.test.take_solicitations()) all_.solicitations.push_back(solicitation);
    for (const auto& verdict : all_.test.take_verdicts()) {
      must(all_.held.erase(verdict.packet) == 1, "a verdict about a packet that is not held, or a second one");
    }
    for (auto& update : all_.correspondent_node.take_updates()) {
      // RFC 6275 §11.8, whatever the home address
      must_keep_the_rate(correspondent_times_, update.at);
      must(!update.message.home_registration, "a correspondent node is asked for a home registration");
      all_.forger.overhear(update.packet);
      all_.correspondent_updates.push_back(std::move(update));
    }
    for (auto& init : all_.correspondent_node.take_home_test_inits()) all_.home_tests.push_back(init);
    for (auto& init : all_.correspondent_node.take_care_of_test_inits()) all_.care_of_tests.push_back(init);
    for (const auto& packet : all_.test.take_other_packets()) {
      must(packet.packet.size() <= 1'500, "a packet that is larger than a link carries");
      all_.forger.overhear(packet.packet);
      const auto decoded = wire::decode_packet(packet.packet);
      if (!decoded) continue;
      if (const auto* mobility = std::get_if<wire::MobilityMessage>(&decoded->message))
        if (const auto* service = std::get_if<wire::AgentServiceMessage>(mobility)) all_.last_transaction = service->transaction;
    }
    all_.test.take_events();
  }

  static void must_keep_the_rate(std::vector<TimePoint>& times, TimePoint at) {
    times.push_back(at);
    must(times.size() <= wire::kMaxUpdateRate || at - times[times.size() - 1 - wire::kMaxUpdateRate] >= 1s, "more Binding Updates than MAX_UPDATE_RATE");
  }

  bool is_on_home_link(const std::string& interface_name) {
    for (const auto& interface : all_.test.node.interfaces(all_.test.both()))
      if (interface.name == interface_name) return all_.test.configuration.home_prefix.contains(interface.care_of_address);
    return false;
  }

  void hold_to_the_rules() {
    const auto& plan = all_.test.node.plan();
    const Now now = all_.test.both();
    for (const auto& [id, until] : all_.held) must(until > all_.test.now(), "a packet is held for longer than it may be");
    for (const auto& [key, item] : plan.flows.items()) {
      const auto* binding = plan.bindings.find(item.binding);
      if (binding == nullptr) {
        // At home nothing is put around its packets.
        const auto* at_home = plan.home_addresses.find(item.home_address);
        if (at_home != nullptr && at_home->default_binding == 0) continue;
        // Taken over from a daemon before this one, and no interface yet, or one of which the node finds out whether it is at home:
        // no Binding Update is sent before.
        const auto flow = all_.test.node.explain(item.id, now);
        must(flow && (flow->flow.interface.empty() || is_on_home_link(flow->flow.interface)), "a flow points to a binding that is not there");
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
      must(all_.optimized.contains(binding.home_address) || all_.direct_flow_was_recovered, "a direct path that the correspondent node never accepted");
    }
    must(plan.flows.items().size() <= all_.test.configuration.flow_capacity, "more flows than there may be");
    must(plan.bindings.items().size() <= 200 && plan.routing_header_sources.items().size() <= 200, "the plan grows");
    for (const auto& binding : all_.test.node.bindings(now))
      if (binding.peer == kHomeAgent && binding.state == "bound")
        must(all_.accepted.contains(binding.home_address), "a home registration counts as accepted, and nobody has said so: " + to_string(binding.home_address));
    std::size_t staying = 0;
    for (const auto& item : all_.test.node.home_addresses(now)) staying += item.state == "releasing" ? 0 : 1;
    must(staying <= all_.test.configuration.home_address_cap + 2, "more home addresses than there may be");
    static_cast<void>(all_.test.node.status(now));
    static_cast<void>(all_.test.node.interfaces(now));
    static_cast<void>(all_.test.node.flows(now));
    must(all_.test.node.next_deadline() > all_.test.now(), "a deadline that lies behind");
  }

  Surroundings all_;
  std::map<Address, std::vector<TimePoint>> times_;
  std::vector<TimePoint> correspondent_times_;
};

}  // namespace

void fuzz_mobile_node(BytesView input);
void fuzz_mobile_node(BytesView input) {
  if (input.empty()) return;
  Siege(input.front(), input.subspan(1)).run();
}

}  // namespace mipflow::fuzz
