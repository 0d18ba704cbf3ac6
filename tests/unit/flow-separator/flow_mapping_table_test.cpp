// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include "mipflow/flow-separator/flow_mapping_table.hpp"

namespace mipflow::flow_separator {
namespace {

using namespace std::chrono_literals;

Address address(const char* text) { return Address::parse(text).value(); }

const Address kPrimary = address("2001:db8:1::1");
const Address kSecond = address("2001:db8:1::2");
const Address kCorrespondent = address("2001:db8:c::1");
const Address kHomeAgent = address("2001:db8:1::ff");
const TimePoint kNow{1000s};

FlowEntry flow(std::uint16_t source_port, std::uint8_t protocol = kProtocolUdp, const Address& home_address = kSecond) {
  return {.information = {.key = {.source = kPrimary,
                                  .correspondent = kCorrespondent,
                                  .source_port = source_port,
                                  .correspondent_port = 53,
                                  .protocol = protocol}},
          .home_address = home_address,
          .binding_holder = kHomeAgent};
}

FlowEntry incoming(std::uint16_t source_port) {
  FlowEntry entry = flow(source_port);
  entry.initiated_by_correspondent = true;
  return entry;
}

FlowId insert(FlowMappingTable& table, const FlowEntry& entry, TimePoint now = kNow) {
  const auto inserted = table.insert(entry, now);
  REQUIRE(inserted);
  return inserted->id;
}

constexpr FlowCounters kBothWays{.packets_out = 1, .bytes_out = 60, .packets_in = 1, .bytes_in = 60};
constexpr FlowCounters kOneWay{.packets_out = 5, .bytes_out = 300};

}  // namespace

TEST_CASE("a flow is found by id, by its key and by its arrival key", "[flow_mapping_table]") {
  FlowMappingTable table({});
  const FlowEntry entry = flow(4000);
  const FlowId id = insert(table, entry);
  CHECK(id == 1);
  REQUIRE(table.find(id) != nullptr);
  CHECK(table.find(id)->correspondent() == kCorrespondent);
  CHECK(table.find(id)->created == kNow);
  CHECK(table.find(entry.information.key) == table.find(id));
  CHECK(table.find_arrival(arrival_key(entry.information.key, kSecond)) == table.find(id));
  CHECK(table.find_arrival(entry.information.key) == nullptr);
  CHECK(table.find(FlowId{2}) == nullptr);
  CHECK(table.flows_of(kSecond) == std::set<FlowId>{id});
}

TEST_CASE("an ended flow is found nowhere and its id is not used again", "[flow_mapping_table]") {
  FlowMappingTable table({});
  const FlowEntry entry = flow(4000);
  const FlowId id = insert(table, entry);
  const auto erased = table.erase(id);
  REQUIRE(erased);
  CHECK(erased->id == id);
  CHECK(erased->home_address == kSecond);
  CHECK(table.size() == 0);
  CHECK(table.find(entry.information.key) == nullptr);
  CHECK(table.find_arrival(arrival_key(entry.information.key, kSecond)) == nullptr);
  CHECK(table.flows_of(kSecond).empty());
  CHECK(table.next_deadline() == kNever);
  CHECK_FALSE(table.erase(id));
  CHECK(insert(table, entry) == id + 1);
}

TEST_CASE("the same key twice is refused", "[flow_mapping_table]") {
  FlowMappingTable table({});
  insert(table, flow(4000));
  CHECK(table.insert(flow(4000, kProtocolUdp, kPrimary), kNow).error() == InsertRefusal::KeyExists);
  CHECK(table.insert(flow(4000, kProtocolTcp), kNow).has_value());
}

TEST_CASE("two flows with one arrival key: refused at insertion and at assignment", "[flow_mapping_table]") {
  FlowMappingTable table({});
  insert(table, flow(4000));
  FlowEntry other = flow(4000);
  other.information.key.source = kSecond;  // a socket bound to the home address that the first flow was given
  CHECK(table.insert(other, kNow).error() == InsertRefusal::ArrivalKeyCollision);
  CHECK(table.size() == 1);

  other.home_address = Address{};
  const FlowId id = insert(table, other);
  CHECK_FALSE(table.set_home_address(id, kSecond));
  CHECK(table.find(id)->home_address.is_unspecified());
  CHECK(table.set_home_address(id, kPrimary));
  CHECK(table.find_arrival(arrival_key(other.information.key, kPrimary))->id == id);
  CHECK(table.flows_of(kSecond) == std::set<FlowId>{1});
}

TEST_CASE("a home address can be changed and taken away", "[flow_mapping_table]") {
  FlowMappingTable table({});
  const FlowId id = insert(table, flow(4000));
  REQUIRE(table.set_home_address(id, kPrimary));
  CHECK(table.flows_of(kSecond).empty());
  CHECK(table.flows_of(kPrimary) == std::set<FlowId>{id});
  REQUIRE(table.set_home_address(id, Address{}));
  CHECK(table.flows_of(kPrimary).empty());
  CHECK(table.find_arrival(arrival_key(flow(4000).information.key, kPrimary)) == nullptr);
  CHECK_FALSE(table.set_home_address(99, kPrimary));
}

TEST_CASE("moves_with: same home address and same holder of the binding", "[flow_mapping_table]") {
  FlowMappingTable table({});
  const FlowId a = insert(table, flow(1));
  const FlowId b = insert(table, flow(2));
  const FlowId c = insert(table, flow(3, kProtocolUdp, kPrimary));
  const FlowId d = insert(table, flow(4));
  CHECK(table.moves_with(a) == std::vector<FlowId>{b, d});
  CHECK(table.moves_with(c).empty());
  REQUIRE(table.set_binding_holder(b, kCorrespondent));
  CHECK(table.moves_with(a) == std::vector<FlowId>{d});
  CHECK(table.moves_with(b).empty());
  CHECK(table.moves_with(99).empty());
}

TEST_CASE("the setters change what they name and nothing of an unknown flow", "[flow_mapping_table]") {
  FlowMappingTable table({});
  const FlowId id = insert(table, flow(1));
  const Address care_of_address = address("2001:db8:a::1");
  CHECK(table.set_care_of_address(id, care_of_address, 3, "moved by command"));
  CHECK(table.set_commanded_interface(id, 3));
  CHECK(table.set_class(id, "voice"));
  CHECK(table.find(id)->care_of_address == care_of_address);
  CHECK(table.find(id)->interface == 3);
  CHECK(table.find(id)->interface_reason == "moved by command");
  CHECK(table.find(id)->commanded_interface == 3);
  CHECK(table.find(id)->class_name == "voice");
  CHECK_FALSE(table.set_care_of_address(9, care_of_address, 3, ""));
  CHECK_FALSE(table.set_commanded_interface(9, 3));
  CHECK_FALSE(table.set_class(9, "voice"));
  CHECK_FALSE(table.set_state(9, FlowState::Closing, kNow));
  CHECK_FALSE(table.set_activity(9, kBothWays, kNow));
  CHECK_FALSE(table.set_binding_holder(9, kHomeAgent));
}

// ---- end of a flow ----

TEST_CASE("idle flows leave at their protocol's time and not a nanosecond earlier", "[flow_mapping_table]") {
  FlowTableLimits limits;
  limits.tcp_idle = 3600s;
  limits.tcp_unanswered_idle = 120s;
  limits.udp_idle = 180s;
  limits.icmp_idle = 30s;
  limits.other_idle = 300s;
  const auto [protocol, timeout] = GENERATE(table<std::uint8_t, Duration>(
      {{kProtocolTcp, 120s}, {kProtocolUdp, 180s}, {kProtocolIcmpv6, 30s}, {kProtocolSctp, 300s}, {50, 300s}}));
  FlowMappingTable flows(limits);
  const FlowId id = insert(flows, flow(1, protocol));
  CHECK(flows.next_deadline() == kNow + timeout);
  CHECK(flows.expire(kNow + timeout - 1ns).empty());
  const auto expired = flows.expire(kNow + timeout);
  REQUIRE(expired.size() == 1);
  CHECK(expired[0].id == id);
  CHECK(expired[0].home_address == kSecond);
  CHECK(flows.next_deadline() == kNever);
}

TEST_CASE("an answered TCP connection may be idle for long", "[flow_mapping_table]") {
  FlowMappingTable table({});
  const FlowId id = insert(table, flow(1, kProtocolTcp));
  REQUIRE(table.set_activity(id, kBothWays, kNow + 1s));
  CHECK(table.expire(kNow + 120s).empty());
  CHECK(table.next_deadline() == kNow + 1s + 24h);
}

TEST_CASE("packets push the end back; old news does not bring it nearer", "[flow_mapping_table]") {
  FlowMappingTable table({});
  const FlowId id = insert(table, flow(1));
  REQUIRE(table.set_activity(id, kOneWay, kNow + 100s));
  REQUIRE(table.set_activity(id, kOneWay, kNow + 50s));
  CHECK(table.find(id)->counters.packets_out == 5);
  CHECK_FALSE(table.find(id)->replied);
  CHECK(table.next_deadline() == kNow + 180s);  // early, as promised
  CHECK(table.expire(kNow + 180s).empty());
  CHECK(table.next_deadline() == kNow + 280s);
  CHECK(table.expire(kNow + 280s).size() == 1);
}

TEST_CASE("a closing flow lingers, counted from the first notice, and can come back to life", "[flow_mapping_table]") {
  FlowMappingTable table({});
  const FlowId id = insert(table, flow(1, kProtocolTcp));
  REQUIRE(table.set_activity(id, kBothWays, kNow));
  REQUIRE(table.set_state(id, FlowState::Closing, kNow + 10s));
  REQUIRE(table.set_state(id, FlowState::Closing, kNow + 12s));
  CHECK(table.next_deadline() == kNow + 15s);
  REQUIRE(table.set_state(id, FlowState::Active, kNow + 13s));
  CHECK(table.expire(kNow + 15s).empty());
  CHECK(table.next_deadline() == kNow + 24h);
  REQUIRE(table.set_state(id, FlowState::Closing, kNow + 20s));
  CHECK(table.expire(kNow + 25s - 1ns).empty());
  REQUIRE(table.expire(kNow + 25s).size() == 1);
}

// ---- the bound ----

TEST_CASE("a full table: closing flows leave first, then unanswered ones from outside", "[flow_mapping_table]") {
  FlowTableLimits limits;
  limits.capacity = 3;
  FlowMappingTable table(limits);
  const FlowId outgoing = insert(table, flow(1));
  const FlowId from_outside = insert(table, incoming(2));
  const FlowId closing = insert(table, flow(3));
  REQUIRE(table.set_activity(closing, kBothWays, kNow));
  REQUIRE(table.set_state(closing, FlowState::Closing, kNow));

  auto inserted = table.insert(flow(4), kNow);
  REQUIRE(inserted);
  CHECK(inserted->evicted->id == closing);
  inserted = table.insert(flow(5), kNow);
  REQUIRE(inserted);
  CHECK(inserted->evicted->id == from_outside);
  inserted = table.insert(flow(6), kNow);
  REQUIRE(inserted);
  CHECK(inserted->evicted->id == outgoing);
  CHECK(table.size() == 3);
}

TEST_CASE("a flood from outside pushes out nothing but itself", "[flow_mapping_table]") {
  FlowTableLimits limits;
  limits.capacity = 10;
  FlowMappingTable table(limits);
  std::vector<FlowId> own;
  for (std::uint16_t port = 1; port <= 5; ++port) own.push_back(insert(table, flow(port)));
  FlowEntry answered = incoming(6);
  own.push_back(insert(table, answered));
  REQUIRE(table.set_activity(own.back(), kBothWays, kNow));
  for (std::uint16_t port = 1000; port < 2000; ++port) REQUIRE(table.insert(incoming(port), kNow));
  CHECK(table.size() == 10);
  for (const FlowId id : own) CHECK(table.find(id) != nullptr);
}

TEST_CASE("when nothing may leave the new flow is refused", "[flow_mapping_table]") {
  FlowTableLimits limits;
  limits.capacity = 2;
  FlowMappingTable table(limits);
  REQUIRE(table.set_activity(insert(table, flow(1)), kBothWays, kNow));
  const FlowId unanswered = insert(table, flow(2));
  CHECK(table.insert(incoming(3), kNow).error() == InsertRefusal::Full);
  REQUIRE(table.set_activity(unanswered, kBothWays, kNow));
  CHECK(table.insert(flow(3), kNow).error() == InsertRefusal::Full);
  CHECK(table.size() == 2);
}

}  // namespace mipflow::flow_separator
