// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §9.5.1, §9.5.4 and §10.3.1 on a virtual home link, where an accepted Binding Update is answered at once.
#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;
using wire::BindingStatus;

TEST_CASE("a registration is acknowledged, bound and tunnelled") {
  Fixture f(Fixture::on_virtual_home_link());
  f.send({});
  const auto answer = f.take_acknowledgement();
  REQUIRE(answer);
  CHECK(answer->at == f.now.monotonic);
  CHECK(answer->message.status == BindingStatus::Accepted);
  CHECK(answer->message.sequence == 15);
  CHECK(answer->message.lifetime_units == 105);
  CHECK_FALSE(answer->message.key_management_mobility_capability);
  CHECK(wire::find_option<wire::BindingRefreshAdvice>(answer->message.options) == nullptr);
  CHECK(answer->view.source == kHomeAgent);
  CHECK(answer->view.destination == kCareOf1);
  CHECK(answer->view.routing_header_home_address == kPrimary);
  CHECK_FALSE(answer->view.home_address_option);
  CHECK(answer->authentic);
  CHECK(answer->timestamp == wire::ntp_timestamp(f.now.wall));
  CHECK(answer->out.interface == 0);

  CHECK(f.state(kPrimary) == "bound");
  CHECK(f.binding(kPrimary)->primary);
  CHECK(f.binding(kPrimary)->mobile_node == "laptop@example.net");
  CHECK(f.binding(kPrimary)->lifetime == 420s);
  CHECK(f.tunnelled_to(kPrimary) == kCareOf1);
  CHECK(f.accepts_from(kPrimary, kCareOf1));
  CHECK(f.agent->plan().tunnels.find(kPrimary)->home_agent == kHomeAgent);
  CHECK(f.agent->plan().proxied_neighbours.items().empty());
  CHECK(f.agent->counters().accepted == 1);
  CHECK(f.noticed("binding-created"));
}

TEST_CASE("the acknowledgement comes with and without A, and reserved flags mean nothing") {
  for (const bool acknowledge : {true, false})
    for (const std::uint16_t flags : std::initializer_list<std::uint16_t>{0, 0x0001, 0x0400, 0x0fff}) {
      Fixture f(Fixture::on_virtual_home_link());
      f.send({.acknowledge = acknowledge, .other_flags = flags});
      REQUIRE(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
    }
}

TEST_CASE("options that nobody knows and padding are skipped") {
  Fixture f(Fixture::on_virtual_home_link());
  f.send({.extra_options = {wire::UnknownOption{200, Bytes(11, 7)}, wire::UnknownOption{201, {}}}});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
}

TEST_CASE("the alternate care-of address is bound, the source on the wire is answered") {
  Fixture f(Fixture::on_virtual_home_link());
  f.send({.care_of_address = kCareOf1, .wire_source = kCareOf2});
  const auto answer = f.take_acknowledgement();
  CHECK(answer->message.status == BindingStatus::Accepted);
  CHECK(answer->view.destination == kCareOf2);
  CHECK(answer->authentic);
  CHECK(f.tunnelled_to(kPrimary) == kCareOf1);

  f.advance(1ms);
  f.send({.care_of_address = kCareOf2, .sequence = 16, .alternate_care_of_address = false});
  CHECK(f.tunnelled_to(kPrimary) == kCareOf2);
}

TEST_CASE("every home address has its own care-of address, and moving one leaves the others alone") {
  Fixture f(Fixture::on_virtual_home_link());
  f.send({});
  f.send({.home_address = kDynamic, .care_of_address = kCareOf2, .sequence = 900});
  CHECK(f.take_acknowledgements().size() == 2);
  CHECK(f.tunnelled_to(kPrimary) == kCareOf1);
  CHECK(f.tunnelled_to(kDynamic) == kCareOf2);
  f.advance(1ms);
  const auto before = *f.binding(kDynamic);

  f.send({.care_of_address = kCareOf2, .sequence = 16});
  CHECK(f.tunnelled_to(kPrimary) == kCareOf2);
  CHECK(f.binding(kDynamic)->sequence == before.sequence);
  CHECK(f.binding(kDynamic)->lifetime == before.lifetime);
  CHECK(f.tunnelled_to(kDynamic) == kCareOf2);

  f.send({.home_address = kDynamic, .care_of_address = kCareOf1, .sequence = 901});
  CHECK(f.tunnelled_to(kPrimary) == kCareOf2);
  CHECK(f.tunnelled_to(kDynamic) == kCareOf1);
  CHECK_FALSE(f.binding(kDynamic)->primary);
  CHECK(f.binding(kDynamic)->mobile_node == "laptop@example.net");
}

namespace {

struct SilentCase {
  const char* what;
  Update update;
};

}  // namespace

TEST_CASE("a Binding Update whose form is wrong is dropped silently and changes nothing") {
  // Each of them would be accepted if it were not for the one thing that `what` names.
  const std::vector<SilentCase> cases{
      {"home address multicast", {.home_address = address("ff0e::1")}},
      {"home address link-local", {.home_address = address("fe80::100")}},
      {"home address unspecified", {.home_address = Address{}}},
      {"home address loopback", {.home_address = address("::1")}},
      {"care-of address multicast", {.care_of_address = address("ff0e::1"), .wire_source = kCareOf1}},
      {"care-of address unspecified", {.care_of_address = Address{}, .wire_source = kCareOf1}},
      {"care-of address link-local", {.care_of_address = address("fe80::5"), .wire_source = kCareOf1}},
      {"source multicast", {.wire_source = address("ff0e::9")}},
      {"source unspecified", {.wire_source = Address{}}},
      {"source loopback", {.wire_source = address("::1")}},
      {"nonce indices in a home registration", {.extra_options = {wire::NonceIndices{1, 2}}}},
      {"registration without Home Address option",
       {.care_of_address = kCareOf1, .wire_source = kPrimary, .home_address_option = false}},
      {"not to the home agent's address", {.destination = kCorrespondent}},
  };
  for (const auto& wrong : cases) {
    INFO(wrong.what);
    Fixture f(Fixture::on_virtual_home_link());
    f.establish({.sequence = 3});
    f.take_sent();
    const auto before = f.fingerprint();
    f.advance(0s);
    Update update = wrong.update;
    update.sequence = 20;
    f.send(update);
    CHECK(f.take_sent().empty());
    CHECK(f.fingerprint() == before);
  }
}

TEST_CASE("refusals and their order") {
  struct Row {
    const char* what;
    BindingStatus status;
    Update update;
  };
  auto configuration = Fixture::on_virtual_home_link();
  configuration.mobile_nodes[1].may_allocate_home_addresses = false;
  const Bytes other_key = Fixture::key_of(kOtherPrimary);
  const wire::SecurityAssociation other{"other@example.net", 2000, other_key};
  const std::vector<Row> rows{
      {"outside the home prefixes", BindingStatus::NotHomeSubnet, {.home_address = address("2001:db8:999::1")}},
      {"a subnet-router anycast address", BindingStatus::AdministrativelyProhibited,
       {.home_address = address("2001:db8:100::")}},
      {"the home agents anycast address", BindingStatus::AdministrativelyProhibited,
       {.home_address = address("2001:db8:100:0:fdff:ffff:ffff:fffe")}},
      {"the home agent's own address as home address", BindingStatus::DuplicateAddressDetectionFailed,
       {.home_address = kHomeAgent}},
      {"another mobile node's primary home address", BindingStatus::AdministrativelyProhibited,
       {.home_address = kOtherPrimary, .key = wire::derived_key({"", 0, Fixture::key_of(kPrimary)}, kPrimary, kOtherPrimary)}},
      {"a dynamic address without permission", BindingStatus::AdministrativelyProhibited,
       {.home_address = kDynamic,
        .identifier = "other@example.net",
        .spi = 2000,
        .key = wire::derived_key(other, kOtherPrimary, kDynamic)}},
      {"the home address as care-of address", BindingStatus::InvalidCareOfAddress, {.care_of_address = kPrimary, .wire_source = kCareOf1}},
      {"the home agent as care-of address", BindingStatus::InvalidCareOfAddress, {.care_of_address = kHomeAgent, .wire_source = kCareOf1}},
      // 132 is found before 174.
      {"outside, and a wrong care-of address", BindingStatus::NotHomeSubnet,
       {.home_address = address("2001:db8:999::1"), .care_of_address = kHomeAgent, .wire_source = kCareOf1}},
      // 145 before 132.
      {"outside, and no timestamp", BindingStatus::MipV6MesgIdReqd,
       {.home_address = address("2001:db8:999::1"), .clock_offset = std::nullopt}},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    Fixture f(configuration);
    f.send(row.update);
    const auto answer = f.take_acknowledgement();
    REQUIRE(answer);
    CHECK(answer->message.status == row.status);
    CHECK(answer->message.sequence == 15);
    CHECK(answer->view.routing_header_home_address == row.update.home_address);
    CHECK(wire::find_option<wire::MessageAuthentication>(answer->message.options) != nullptr);
    CHECK(f.agent->counters().refused == 1);
    CHECK(f.fingerprint().empty());
  }
}

TEST_CASE("without home prefixes there is no home registration") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.home_prefixes.clear();
  Fixture f(configuration);
  f.send({});
  const auto answer = f.take_acknowledgement();
  CHECK(answer->message.status == BindingStatus::HomeRegistrationNotSupported);
  CHECK(answer->authentic);
}

TEST_CASE("a care-of address that is a bound home address is refused, so tunnels never run in circles") {
  Fixture f(Fixture::on_virtual_home_link());
  f.send({.home_address = kDynamic});
  f.send({.care_of_address = kDynamic, .wire_source = kCareOf2});
  auto answers = f.take_acknowledgements();
  REQUIRE(answers.size() == 2);
  CHECK(answers[1].message.status == BindingStatus::InvalidCareOfAddress);

  // Once that home address is given up, it is an address like any other.
  f.advance(1ms);
  f.send({.home_address = kDynamic, .sequence = 16, .lifetime_units = 0});
  f.send({.care_of_address = kDynamic, .wire_source = kCareOf2, .sequence = 17});
  answers = f.take_acknowledgements();
  CHECK(answers[1].message.status == BindingStatus::Accepted);
}

TEST_CASE("a home address that another mobile node holds is taken, and its binding stays untouched") {
  Fixture f(Fixture::on_virtual_home_link());
  f.send({.home_address = kDynamic, .sequence = 500});
  f.take_sent();
  const auto before = f.fingerprint();

  const wire::SecurityAssociation other{"other@example.net", 2000, Fixture::key_of(kOtherPrimary)};
  Update stranger{.home_address = kDynamic,
                  .care_of_address = kCareOf2,
                  .sequence = 501,
                  .identifier = "other@example.net",
                  .spi = 2000,
                  .key = wire::derived_key(other, kOtherPrimary, kDynamic)};
  f.send(stranger);
  auto answer = f.take_acknowledgement();
  CHECK(answer->message.status == BindingStatus::DuplicateAddressDetectionFailed);
  // The sequence number is the stranger's own: nothing is told about the binding.
  CHECK(answer->message.sequence == 501);
  stranger.sequence = 3;
  f.send(stranger);
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::DuplicateAddressDetectionFailed);
  stranger.lifetime_units = 0;
  f.send(stranger);
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::NotHomeAgentForThisMobileNode);
  CHECK(f.fingerprint() == before);

  // Given up, it is free for the other one, with sequence numbers of its own.
  f.advance(1ms);
  f.send({.home_address = kDynamic, .sequence = 502, .lifetime_units = 0});
  f.take_sent();
  stranger.lifetime_units = 105;
  stranger.clock_offset = 1ms;
  f.send(stranger);
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
  CHECK(f.binding(kDynamic)->mobile_node == "other@example.net");
}

TEST_CASE("H can not be taken off a home registration") {
  Fixture f(Fixture::on_virtual_home_link());
  f.send({.home_registration = false});
  CHECK(f.take_sent().empty());
  f.send({});
  f.take_sent();
  const auto before = f.fingerprint();
  f.send({.care_of_address = kCareOf2, .sequence = 16, .home_registration = false, .clock_offset = 1ms});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::RegistrationTypeChangeDisallowed);
  CHECK(f.fingerprint() == before);
}

TEST_CASE("signalling that comes out of the tunnel is left alone") {
  Fixture f(Fixture::on_virtual_home_link());
  Outputs outputs;
  f.agent->handle(PacketReceived{f.packet_of({}), kOutside, kCareOf1, std::nullopt}, f.now, outputs);
  CHECK(outputs.packets.empty());
  CHECK(f.fingerprint().empty());
}

TEST_CASE("without authentication everybody registers, but not over those who have a key") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.accept_unauthenticated_insecure = true;
  Fixture f(configuration);
  f.send({.home_address = kDynamic, .authenticated = false});
  auto answer = f.take_acknowledgement();
  REQUIRE(answer);
  CHECK(answer->message.status == BindingStatus::Accepted);
  CHECK(answer->message.options.empty());
  CHECK(answer->view.routing_header_home_address == kDynamic);
  CHECK(f.binding(kDynamic)->mobile_node.empty());
  f.send({.home_address = kDynamic, .sequence = 15, .authenticated = false});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::SequenceNumberOutOfWindow);

  // A home address with a key is for those who know the key, bound or not.
  f.send({.authenticated = false});
  CHECK(f.take_sent().empty());
  f.send({});
  CHECK(f.take_acknowledgement()->authentic);
  f.send({.care_of_address = kCareOf2, .sequence = 16, .authenticated = false});
  CHECK(f.take_sent().empty());
  CHECK(f.tunnelled_to(kPrimary) == kCareOf1);

  // And a dynamic one of theirs can not be taken over either.
  const Address dynamic = address("2001:db8:100::a2");
  f.send({.home_address = dynamic});
  f.send({.home_address = dynamic, .care_of_address = kCareOf2, .sequence = 16, .authenticated = false});
  CHECK(f.take_acknowledgements()[1].message.status == BindingStatus::DuplicateAddressDetectionFailed);
  CHECK(f.tunnelled_to(dynamic) == kCareOf1);
}

TEST_CASE("a home address that another home agent has delegated to this one is registered there, and not here") {
  for (const bool on_link : {true, false}) {
    Fixture f(on_link ? Fixture::default_configuration() : Fixture::on_virtual_home_link());
    f.agent->plan().tunnels.set(kPrimary, {kCareOf1, address("2001:db8:100::2")});
    const auto before = f.fingerprint();
    f.send({.care_of_address = kCareOf2});
    f.send({.care_of_address = kCareOf2, .sequence = 16, .lifetime_units = 0});
    f.advance(5s);
    const auto answers = f.take_acknowledgements();
    REQUIRE(answers.size() == 2);
    for (const auto& answer : answers) CHECK(answer.message.status == BindingStatus::NotHomeAgentForThisMobileNode);
    CHECK(f.fingerprint() == before);
    CHECK(f.tunnelled_to(kPrimary) == kCareOf1);
  }
}
