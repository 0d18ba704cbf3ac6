// SPDX-License-Identifier: GPL-3.0-or-later
// The home agent as a correspondent node: for mobile nodes of other home agents, not for its own (RFC 6275 §9.5.1).
#include "fixture.hpp"
#include "mipflow/wire/return_routability.hpp"

using namespace mipflow;
using namespace mipflow::home_agent::test;
using wire::BindingStatus;

namespace {

const Address kForeignHome = address("2001:db8:900::100");  // another home agent's mobile node

struct Tokens {
  std::uint16_t home_index = 0, care_of_index = 0;
  wire::KeygenToken home = 0, care_of = 0;
};

Tokens return_routability(Fixture& f, const Address& home_address, const Address& care_of_address,
                          std::optional<Address> tunnel_source = std::nullopt) {
  Tokens tokens;
  Outputs outputs;
  f.agent->handle(PacketReceived{wire::build_packet({home_address, kHomeAgent}, wire::HomeTestInit{1}), kOutside, tunnel_source},
                  f.now, outputs);
  f.agent->handle(PacketReceived{wire::build_packet({care_of_address, kHomeAgent}, wire::CareOfTestInit{2}), kOutside},
                  f.now, outputs);
  REQUIRE(outputs.packets.size() == 2);
  const auto home = Fixture::message_in<wire::HomeTest>({f.now.monotonic, outputs.packets[0]});
  const auto care_of = Fixture::message_in<wire::CareOfTest>({f.now.monotonic, outputs.packets[1]});
  REQUIRE(home);
  REQUIRE(care_of);
  return {home->home_nonce_index, care_of->care_of_nonce_index, home->home_keygen_token, care_of->care_of_keygen_token};
}

struct Request {
  Address home_address = kForeignHome;
  Address care_of_address = kCareOf1;
  std::uint16_t sequence = 1;
  std::uint16_t lifetime_units = 105;
};

// The acknowledgement, whose authenticator is looked at.
wire::BindingAcknowledgement register_correspondent(Fixture& f, const Request& request, const Tokens& tokens) {
  wire::BindingUpdate update;
  update.sequence = request.sequence;
  update.acknowledge = true;
  update.lifetime_units = request.lifetime_units;
  update.options = {wire::NonceIndices{tokens.home_index, tokens.care_of_index}};
  const bool deletes = request.lifetime_units == 0;
  const auto key = wire::binding_management_key(tokens.home, deletes ? std::nullopt : std::optional(tokens.care_of));
  const Address authenticated = deletes ? request.home_address : request.care_of_address;
  wire::Envelope envelope{request.care_of_address, kHomeAgent};
  envelope.home_address_option = request.home_address;
  f.send_packet(wire::build_packet_from_header(
      envelope, wire::encode_with_binding_authorization(update, key, authenticated, kHomeAgent)));
  const auto sent = f.take_sent();
  REQUIRE(sent.size() == 1);
  const auto view = wire::parse_packet(sent[0].out.packet);
  REQUIRE(view);
  CHECK(wire::binding_authorization_is_right(view->payload, key, authenticated, kHomeAgent));
  CHECK(view->routing_header_home_address == request.home_address);
  return *Fixture::message_in<wire::BindingAcknowledgement>(sent[0]);
}

Bytes data_with_option(const Address& home_address, const Address& source) {
  return wire::build_packet_around({source, kHomeAgent, home_address}, kProtocolUdp, Bytes(16));
}

}  // namespace

TEST_CASE("a mobile node of another home agent gets a correspondent registration") {
  Fixture f(Fixture::on_virtual_home_link());
  f.send_packet(data_with_option(kForeignHome, kCareOf1));
  CHECK(f.take_messages<wire::BindingError>().size() == 1);
  const Tokens tokens = return_routability(f, kForeignHome, kCareOf1);
  CHECK(register_correspondent(f, {}, tokens).status == BindingStatus::Accepted);
  const auto* item = f.agent->plan().correspondent_bindings.find({kForeignHome, kHomeAgent});
  REQUIRE(item != nullptr);
  CHECK(item->care_of_address == kCareOf1);
  f.send_packet(data_with_option(kForeignHome, kCareOf1));
  CHECK(f.take_sent().empty());
  f.send_packet(data_with_option(kForeignHome, kCareOf2));
  CHECK(f.take_messages<wire::BindingError>().size() == 1);

  CHECK(f.agent->correspondent_bindings(f.now).size() == 1);
  CHECK(f.agent->correspondent_counters().accepted == 1);
  CHECK(f.agent->bindings(f.now).empty());
  CHECK(f.agent->counters().accepted == 0);
  f.advance(420s);
  CHECK(f.agent->plan().correspondent_bindings.items().empty());
}

TEST_CASE("H can be taken off a home registration by return routability neither, nor can it be deleted so") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({.sequence = 15});
  f.take_sent();
  const auto before = f.fingerprint();
  // The home test comes through the tunnel, and is answered into it.
  const Tokens tokens = return_routability(f, kPrimary, kCareOf1, kCareOf1);
  for (const std::uint16_t units : std::initializer_list<std::uint16_t>{105, 0}) {
    const auto answer = register_correspondent(f, {.home_address = kPrimary, .sequence = 5, .lifetime_units = units}, tokens);
    CHECK(answer.status == BindingStatus::RegistrationTypeChangeDisallowed);
    CHECK(f.fingerprint() == before);
  }
  CHECK(f.agent->plan().correspondent_bindings.items().empty());
}

TEST_CASE("home addresses below its own home prefixes get no correspondent registration, registered or not") {
  Fixture f(Fixture::on_virtual_home_link());
  const Tokens tokens = return_routability(f, kPrimary, kCareOf1);
  CHECK(register_correspondent(f, {.home_address = kPrimary}, tokens).status == BindingStatus::AdministrativelyProhibited);
  CHECK(f.agent->plan().correspondent_bindings.items().empty());
  f.establish({});
}

TEST_CASE("a care-of address that is registered here as a home address is refused") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({});
  f.take_sent();
  const Tokens tokens = return_routability(f, kForeignHome, kPrimary);
  CHECK(register_correspondent(f, {.care_of_address = kPrimary}, tokens).status == BindingStatus::InvalidCareOfAddress);
}

TEST_CASE("a correspondent registration does not become a home registration") {
  // A prefix that became a home prefix meanwhile.
  Fixture f(Fixture::on_virtual_home_link());
  const Tokens tokens = return_routability(f, kForeignHome, kCareOf1);
  CHECK(register_correspondent(f, {}, tokens).status == BindingStatus::Accepted);
  auto configuration = f.configuration;
  configuration.home_prefixes.push_back({*Prefix::parse("2001:db8:900::/64")});
  f.configure(configuration);
  for (const std::uint16_t units : std::initializer_list<std::uint16_t>{105, 0}) {
    f.send({.home_address = kForeignHome, .lifetime_units = units});
    const auto answer = f.take_acknowledgement();
    REQUIRE(answer);
    CHECK(answer->message.status == BindingStatus::RegistrationTypeChangeDisallowed);
    f.advance(1s);
  }
  CHECK(f.state(kForeignHome) == "");
  // It ends as every other, and then the home registration is free.
  CHECK(register_correspondent(f, {.sequence = 2, .lifetime_units = 0}, tokens).status == BindingStatus::Accepted);
  f.establish({.home_address = kForeignHome, .sequence = 100});
}

TEST_CASE("nothing but the home test is signalling when it comes through the tunnel") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({});
  f.take_sent();
  for (const Bytes& packet :
       {wire::build_packet({kPrimary, kHomeAgent}, wire::CareOfTestInit{1}), f.packet_of({.sequence = 16}),
        data_with_option(kForeignHome, kPrimary)}) {
    Outputs outputs;
    f.agent->handle(PacketReceived{packet, kOutside, kCareOf1}, f.now, outputs);
    CHECK(outputs.packets.empty());
  }
}

TEST_CASE("correspondent registrations do not push out home registrations") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.correspondent_node.binding_cache_capacity = 2;
  Fixture f(configuration);
  f.establish({});
  f.take_sent();
  for (const char* home : {"2001:db8:900::1", "2001:db8:900::2", "2001:db8:900::3", "2001:db8:900::4"}) {
    const Tokens tokens = return_routability(f, address(home), kCareOf2);
    CHECK(register_correspondent(f, {.home_address = address(home), .care_of_address = kCareOf2}, tokens).status ==
          BindingStatus::Accepted);
    f.advance(1s);
  }
  CHECK(f.agent->plan().correspondent_bindings.items().size() == 2);
  CHECK(f.tunnelled_to(kPrimary) == kCareOf1);
}

TEST_CASE("an error about a packet with a routing header counts for the correspondent registration") {
  Fixture f(Fixture::on_virtual_home_link());
  CHECK(register_correspondent(f, {}, return_routability(f, kForeignHome, kCareOf1)).status == BindingStatus::Accepted);
  wire::Envelope envelope{kHomeAgent, kCareOf1};
  envelope.routing_header_home_address = kForeignHome;
  const Bytes sent = wire::build_packet_around(envelope, kProtocolUdp, Bytes(16));
  for (int i = 0; i < 4; ++i) {
    CHECK(f.agent->plan().correspondent_bindings.items().size() == 1);
    f.send_packet(wire::build_packet({kCorrespondent, kHomeAgent},
                                     wire::Icmpv6Error{wire::kIcmpv6DestinationUnreachable, 3, 0, sent}));
    f.advance(5s);
  }
  CHECK(f.agent->plan().correspondent_bindings.items().empty());
}

TEST_CASE("switched off, the home agent is no correspondent node") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.correspondent_node.route_optimization = false;
  Fixture f(configuration);
  f.send_packet(wire::build_packet({kForeignHome, kHomeAgent}, wire::HomeTestInit{1}));
  f.send_packet(wire::build_packet({kCareOf1, kHomeAgent}, wire::CareOfTestInit{1}));
  CHECK(f.take_sent().empty());
  f.establish({});
}
