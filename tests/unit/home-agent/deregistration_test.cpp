// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §10.3.2.
#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;
using wire::BindingStatus;

TEST_CASE("de-registration from away: everything stops at once") {
  for (const bool acknowledge : {true, false}) {
    Fixture f;
    f.establish({.link_local = true});
    f.advance(10s);
    f.take_sent();
    f.send({.sequence = 16, .lifetime_units = 0, .acknowledge = acknowledge});
    const auto answer = f.take_acknowledgement();
    REQUIRE(answer);
    CHECK(answer->message.status == BindingStatus::Accepted);
    CHECK(answer->message.lifetime_units == 0);
    CHECK(answer->message.sequence == 16);
    CHECK(answer->view.destination == kCareOf1);
    CHECK(answer->view.routing_header_home_address == kPrimary);
    CHECK(answer->authentic);
    CHECK(f.state(kPrimary) == "deleted");
    CHECK(f.tunnelled_to(kPrimary).is_unspecified());
    CHECK(f.agent->plan().proxied_neighbours.items().empty());

    CHECK_FALSE(f.accepts_from(kPrimary, kCareOf1));
    CHECK(f.agent->plan().tunnel_sources.items().empty());

    f.advance(10s - 1ns);
    CHECK(f.state(kPrimary) == "deleted");
    f.advance(1ns);
    CHECK(f.state(kPrimary).empty());
    CHECK(f.agent->counters().expired == 0);
  }
}

TEST_CASE("a Binding Update that was delayed on its way does not bring the binding back") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.mobile_nodes[0].timestamps_required = false;
  Fixture f(configuration);
  f.establish({.sequence = 15, .clock_offset = std::nullopt});
  f.send({.sequence = 17, .lifetime_units = 0, .clock_offset = std::nullopt});
  f.take_sent();
  f.advance(9s);
  f.send({.sequence = 16, .clock_offset = std::nullopt});
  const auto answer = f.take_acknowledgement();
  CHECK(answer->message.status == BindingStatus::SequenceNumberOutOfWindow);
  CHECK(answer->message.sequence == 17);
  CHECK(answer->view.destination == kCareOf1);
  CHECK(f.tunnelled_to(kPrimary).is_unspecified());
  // MAX_DELETE_BCE_TIMEOUT is over: nothing is known any more.
  f.advance(1s);
  f.send({.sequence = 16, .clock_offset = std::nullopt});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
}

TEST_CASE("a newer Binding Update registers again, after duplicate address detection on a real home link") {
  Fixture f;
  f.establish({.sequence = 15});
  f.send({.sequence = 17, .lifetime_units = 0});
  f.advance(2s);
  f.take_sent();
  f.send({.care_of_address = kCareOf2, .sequence = 18});
  CHECK(f.take_messages<wire::NeighborSolicitation>().size() == 1);
  CHECK(f.state(kPrimary) == "detecting-duplicates");
  f.advance(1s);
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
  CHECK(f.tunnelled_to(kPrimary) == kCareOf2);
  // The end of the ten seconds means nothing to the new binding.
  f.advance(20s);
  CHECK(f.state(kPrimary) == "bound");
}

TEST_CASE("de-registration of what is not registered is answered with 133") {
  Fixture f;
  for (const bool acknowledge : {true, false}) {
    f.send({.sequence = acknowledge ? std::uint16_t{15} : std::uint16_t{16}, .lifetime_units = 0,
            .acknowledge = acknowledge});
    const auto answer = f.take_acknowledgement();
    REQUIRE(answer);
    CHECK(answer->message.status == BindingStatus::NotHomeAgentForThisMobileNode);
    CHECK(answer->view.routing_header_home_address == kPrimary);
    CHECK(f.fingerprint().empty());
    f.advance(1ms);
  }
}

TEST_CASE("a de-registration that is repeated because its answer was lost gets the same answer") {
  Fixture f(Fixture::on_virtual_home_link());
  f.establish({});
  f.advance(1s);
  f.send({.sequence = 16, .lifetime_units = 0});
  f.advance(1s);
  f.take_sent();
  f.send({.sequence = 17, .lifetime_units = 0});
  CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
  // The ten seconds begin anew.
  f.advance(9500ms);
  CHECK(f.state(kPrimary) == "deleted");
}

namespace {

Update from_home(std::uint16_t sequence, bool with_home_address_option) {
  return {.care_of_address = kPrimary,
          .wire_source = kPrimary,
          .sequence = sequence,
          .lifetime_units = 0,
          .home_address_option = with_home_address_option,
          .alternate_care_of_address = false,
          .interface = kHomeInterface,
          .link_layer_source = kMobileNodeMac};
}

}  // namespace

TEST_CASE("returning home: the answer goes to the frame's sender, without a routing header") {
  for (const bool with_option : {true, false}) {
    Fixture f;
    f.establish({.sequence = 15});
    f.advance(5s);
    f.take_sent();

    // Refused, while the binding lives: still straight to the mobile node, and not into the tunnel.
    f.send(from_home(14, with_option));
    auto answer = f.take_acknowledgement();
    REQUIRE(answer);
    CHECK(answer->message.status == BindingStatus::SequenceNumberOutOfWindow);
    CHECK(answer->message.sequence == 15);
    CHECK(answer->view.destination == kPrimary);
    CHECK_FALSE(answer->view.routing_header_home_address);
    CHECK(answer->out.interface == kHomeInterface);
    CHECK(answer->out.link_layer_destination == kMobileNodeMac);
    CHECK(f.tunnelled_to(kPrimary) == kCareOf1);

    f.advance(1ms);
    f.send(from_home(16, with_option));
    answer = f.take_acknowledgement();
    REQUIRE(answer);
    CHECK(answer->message.status == BindingStatus::Accepted);
    CHECK_FALSE(answer->view.routing_header_home_address);
    CHECK(answer->out.interface == kHomeInterface);
    CHECK(answer->out.link_layer_destination == kMobileNodeMac);
    CHECK(answer->authentic);
    CHECK_FALSE(f.proxies(kPrimary));
    CHECK(f.tunnelled_to(kPrimary).is_unspecified());
  }
}

TEST_CASE("de-registration at home without a binding") {
  for (const bool with_option : {true, false}) {
    Fixture f;
    f.send(from_home(16, with_option));
    const auto answer = f.take_acknowledgement();
    REQUIRE(answer);
    CHECK(answer->message.status == BindingStatus::NotHomeAgentForThisMobileNode);
    CHECK_FALSE(answer->view.routing_header_home_address);
    CHECK(answer->out.link_layer_destination == kMobileNodeMac);
  }
}
