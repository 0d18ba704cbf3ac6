// SPDX-License-Identifier: GPL-3.0-or-later
// Returning home, RFC 6275 §11.5.5, and leaving again.
#include "flow_support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

constexpr InterfaceIndex kEth = 2;
constexpr LinkLayerAddress kOwnMac{2, 0, 0, 0, 0, 1};
constexpr LinkLayerAddress kHomeAgentMac{2, 0, 0, 0, 0, 9};
constexpr LinkLayerAddress kNeighbourMac{2, 0, 0, 0, 0, 7};
const Address kHomeLinkAddress = address("2001:db8:1::e0");
const Address kNeighbour = address("2001:db8:1::77");

void plug_in_at_home(TestNode& test) {
  test.handle(InterfaceChanged{.index = kEth, .name = "eth0", .kind = InterfaceKind::Wired, .up = true, .running = true,
                               .link_layer_address = kOwnMac});
  test.handle(AddressChanged{.interface = kEth, .address = kHomeLinkAddress});
  test.handle(RouterChanged{.interface = kEth, .router = address("fe80::9")});
}
void unplug(TestNode& test) {
  test.handle(InterfaceChanged{.index = kEth, .name = "eth0", .kind = InterfaceKind::Wired, .up = true, .running = false});
}

template <class Message>
struct Sent {
  OutgoingPacket packet;
  wire::PacketView view;
  Message message;
};
// The messages of one kind among the other packets.
template <class Message>
std::vector<Sent<Message>> take(TestNode& test) {
  std::vector<Sent<Message>> out;
  for (auto& packet : test.take_other_packets()) {
    const auto decoded = wire::decode_packet(packet.packet);
    REQUIRE(decoded);
    const auto* icmpv6 = std::get_if<wire::Icmpv6Message>(&decoded->message);
    if (icmpv6 == nullptr) continue;
    if (const auto* message = std::get_if<Message>(icmpv6)) out.push_back({packet, decoded->view, *message});
  }
  return out;
}

void home_agent_answers_solicitation(TestNode& test) {
  const wire::NeighborAdvertisement advertisement{.target = kPrimary, .target_link_layer_address = kHomeAgentMac};
  test.handle(PacketReceived{.packet = wire::build_packet({.source = kHomeAgent, .destination = address("ff02::1"), .hop_limit = 255},
                                                          wire::Icmpv6Message{advertisement}),
                             .interface = kEth,
                             .link_layer_source = kHomeAgentMac});
}

std::optional<SentUpdate> update_of(const std::vector<SentUpdate>& updates, const Address& home_address) {
  for (const auto& update : updates)
    if (update.home_address == home_address) return update;
  return std::nullopt;
}

// A flow that a correspondent node began away from home, to port 22, goes on at home.
void come_home_with_a_flow(TestNode& test) {
  test.wlan_up();
  test.serve(5s);
  test.incoming(22);
  test.take_updates();
  plug_in_at_home(test);
  home_agent_answers_solicitation(test);
  test.acknowledge(*update_of(test.take_updates(), kPrimary));
  REQUIRE(test.node.status(test.both()).at_home);
}

}  // namespace

TEST_CASE("coming home: solicitation from ::, de-registration to the home agent's frame address, three advertisements") {
  TestNode test;
  test.wlan_up();
  test.serve(5s);
  test.take_updates();
  plug_in_at_home(test);
  const auto solicitations = take<wire::NeighborSolicitation>(test);
  REQUIRE(solicitations.size() == 1);
  CHECK(solicitations.front().view.source.is_unspecified());
  CHECK(solicitations.front().view.destination == solicited_node_multicast(kPrimary));
  CHECK(solicitations.front().message.target == kPrimary);
  CHECK_FALSE(solicitations.front().message.source_link_layer_address);
  CHECK(solicitations.front().packet.interface == kEth);
  CHECK(test.take_updates().empty());
  CHECK(test.node.plan().watched_addresses.find({kEth, kPrimary}) != nullptr);

  home_agent_answers_solicitation(test);
  const auto updates = test.take_updates();
  const auto update = update_of(updates, kPrimary);
  REQUIRE(update);
  CHECK(update->source == kPrimary);
  CHECK_FALSE(update->has_home_address_option);
  CHECK(update->message.lifetime_units == 0);
  CHECK(update->message.home_registration);
  CHECK(update->message.acknowledge);
  CHECK(wire::find_option<wire::AlternateCareOfAddress>(update->message.options) == nullptr);
  CHECK(update->interface == kEth);
  CHECK(updates.size() == 3);  // the two spares go as well
  // Still in the tunnel, until the home agent has answered.
  CHECK(test.node.plan().default_route.has_value());
  CHECK_FALSE(test.node.status(test.both()).at_home);

  // The home agent looks for the home address to deliver its answer.
  test.take_other_packets();
  const wire::NeighborSolicitation asks{.target = kPrimary, .source_link_layer_address = kHomeAgentMac};
  test.handle(PacketReceived{.packet = wire::build_packet({.source = kHomeAgent, .destination = solicited_node_multicast(kPrimary), .hop_limit = 255},
                                                          wire::Icmpv6Message{asks}),
                             .interface = kEth,
                             .link_layer_source = kHomeAgentMac});
  const auto answers = take<wire::NeighborAdvertisement>(test);
  REQUIRE(answers.size() == 1);
  CHECK(answers.front().view.destination == kHomeAgent);
  CHECK(answers.front().message.solicited);
  CHECK(answers.front().message.target_link_layer_address == kOwnMac);
  CHECK(answers.front().packet.link_layer_destination == kHomeAgentMac);

  test.acknowledge(*update);
  CHECK(test.node.status(test.both()).at_home);
  CHECK(test.node.status(test.both()).registered);
  CHECK_FALSE(test.node.plan().default_route.has_value());
  CHECK(test.node.plan().home_addresses.find(kPrimary)->default_binding == 0);
  for (int i = 0; i < 3; ++i) {
    const auto announcements = take<wire::NeighborAdvertisement>(test);
    REQUIRE(announcements.size() == 1);
    CHECK(announcements.front().view.destination == address("ff02::1"));
    CHECK(announcements.front().message.target == kPrimary);
    CHECK(announcements.front().message.override_flag);
    CHECK_FALSE(announcements.front().message.solicited);
    CHECK(announcements.front().message.target_link_layer_address == kOwnMac);
    test.advance(1s - 1ms);
    CHECK(test.take_other_packets().empty());
    test.advance(1ms);
  }
  test.advance(std::chrono::hours{1});
  CHECK(test.take_other_packets().empty());
}

TEST_CASE("a home agent that does not answer the solicitation is written to by the ordinary way after three of them") {
  TestNode test;
  test.wlan_up();
  test.serve(5s);
  test.take_updates();
  plug_in_at_home(test);
  test.advance(3s - 1ms);
  CHECK(take<wire::NeighborSolicitation>(test).size() == 3);
  CHECK(test.take_updates().empty());
  test.advance(1ms);
  CHECK(update_of(test.take_updates(), kPrimary));
}

TEST_CASE("at home neighbours that ask for the home address get an answer") {
  TestNode test;
  test.wlan_up();
  test.serve(5s);
  test.take_updates();
  plug_in_at_home(test);
  home_agent_answers_solicitation(test);
  test.acknowledge(*update_of(test.take_updates(), kPrimary));
  test.advance(10s);
  test.take_other_packets();
  const wire::NeighborSolicitation asks{.target = kPrimary, .source_link_layer_address = kNeighbourMac};
  PacketReceived received{.packet = wire::build_packet({.source = kNeighbour, .destination = solicited_node_multicast(kPrimary), .hop_limit = 255},
                                                       wire::Icmpv6Message{asks}),
                          .interface = kEth,
                          .link_layer_source = kNeighbourMac};
  SECTION("on the home link") {
    test.handle(received);
    const auto answers = take<wire::NeighborAdvertisement>(test);
    REQUIRE(answers.size() == 1);
    CHECK(answers.front().view.destination == kNeighbour);
  }
  SECTION("not on another link") {
    received.interface = kWlan;
    test.handle(received);
    CHECK(test.take_other_packets().empty());
  }
}

TEST_CASE("leaving home registers again, with the flows that were begun there") {
  TestNode test;
  come_home_with_a_flow(test);
  CHECK(test.flow_with_port(22)->state == "active");
  test.advance(std::chrono::hours{1});
  test.take_updates();
  unplug(test);
  const auto update = update_of(test.take_updates(), kPrimary);
  REQUIRE(update);
  CHECK(update->source == kWlanAddress);
  CHECK(update->message.lifetime_units > 0);
  CHECK(test.node.plan().watched_addresses.items().empty());
  test.acknowledge(*update);
  CHECK(test.node.plan().default_route.has_value());
  REQUIRE(test.flow_with_port(22));
  CHECK(path_of(test, udp_key(22)) == kWlanAddress);
}

TEST_CASE("a flow whose packets are rewritten keeps its binding, and the node returns home when it has ended") {
  TestNode test;
  test.wlan_up();
  test.serve(5s);
  test.outgoing(5000);
  const auto home_address = test.flow_with_port(5000)->home_address;
  REQUIRE(home_address != kPrimary);
  plug_in_at_home(test);
  test.serve(5s);
  CHECK_FALSE(test.node.status(test.both()).at_home);
  CHECK(take<wire::NeighborSolicitation>(test).empty());
  CHECK(path_of(test, udp_key(5000)) == kHomeLinkAddress);
  // New flows do not prolong the wait.
  test.outgoing(5001);
  CHECK(test.flow_with_port(5001)->home_address == kPrimary);
  test.serve(60s);
  test.handle(FlowActivities{{FlowActivity{.key = udp_key(5001), .packets_out = 1, .idle = 0s}}});
  test.serve(121s);
  CHECK_FALSE(test.flow_with_port(5000));
  CHECK_FALSE(take<wire::NeighborSolicitation>(test).empty());
}

TEST_CASE("a command to another interface makes the node leave home") {
  TestNode test;
  come_home_with_a_flow(test);
  test.take_updates();
  REQUIRE(test.move(test.flow_with_port(22)->id, "wlan0"));
  const auto update = update_of(test.take_updates(), kPrimary);
  REQUIRE(update);
  CHECK(update->source == kWlanAddress);
  CHECK_FALSE(test.node.status(test.both()).at_home);
}

TEST_CASE("being at home with one interface does not bring flows home that belong elsewhere") {
  TestNode test(configuration(), R"(
    [[class]]
    interfaces = ["wlan0"]
    [class.match]
    local-port = 22
  )");
  test.wlan_up();
  test.serve(5s);
  test.incoming(22);
  plug_in_at_home(test);
  test.serve(5s);
  CHECK_FALSE(test.node.status(test.both()).at_home);
  CHECK(path_of(test, udp_key(22)) == kWlanAddress);
}
