// SPDX-License-Identifier: GPL-3.0-or-later
// What bounds the memory: caps per mobile node and for all.
#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::home_agent::test;
using wire::BindingStatus;

namespace {

Address dynamic(unsigned i) {
  Address out = kDynamic;
  out.octets[12] = static_cast<std::uint8_t>(i >> 8);
  out.octets[13] = static_cast<std::uint8_t>(i);
  return out;
}

}  // namespace

TEST_CASE("a mobile node has so many home addresses and no more, and the others are not harmed") {
  for (const bool real_link : {true, false}) {
    auto configuration = real_link ? Fixture::default_configuration() : Fixture::on_virtual_home_link();
    configuration.mobile_nodes[0].home_address_cap = 4;
    Fixture f(configuration);
    for (unsigned i = 0; i < 6; ++i) f.send({.home_address = dynamic(i)});
    f.advance(1s);
    std::vector<BindingStatus> statuses;
    for (const auto& answer : f.take_acknowledgements()) statuses.push_back(answer.message.status);
    CHECK(std::ranges::count(statuses, BindingStatus::Accepted) == 4);
    CHECK(std::ranges::count(statuses, BindingStatus::InsufficientResources) == 2);
    for (unsigned i = 0; i < 4; ++i) CHECK(f.state(dynamic(i)) == "bound");
    // At the cap refreshes and moves still pass.
    f.advance(1ms);
    f.send({.home_address = dynamic(1), .care_of_address = kCareOf2, .sequence = 16});
    CHECK(f.take_acknowledgement()->message.status == BindingStatus::Accepted);
    // One given back makes room for one.
    f.send({.home_address = dynamic(0), .sequence = 16, .lifetime_units = 0});
    f.establish({.home_address = dynamic(9)});
    f.take_sent();
    f.send({.home_address = dynamic(10)});
    CHECK(f.take_acknowledgement()->message.status == BindingStatus::InsufficientResources);
    // Another mobile node has its own.
    f.establish({.home_address = kOtherPrimary, .identifier = "other@example.net", .spi = 2000});
  }
}

TEST_CASE("going through home addresses quickly does not fill the cache") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.mobile_nodes[0].home_address_cap = 4;
  Fixture f(configuration);
  for (unsigned i = 0; i < 1000; ++i) {
    f.send({.home_address = dynamic(i), .sequence = 1});
    f.advance(1ms);
    f.send({.home_address = dynamic(i), .sequence = 2, .lifetime_units = 0});
    REQUIRE(f.agent->bindings(f.now).size() <= 8);
  }
  f.advance(20s);
  CHECK(f.agent->bindings(f.now).empty());
  CHECK(f.agent->next_deadline() == kNever);
}

TEST_CASE("the binding cache has a capacity") {
  auto configuration = Fixture::on_virtual_home_link();
  configuration.binding_cache_capacity = 2;
  Fixture f(configuration);
  f.send({});
  f.send({.home_address = dynamic(1)});
  f.send({.home_address = dynamic(2)});
  const auto answers = f.take_acknowledgements();
  CHECK(answers[1].message.status == BindingStatus::Accepted);
  CHECK(answers[2].message.status == BindingStatus::InsufficientResources);
  CHECK(f.agent->bindings(f.now).size() == 2);
}
