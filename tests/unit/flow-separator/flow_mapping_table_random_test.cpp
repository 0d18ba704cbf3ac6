// SPDX-License-Identifier: GPL-3.0-or-later
// The Flow Mapping Table against a plain list that looks at every flow every time.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>

#include "mipflow/flow-separator/flow_mapping_table.hpp"
#include "support/seed.hpp"

namespace mipflow::flow_separator {
namespace {

using namespace std::chrono_literals;

struct ModelFlow {
  FlowEntry entry;
  std::optional<TimePoint> closing_since;
};

class Model {
 public:
  explicit Model(FlowTableLimits limits) : limits_(limits) {}

  std::map<FlowId, ModelFlow> flows;

  bool collides(const FlowKey& key, const Address& home_address, FlowId except) const {
    if (home_address.is_unspecified()) return false;
    return std::any_of(flows.begin(), flows.end(), [&](const auto& each) {
      return each.first != except && !each.second.entry.home_address.is_unspecified() &&
             arrival_key(each.second.entry.information.key, each.second.entry.home_address) == arrival_key(key, home_address);
    });
  }

  bool has_key(const FlowKey& key) const {
    return std::any_of(flows.begin(), flows.end(), [&](const auto& each) { return each.second.entry.information.key == key; });
  }

  std::optional<FlowId> victim(bool for_own_flow) const {
    const auto oldest = [&](auto&& fits) -> std::optional<FlowId> {
      for (const auto& [id, flow] : flows)
        if (fits(flow)) return id;
      return std::nullopt;
    };
    const auto unanswered = [](const ModelFlow& flow, bool from_outside) {
      return !flow.closing_since && !flow.entry.replied && flow.entry.initiated_by_correspondent == from_outside;
    };
    if (const auto id = oldest([](const ModelFlow& flow) { return flow.closing_since.has_value(); })) return id;
    if (const auto id = oldest([&](const ModelFlow& flow) { return unanswered(flow, true); })) return id;
    if (for_own_flow) return oldest([&](const ModelFlow& flow) { return unanswered(flow, false); });
    return std::nullopt;
  }

  TimePoint end_of(const ModelFlow& flow) const {
    Duration idle = limits_.other_idle;
    if (flow.entry.information.key.protocol == kProtocolUdp) idle = limits_.udp_idle;
    if (flow.entry.information.key.protocol == kProtocolIcmpv6) idle = limits_.icmp_idle;
    if (flow.entry.information.key.protocol == kProtocolTcp)
      idle = flow.entry.replied ? limits_.tcp_idle : std::min(limits_.tcp_idle, limits_.tcp_unanswered_idle);
    const TimePoint end = flow.entry.last_active + idle;
    return flow.closing_since ? std::min(end, *flow.closing_since + limits_.closed_linger) : end;
  }

 private:
  FlowTableLimits limits_;
};

}  // namespace

TEST_CASE("the flow table does what a plain list does", "[flow_mapping_table][random]") {
  std::mt19937_64 random(test::seed("flow_mapping_table_random_test"));
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const auto numbered = [](unsigned group, unsigned number) {
    Address out = Address::parse("2001:db8::").value();
    out.octets[7] = static_cast<std::uint8_t>(group);
    out.octets[15] = static_cast<std::uint8_t>(number + 1);
    return out;
  };
  std::size_t evictions = 0;
  std::size_t expirations = 0;
  std::size_t collisions = 0;

  for (int run = 0; run < 100; ++run) {
    FlowTableLimits limits;
    limits.capacity = 5 + below(30);
    limits.tcp_idle = 100s;
    limits.tcp_unanswered_idle = 40s;
    limits.udp_idle = 30s;
    limits.icmp_idle = 10s;
    limits.other_idle = 50s;
    limits.closed_linger = 5s;
    FlowMappingTable table(limits);
    Model model(limits);
    TimePoint now{1000s};
    FlowId last_id = 0;

    for (int step = 0; step < 400; ++step) {
      const FlowId some = last_id == 0 ? 1 : 1 + random() % last_id;
      const auto known = model.flows.find(some);
      switch (below(8)) {
        case 0:
        case 1:
        case 2: {
          constexpr std::array<std::uint8_t, 4> kProtocols{kProtocolTcp, kProtocolUdp, kProtocolIcmpv6, 50};
          FlowEntry entry;
          entry.information.key.source = numbered(1, below(3));
          entry.information.key.correspondent = numbered(2, below(2));
          entry.information.key.source_port = static_cast<std::uint16_t>(below(6));
          entry.information.key.protocol = kProtocols[below(4)];
          entry.home_address = below(4) == 0 ? Address{} : numbered(1, below(3));
          entry.binding_holder = numbered(3, below(2));
          entry.initiated_by_correspondent = below(2) == 0;
          const auto inserted = table.insert(entry, now);
          if (model.has_key(entry.information.key)) {
            REQUIRE(inserted.error() == InsertRefusal::KeyExists);
          } else if (model.collides(entry.information.key, entry.home_address, 0)) {
            REQUIRE(inserted.error() == InsertRefusal::ArrivalKeyCollision);
            ++collisions;
          } else {
            std::optional<FlowId> victim;
            if (model.flows.size() >= limits.capacity) {
              victim = model.victim(!entry.initiated_by_correspondent);
              if (!victim) {
                REQUIRE(inserted.error() == InsertRefusal::Full);
                break;
              }
              model.flows.erase(*victim);
              ++evictions;
            }
            REQUIRE(inserted);
            REQUIRE(inserted->evicted.has_value() == victim.has_value());
            if (victim) REQUIRE(inserted->evicted->id == *victim);
            REQUIRE(inserted->id == ++last_id);
            entry.id = last_id;
            entry.created = entry.last_active = now;
            model.flows.emplace(last_id, ModelFlow{.entry = entry, .closing_since = std::nullopt});
          }
          break;
        }
        case 3: {
          const Address home_address = below(5) == 0 ? Address{} : numbered(1, below(3));
          const bool expected = known != model.flows.end() &&
                                !model.collides(known->second.entry.information.key, home_address, some);
          REQUIRE(table.set_home_address(some, home_address) == expected);
          if (expected) known->second.entry.home_address = home_address;
          break;
        }
        case 4: {
          const FlowState state = below(3) == 0 ? FlowState::Closing : FlowState::Active;
          REQUIRE(table.set_state(some, state, now) == (known != model.flows.end()));
          if (known == model.flows.end()) break;
          known->second.entry.state = state;
          if (state != FlowState::Closing)
            known->second.closing_since.reset();
          else if (!known->second.closing_since)
            known->second.closing_since = now;
          break;
        }
        case 5: {
          const FlowCounters counters{.packets_out = below(2), .packets_in = below(2)};
          const TimePoint active = now - std::chrono::seconds(below(20));
          REQUIRE(table.set_activity(some, counters, active) == (known != model.flows.end()));
          if (known == model.flows.end()) break;
          known->second.entry.last_active = std::max(known->second.entry.last_active, active);
          known->second.entry.replied |= counters.packets_out > 0 && counters.packets_in > 0;
          break;
        }
        case 6:
          if (below(4) == 0) REQUIRE(table.erase(some).has_value() == (model.flows.erase(some) > 0));
          break;
        default: {
          now += std::chrono::seconds(below(12));
          std::set<FlowId> expired;
          for (const FlowEntry& entry : table.expire(now)) expired.insert(entry.id);
          std::set<FlowId> expected;
          for (const auto& [id, flow] : model.flows)
            if (model.end_of(flow) <= now) expected.insert(id);
          REQUIRE(expired == expected);
          for (const FlowId id : expected) model.flows.erase(id);
          expirations += expected.size();
        }
      }

      REQUIRE(table.size() == model.flows.size());
      TimePoint next = kNever;
      std::map<Address, std::set<FlowId>> by_home_address;
      for (const auto& [id, flow] : model.flows) {
        const FlowEntry* entry = table.find(id);
        REQUIRE(entry != nullptr);
        REQUIRE(entry->home_address == flow.entry.home_address);
        REQUIRE(table.find(flow.entry.information.key) == entry);
        if (!flow.entry.home_address.is_unspecified()) {
          REQUIRE(table.find_arrival(arrival_key(flow.entry.information.key, flow.entry.home_address)) == entry);
          by_home_address[flow.entry.home_address].insert(id);
        }
        next = std::min(next, model.end_of(flow));
      }
      for (unsigned i = 0; i < 3; ++i) REQUIRE(table.flows_of(numbered(1, i)) == by_home_address[numbered(1, i)]);
      REQUIRE(table.next_deadline() <= next);  // never late
    }
  }
  CHECK(evictions > 100);
  CHECK(expirations > 100);
  CHECK(collisions > 100);
}

}  // namespace mipflow::flow_separator
