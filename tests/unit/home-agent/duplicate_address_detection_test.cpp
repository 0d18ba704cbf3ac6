// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §10.3.1: duplicates on the home link before the first acknowledgement.
#include "duplicate_address_detection.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;
using wire::BindingStatus;

namespace {

constexpr LinkLayerAddress kNeighbourMac{2, 0, 0, 0, 0, 0x99};
const Address kAllNodes = address("ff02::1");

Bytes advertisement_of(const Address& target, const Address& source = address("2001:db8:100::99")) {
  return wire::build_packet({source, kAllNodes},
                            wire::NeighborAdvertisement{.override_flag = true, .target = target,
                                                        .target_link_layer_address = kNeighbourMac});
}

Bytes detection_of(const Address& target) {
  return wire::build_packet({Address{}, solicited_node_multicast(target)}, wire::NeighborSolicitation{target, {}});
}

Bytes resolution_of(const Address& target) {
  return wire::build_packet({address("fe80::99"), solicited_node_multicast(target)},
                            wire::NeighborSolicitation{target, kNeighbourMac});
}

}  // namespace

TEST_CASE("the first registration waits one second for duplicates and is answered then") {
  Fixture f;
  const TimePoint start = f.now.monotonic;
  f.send({});
  const auto solicitations = f.take_sent();
  REQUIRE(solicitations.size() == 1);
  const auto decoded = solicitations[0].decoded();
  CHECK(decoded.view.source.is_unspecified());
  CHECK(decoded.view.destination == solicited_node_multicast(kPrimary));
  CHECK(decoded.view.hop_limit == 255);
  const auto solicitation = Fixture::message_in<wire::NeighborSolicitation>(solicitations[0]);
  REQUIRE(solicitation);
  CHECK(solicitation->target == kPrimary);
  CHECK_FALSE(solicitation->source_link_layer_address);
  CHECK(solicitations[0].out.interface == kHomeInterface);

  CHECK(f.watches(kPrimary));
  CHECK_FALSE(f.watches(link_local_with_same_interface_identifier(kPrimary)));
  CHECK(f.state(kPrimary) == "detecting-duplicates");
  CHECK(f.tunnelled_to(kPrimary).is_unspecified());
  CHECK_FALSE(f.proxies(kPrimary));
  CHECK(f.agent->next_deadline() == start + 1s);

  f.advance(1s - 1ns);
  CHECK(f.take_sent().empty());
  f.advance(1ns);
  const auto answer = f.take_acknowledgement();
  REQUIRE(answer);
  CHECK(answer->at == start + 1s);
  CHECK(answer->message.status == BindingStatus::Accepted);
  // The lifetime begins when the binding does.
  CHECK(f.binding(kPrimary)->lifetime == 420s);
  CHECK_FALSE(f.watches(kPrimary));
  CHECK(f.proxies(kPrimary));
  CHECK(f.tunnelled_to(kPrimary) == kCareOf1);
}

TEST_CASE("refreshes and moves are answered at once") {
  Fixture f;
  f.establish({});
  f.take_sent();
  f.advance(10s);
  f.take_sent();
  f.send({.care_of_address = kCareOf2, .sequence = 16});
  const auto sent = f.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(Fixture::message_in<wire::BindingAcknowledgement>(sent[0])->status == BindingStatus::Accepted);
  CHECK(f.tunnelled_to(kPrimary) == kCareOf2);
}

TEST_CASE("with L the link-local address is looked for as well") {
  Fixture f;
  const Address link_local = link_local_with_same_interface_identifier(kPrimary);
  f.send({.link_local = true});
  const auto solicitations = f.take_messages<wire::NeighborSolicitation>();
  REQUIRE(solicitations.size() == 2);
  CHECK(solicitations[0].target == kPrimary);
  CHECK(solicitations[1].target == link_local);
  CHECK(f.watches(link_local));
  f.advance(1s);
  CHECK(f.proxies(link_local));
  CHECK_FALSE(f.watches(link_local));
}

TEST_CASE("whoever shows that he has the address ends the registration with 134") {
  const Address link_local = link_local_with_same_interface_identifier(kPrimary);
  struct Row {
    const char* what;
    bool with_link_local;
    Bytes packet;
    InterfaceIndex interface;
    std::optional<LinkLayerAddress> from;
    bool duplicate;
  };
  const std::vector<Row> rows{
      {"an advertisement", false, advertisement_of(kPrimary), kHomeInterface, kNeighbourMac, true},
      {"an advertisement from an unknown frame", false, advertisement_of(kPrimary), kHomeInterface, {}, true},
      {"another detection", false, detection_of(kPrimary), kHomeInterface, kNeighbourMac, true},
      {"an advertisement of the link-local address", true, advertisement_of(link_local), kHomeInterface, kNeighbourMac, true},
      {"a detection of the link-local address", true, detection_of(link_local), kHomeInterface, kNeighbourMac, true},
      {"the link-local address without L", false, advertisement_of(link_local), kHomeInterface, kNeighbourMac, false},
      {"somebody who only asks for it", false, resolution_of(kPrimary), kHomeInterface, kNeighbourMac, false},
      {"our own detection come back", false, detection_of(kPrimary), kHomeInterface, kHomeAgentMac, false},
      {"an advertisement of another address", false, advertisement_of(kDynamic), kHomeInterface, kNeighbourMac, false},
      {"an advertisement from another link", false, advertisement_of(kPrimary), kOutside, kNeighbourMac, false},
  };
  for (const auto& row : rows)
    for (const bool acknowledge : {true, false}) {
      INFO(row.what);
      Fixture f;
      f.send({.acknowledge = acknowledge, .link_local = row.with_link_local});
      f.advance(500ms);
      f.take_sent();
      f.send_packet(row.packet, row.interface, row.from);
      const auto answer = f.take_acknowledgement();
      REQUIRE(answer.has_value() == row.duplicate);
      if (!row.duplicate) {
        f.advance(500ms);
        CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
        continue;
      }
      CHECK(answer->message.status == BindingStatus::DuplicateAddressDetectionFailed);
      CHECK(answer->authentic);
      CHECK(answer->view.routing_header_home_address == kPrimary);
      CHECK(f.tunnelled_to(kPrimary).is_unspecified());
      CHECK(f.agent->plan().proxied_neighbours.items().empty());
      CHECK(f.agent->plan().watched_addresses.items().empty());
      CHECK(f.agent->plan().tunnel_sources.items().empty());
      f.advance(1h);
      CHECK(f.take_sent().empty());
      CHECK(f.state(kPrimary).empty());
    }
}

TEST_CASE("a hop limit below 255 shows that it is no neighbour's") {
  Fixture f;
  f.send({});
  f.take_sent();
  Bytes packet = advertisement_of(kPrimary);
  packet[7] = 254;
  f.send_packet(packet, kHomeInterface, kNeighbourMac);
  f.advance(1s);
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
}

TEST_CASE("of Binding Updates that are repeated meanwhile the newest is answered, once") {
  Fixture f;
  f.send({.sequence = 15});
  f.advance(400ms);
  f.send({.care_of_address = kCareOf2, .sequence = 16});
  f.advance(400ms);
  const Bytes newest = f.packet_of({.care_of_address = kCareOf2, .sequence = 18});
  f.send_packet(newest);
  f.send_packet(newest);                 // duplicated by the network
  f.send({.sequence = 17});              // overtaken
  CHECK(f.take_acknowledgements().empty());
  f.advance(200ms);
  const auto answer = f.take_acknowledgement();
  REQUIRE(answer);
  CHECK(answer->message.sequence == 18);
  CHECK(answer->view.destination == kCareOf2);
  CHECK(f.tunnelled_to(kPrimary) == kCareOf2);
  CHECK(f.binding(kPrimary)->sequence == 18);
  CHECK(f.agent->counters().replayed == 2);
}

TEST_CASE("a de-registration takes a waiting registration back") {
  Fixture f;
  f.send({.sequence = 15});
  f.advance(400ms);
  f.take_sent();
  f.send({.sequence = 16, .lifetime_units = 0});
  const auto answer = f.take_acknowledgement();
  CHECK(answer->message.status == BindingStatus::Accepted);
  CHECK(answer->message.lifetime_units == 0);
  CHECK_FALSE(f.watches(kPrimary));
  f.advance(5s);
  CHECK(f.take_sent().empty());
  CHECK(f.tunnelled_to(kPrimary).is_unspecified());
}

TEST_CASE("what changed during the detection counts at its end") {
  Fixture f;
  // Two home addresses that want to be each other's care-of address: whoever comes second is told so.
  f.send({.care_of_address = kDynamic, .wire_source = kCareOf1});
  f.advance(100ms);
  f.send({.home_address = kDynamic, .care_of_address = kCareOf2});
  f.advance(2s);
  const auto answers = f.take_acknowledgements();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].message.status == BindingStatus::InvalidCareOfAddress);
  CHECK(answers[1].message.status == BindingStatus::Accepted);
  CHECK(f.tunnelled_to(kPrimary).is_unspecified());
}

TEST_CASE("home addresses with one link-local address in common do not disturb each other") {
  auto configuration = Fixture::default_configuration();
  configuration.home_prefixes.push_back({*Prefix::parse("2001:db8:101::/64")});
  Fixture f(configuration);
  const Address second = address("2001:db8:101::100");
  const Address link_local = link_local_with_same_interface_identifier(kPrimary);
  f.send({.link_local = true});
  f.advance(500ms);
  f.send({.home_address = second, .link_local = true});
  f.advance(500ms);
  CHECK(f.watches(link_local));
  CHECK(f.proxies(link_local));
  f.advance(500ms);
  CHECK_FALSE(f.watches(link_local));
  f.send({.sequence = 16, .lifetime_units = 0});
  CHECK(f.proxies(link_local));
  f.send({.home_address = second, .sequence = 16, .lifetime_units = 0});
  CHECK_FALSE(f.proxies(link_local));
  CHECK(f.agent->plan().proxied_neighbours.items().empty());
}

TEST_CASE("a link-local address that is the home agent's or another mobile node's is not given away") {
  auto configuration = Fixture::default_configuration();
  configuration.home_prefixes.push_back({*Prefix::parse("2001:db8:101::/64")});
  Fixture f(configuration);
  f.send({.home_address = address("2001:db8:101::1"), .link_local = true});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::DuplicateAddressDetectionFailed);
  f.establish({.link_local = true});
  f.take_sent();
  const wire::SecurityAssociation other{"other@example.net", 2000, Fixture::key_of(kOtherPrimary)};
  const Address same = address("2001:db8:101::100");
  f.send({.home_address = same, .link_local = true, .identifier = "other@example.net", .spi = 2000,
          .key = wire::derived_key(other, kOtherPrimary, same)});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::DuplicateAddressDetectionFailed);
}
