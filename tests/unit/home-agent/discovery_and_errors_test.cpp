// SPDX-License-Identifier: GPL-3.0-or-later
// Answers to requests and to wrong packets: RFC 6275 §9.2, §9.3, §10.5; RFC 2473 §8.
#include <catch2/catch.hpp>

#include "agent_discovery.hpp"
#include "fixture.hpp"
#include "mipflow/wire/home_agents_anycast.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;

namespace {

// The packet of a Binding Update with the Mobility Header changed by `change` and its checksum made right again.
template <class Change>
Bytes changed(const Fixture& f, const Update& update, Change change) {
  const Bytes packet = f.packet_of(update);
  const auto view = *wire::parse_packet(packet);
  Bytes header(view.payload.begin(), view.payload.end());
  change(header);
  wire::Envelope envelope{view.source, view.destination, view.home_address_option};
  return wire::build_packet_from_header(envelope, header);
}

}  // namespace

TEST_CASE("an unknown Mobility Header type is answered with a Binding Error, bound or not") {
  for (const bool bound : {true, false})
    for (const bool with_option : {true, false}) {
      Fixture f(Fixture::on_virtual_home_link());
      if (bound) f.establish({});
      f.take_sent();
      const Update update{.wire_source = with_option ? kCareOf1 : kPrimary, .home_address_option = with_option};
      f.send_packet(changed(f, update, [](Bytes& header) { header[2] = 255; }));
      const auto sent = f.take_sent();
      REQUIRE(sent.size() == 1);
      const auto error = Fixture::message_in<wire::BindingError>(sent[0]);
      REQUIRE(error);
      CHECK(error->status == wire::BindingErrorStatus::UnrecognizedMobilityType);
      CHECK(error->home_address == (with_option ? kPrimary : Address{}));
      const auto view = sent[0].decoded().view;
      CHECK(view.source == kHomeAgent);
      CHECK(view.destination == *update.wire_source);
      CHECK_FALSE(view.routing_header_home_address);
    }
}

TEST_CASE("Payload Proto and Header Len get a Parameter Problem that points at them") {
  struct Row {
    bool with_option;
    std::size_t octet;
    std::uint8_t value;
    std::uint32_t pointer;
  };
  for (const Row row : {Row{true, 0, 58, 64}, {false, 0, 58, 40}, {true, 1, 0, 65}, {false, 1, 0, 41}}) {
    Fixture f(Fixture::on_virtual_home_link());
    f.establish({});
    f.take_sent();
    const auto before = f.fingerprint();
    const Update update{.wire_source = row.with_option ? kCareOf1 : kPrimary,
                        .sequence = 16,
                        .home_address_option = row.with_option};
    const Bytes bad = changed(f, update, [&](Bytes& header) {
      header[row.octet] = row.value;
      if (row.octet == 1) header.resize(8);
    });
    f.send_packet(bad);
    const auto sent = f.take_sent();
    REQUIRE(sent.size() == 1);
    const auto error = Fixture::message_in<wire::Icmpv6Error>(sent[0]);
    REQUIRE(error);
    CHECK(error->type == 4);
    CHECK(error->code == 0);
    CHECK(error->parameter == row.pointer);
    CHECK(error->invoking_packet == bad);
    CHECK(sent[0].decoded().view.destination == *update.wire_source);
    CHECK_FALSE(sent[0].decoded().view.routing_header_home_address);
    CHECK(f.fingerprint() == before);
  }
}

TEST_CASE("on the home link a registered home address is answered there, not through its tunnel") {
  for (const bool bound : {true, false}) {
    Fixture f;
    if (bound) f.establish({});
    f.take_sent();
    const Update update{.wire_source = kPrimary, .home_address_option = false};
    for (const std::size_t octet : {0u, 1u, 2u}) {  // Payload Proto, Header Len, MH Type
      const Bytes packet = changed(f, update, [&](Bytes& header) {
        header.at(octet) = octet == 1 ? 0 : 255;
        if (octet == 1) header.resize(8);
      });
      f.send_packet(packet, kHomeInterface, kMobileNodeMac);
      const auto sent = f.take_sent();
      REQUIRE(sent.size() == 1);
      CHECK(sent[0].out.interface == (bound ? kHomeInterface : 0));
      CHECK(sent[0].out.link_layer_destination == (bound ? std::optional(kMobileNodeMac) : std::nullopt));
      // From elsewhere the frame's sender is a router.
      f.send_packet(packet, kOutside, kMobileNodeMac);
      const auto routed = f.take_sent();
      REQUIRE(routed.size() == 1);
      CHECK_FALSE(routed[0].out.link_layer_destination);
    }
  }
}

TEST_CASE("errors about long packets fit the minimum MTU") {
  Fixture f(Fixture::on_virtual_home_link());
  const Bytes bad = changed(f, {.extra_options = {wire::UnknownOption{200, Bytes(250, 1)},
                                                  wire::UnknownOption{200, Bytes(250, 1)},
                                                  wire::UnknownOption{200, Bytes(250, 1)},
                                                  wire::UnknownOption{200, Bytes(250, 1)},
                                                  wire::UnknownOption{200, Bytes(250, 1)}}},
                            [](Bytes& header) { header[0] = 58; });
  REQUIRE(bad.size() > 1280);
  f.send_packet(bad);
  const auto sent = f.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].out.packet.size() == 1280);
}

TEST_CASE("silence: bad checksums, multicast and unspecified sources, type 2 routing headers") {
  Fixture f(Fixture::on_virtual_home_link());
  Bytes packet = f.packet_of({});
  packet[packet.size() - 1] ^= 1;
  f.send_packet(packet);
  for (const char* source : {"ff0e::1", "::", "::1"})
    f.send_packet(changed(f, {.wire_source = address(source)}, [](Bytes& header) { header[2] = 255; }));
  const Bytes good = f.packet_of({});
  const auto view = *wire::parse_packet(good);
  f.send_packet(wire::build_packet_from_header({kCareOf1, kHomeAgent, kPrimary, kHomeAgent},
                                               Bytes(view.payload.begin(), view.payload.end())));
  CHECK(f.take_sent().empty());
  CHECK(f.fingerprint().empty());
}

TEST_CASE("strangers can not make the home agent send without end") {
  Fixture f(Fixture::on_virtual_home_link());
  const Bytes unknown = changed(f, {}, [](Bytes& header) { header[2] = 255; });
  for (int i = 0; i < 1000; ++i) f.send_packet(unknown);
  CHECK(f.take_sent().size() == 50);
  f.advance(1s);
  for (int i = 0; i < 1000; ++i) f.send_packet(unknown);
  CHECK(f.take_sent().size() == 50);
  f.advance(10ms);
  for (int i = 0; i < 1000; ++i) f.send_packet(unknown);
  CHECK(f.take_sent().size() == 1);

  for (int i = 0; i < 1000; ++i) f.send({.key = Bytes(16, 1)});
  CHECK(f.take_sent().size() == 50);
  CHECK(f.agent->counters().dropped_unauthenticated == 1000);
}

TEST_CASE("dynamic home agent address discovery") {
  CHECK(wire::home_agents_anycast(*Prefix::parse("2001:db8:100::/64")) == address("2001:db8:100:0:fdff:ffff:ffff:fffe"));
  for (const char* destination : {"2001:db8:100:0:fdff:ffff:ffff:fffe", "2001:db8:100::1"}) {
    Fixture f;
    f.send_packet(wire::build_packet({kCareOf1, address(destination)},
                                     wire::HomeAgentAddressDiscoveryRequest{.identifier = 4711}));
    const auto sent = f.take_sent();
    REQUIRE(sent.size() == 1);
    const auto reply = Fixture::message_in<wire::HomeAgentAddressDiscoveryReply>(sent[0]);
    REQUIRE(reply);
    CHECK(reply->identifier == 4711);
    CHECK(reply->home_agents == std::vector<Address>{kHomeAgent});
    CHECK(sent[0].decoded().view.source == kHomeAgent);
    CHECK(sent[0].decoded().view.destination == kCareOf1);
  }
  for (const char* destination : {"2001:db8:101:0:fdff:ffff:ffff:fffe", "2001:db8:100::2"}) {
    Fixture f;
    f.send_packet(wire::build_packet({kCareOf1, address(destination)}, wire::HomeAgentAddressDiscoveryRequest{}));
    CHECK(f.take_sent().empty());
  }
}

namespace {

Bytes inner_packet(std::size_t length, std::uint8_t protocol = kProtocolUdp, std::uint8_t first_octet = 0,
                   const Address& source = kCorrespondent) {
  Bytes payload(length - 40, 0xab);
  payload[0] = first_octet;
  return wire::build_packet_around({source, kPrimary}, protocol, payload);
}

Bytes tunnel_error(std::uint8_t type, std::uint8_t code, std::uint32_t parameter, const Bytes& inner,
                   const Address& outer_source = kHomeAgent, const Address& outer_destination = kCareOf1) {
  Bytes outer = wire::encapsulate(inner, outer_source, outer_destination);
  outer.resize(std::min<std::size_t>(outer.size(), 1232));
  return wire::build_packet({address("2001:db8:ffff::1"), kHomeAgent},
                            wire::Icmpv6Error{type, code, parameter, outer});
}

}  // namespace

TEST_CASE("an error about a tunnelled packet is told to whoever sent that packet") {
  struct Row {
    const char* what;
    std::uint8_t type, code;
    std::uint32_t parameter;
    std::size_t length;
    std::optional<std::pair<std::uint8_t, std::uint8_t>> relayed;
    std::uint32_t relayed_parameter;
  };
  using Kind = std::pair<std::uint8_t, std::uint8_t>;
  for (const Row& row : {Row{"no route", 1, 0, 0, 200, Kind{1, 3}, 0},
                         {"address unreachable", 1, 3, 0, 1400, Kind{1, 3}, 0},
                         {"hop limit", 3, 0, 0, 200, Kind{1, 3}, 0},
                         {"reassembly time", 3, 1, 0, 200, std::nullopt, 0},
                         {"too big", 2, 0, 1400, 1400, Kind{2, 0}, 1360},
                         {"much too big", 2, 0, 1300, 1400, Kind{2, 0}, 1280},
                         {"nonsense MTU", 2, 0, 5, 1400, Kind{2, 0}, 1280},
                         {"too big, but it is the tunnel's business", 2, 0, 1280, 1280, std::nullopt, 0},
                         {"parameter problem", 4, 0, 6, 200, std::nullopt, 0}}) {
    INFO(row.what);
    Fixture f(Fixture::on_virtual_home_link());
    f.establish({});
    f.take_sent();
    const Bytes inner = inner_packet(row.length);
    f.send_packet(tunnel_error(row.type, row.code, row.parameter, inner));
    const auto sent = f.take_sent();
    REQUIRE(sent.size() == (row.relayed ? 1u : 0u));
    if (!row.relayed) continue;
    const auto error = *Fixture::message_in<wire::Icmpv6Error>(sent[0]);
    CHECK(error.type == row.relayed->first);
    CHECK(error.code == row.relayed->second);
    CHECK(error.parameter == row.relayed_parameter);
    CHECK(sent[0].decoded().view.source == kHomeAgent);
    CHECK(sent[0].decoded().view.destination == kCorrespondent);
    CHECK(sent[0].out.packet.size() <= 1280);
    CHECK(std::equal(error.invoking_packet.begin(), error.invoking_packet.end(), inner.begin()));
  }
}

TEST_CASE("tunnel errors that could not be about one of our tunnels are not relayed") {
  struct Row {
    const char* what;
    Bytes packet;
  };
  const Bytes inner = inner_packet(200);
  for (const Row& row :
       {Row{"another outer source", tunnel_error(1, 0, 0, inner, kCorrespondent)},
        {"not the care-of address", tunnel_error(1, 0, 0, inner, kHomeAgent, kCareOf2)},
        {"about an error", tunnel_error(1, 0, 0, inner_packet(200, kProtocolIcmpv6, 1))},
        {"from a multicast source", tunnel_error(1, 0, 0, inner_packet(200, kProtocolUdp, 0, address("ff0e::1")))},
        {"from nobody", tunnel_error(1, 0, 0, inner_packet(200, kProtocolUdp, 0, Address{}))},
        {"not about a tunnel", wire::build_packet({kCorrespondent, kHomeAgent}, wire::Icmpv6Error{1, 0, 0, inner})},
        {"about nothing", wire::build_packet({kCorrespondent, kHomeAgent}, wire::Icmpv6Error{1, 0, 0, {}})}}) {
    INFO(row.what);
    Fixture f(Fixture::on_virtual_home_link());
    f.establish({});
    f.take_sent();
    f.send_packet(row.packet);
    CHECK(f.take_sent().empty());
  }
  // The echo request is no error, and the care-of address before may still bring one.
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({});
  f.advance(1s);
  f.send({.care_of_address = kCareOf2, .sequence = 16});
  f.take_sent();
  f.send_packet(tunnel_error(1, 0, 0, inner_packet(200, kProtocolIcmpv6, 128)));
  CHECK(f.take_sent().size() == 1);
}

TEST_CASE("other packets with a Home Address option need a binding to their source") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({});
  f.take_sent();
  const auto udp = [](const Address& source) {
    return wire::build_packet_around({source, kHomeAgent, kPrimary}, kProtocolUdp, Bytes(16, 0));
  };
  f.send_packet(udp(kCareOf1));
  CHECK(f.take_sent().empty());
  f.send_packet(udp(kCareOf2));
  const auto errors = f.take_messages<wire::BindingError>();
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].status == wire::BindingErrorStatus::UnknownBinding);
  CHECK(errors[0].home_address == kPrimary);
}
