// SPDX-License-Identifier: GPL-3.0-or-later
// Returning home, RFC 6275 §11.5.5, and leaving again.
#include "flow_support.hpp"
#include "mipflow/wire/authentication.hpp"

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

TEST_CASE("at home a lease is refreshed every ten minutes, from the primary home address") {
  Configuration leased = mobile_node::test::configuration();
  leased.allocation_mechanisms = {hoa_alloc::Origin::Agent, hoa_alloc::Origin::Prefix};
  leased.warm_pool_size = 0;
  leased.anchor_per_interface = false;
  leased.kept_home_addresses = {{.home_address = kNeighbour, .origin = hoa_alloc::Origin::Agent}};
  TestNode test(leased);
  const auto refreshes = [&] {
    std::vector<OutgoingPacket> out;
    for (auto& packet : test.take_other_packets()) {
      const auto decoded = wire::decode_packet(packet.packet);
      const auto* mobility = decoded ? std::get_if<wire::MobilityMessage>(&decoded->message) : nullptr;
      const auto* message = mobility == nullptr ? nullptr : std::get_if<wire::AgentServiceMessage>(mobility);
      const auto* refresh = message == nullptr ? nullptr : std::get_if<wire::HomeAddressRefresh>(&message->body);
      if (refresh == nullptr) continue;
      CHECK(refresh->addresses == std::vector{kNeighbour});
      CHECK(decoded->view.source == kPrimary);
      CHECK_FALSE(decoded->view.home_address_option);
      CHECK(decoded->view.destination == kHomeAgent);
      CHECK(wire::authenticator_is_right(decoded->view.payload, leased.security_association.spi, leased.security_association.key, kPrimary,
                                         kPrimary));
      CHECK(packet.link_layer_destination == kHomeAgentMac);
      CHECK(packet.interface == kEth);
      out.push_back(packet);
    }
    return out;
  };
  test.wlan_up();
  test.serve(20min);
  REQUIRE(test.home_address(kNeighbour)->state == "registered");
  CHECK(refreshes().empty());  // the binding says that it is wanted
  plug_in_at_home(test);
  home_agent_answers_solicitation(test);
  test.serve(1s);
  REQUIRE(test.node.status(test.both()).at_home);
  REQUIRE(test.home_address(kNeighbour)->state == "at-home");
  test.serve(10min);
  CHECK(refreshes().size() >= 1);
  // Nobody answers here. It is told again.
  test.serve(20min);
  CHECK(refreshes().size() >= 1);
  unplug(test);
  test.serve(10min);
  test.take_other_packets();
  test.serve(30min);
  CHECK(refreshes().empty());
}

TEST_CASE("at home without a binding, another node that has the home address keeps it") {
  TestNode test;
  plug_in_at_home(test);
  REQUIRE(take<wire::NeighborSolicitation>(test).size() == 1);
  home_agent_answers_solicitation(test);
  // The home agent might have a binding of before a restart. It has none, and still somebody answers.
  const auto update = update_of(test.take_updates(), kPrimary);
  REQUIRE(update);
  CHECK(update->message.lifetime_units == 0);
  test.acknowledge(*update, {.status = wire::BindingStatus::NotHomeAgentForThisMobileNode});
  CHECK(take<wire::NeighborSolicitation>(test).size() == 1);
  home_agent_answers_solicitation(test);
  CHECK(test.saw_event("home-address-in-use"));
  test.advance(60s - 1ms);
  CHECK_FALSE(test.node.status(test.both()).at_home);
  CHECK(test.node.plan().home_addresses.find(kPrimary) == nullptr);
  CHECK(test.take_other_packets().empty());
  CHECK(test.take_updates().empty());
  SECTION("until it has left") {
    test.advance(1ms);
    CHECK(take<wire::NeighborSolicitation>(test).size() == 1);
    test.advance(3s);
    CHECK(test.node.status(test.both()).at_home);
  }
  SECTION("or until this one leaves") {
    unplug(test);
    test.wlan_up();
    test.serve(5s);
    CHECK(test.node.status(test.both()).registered);
    test.advance(10min);
    CHECK(take<wire::NeighborSolicitation>(test).empty());
  }
}

TEST_CASE("a binding of before a restart is given back at home, as any other") {
  TestNode test;
  plug_in_at_home(test);
  home_agent_answers_solicitation(test);
  const auto update = update_of(test.take_updates(), kPrimary);
  REQUIRE(update);
  CHECK(update->source == kPrimary);
  CHECK(update->message.lifetime_units == 0);
  CHECK_FALSE(test.node.status(test.both()).at_home);
  SECTION("accepted") {
    test.acknowledge(*update);
    CHECK(test.node.status(test.both()).at_home);
    CHECK_FALSE(test.saw_event("home-address-in-use"));
  }
  SECTION("the home agent is silent: whose the home address is stays open, and it is not used") {
    take<wire::NeighborSolicitation>(test);
    test.advance(48s);  // five Binding Updates, and the questions again
    CHECK_FALSE(test.node.status(test.both()).at_home);
    CHECK_FALSE(take<wire::NeighborSolicitation>(test).empty());
  }
}

TEST_CASE("a home agent that knows of no binding to give back is not who answered for the home address") {
  TestNode test;
  test.wlan_up();
  test.serve(5s);
  test.take_updates();
  plug_in_at_home(test);
  take<wire::NeighborSolicitation>(test);
  home_agent_answers_solicitation(test);
  const auto update = update_of(test.take_updates(), kPrimary);
  REQUIRE(update);
  test.acknowledge(*update, {.status = wire::BindingStatus::NotHomeAgentForThisMobileNode});
  CHECK_FALSE(test.node.status(test.both()).at_home);
  CHECK(take<wire::NeighborSolicitation>(test).size() == 1);
  SECTION("nobody answers again") {
    test.advance(3s);
    CHECK(test.node.status(test.both()).at_home);
  }
  SECTION("the other node does") {
    home_agent_answers_solicitation(test);
    CHECK(test.saw_event("home-address-in-use"));
    test.advance(30s);
    CHECK_FALSE(test.node.status(test.both()).at_home);
  }
  SECTION("the home link is left before that is known") {
    unplug(test);
    test.serve(5s);
    CHECK(test.node.status(test.both()).registered);
    CHECK_FALSE(test.node.status(test.both()).at_home);
  }
}
