// SPDX-License-Identifier: GPL-3.0-or-later
// Home registration on the wire: RFC 6275 §11.7.1, §11.8.
#include <catch2/catch.hpp>

#include "mipflow/wire/authentication.hpp"
#include "mipflow/wire/options.hpp"
#include "support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

// The one Binding Update that is expected to have been sent.
SentUpdate only_update(TestNode& test) {
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  return updates.front();
}

// Nothing leaves before the gap is over, and exactly one Binding Update then.
SentUpdate after_silence(TestNode& test, Duration gap) {
  test.advance(gap - 1ms);
  CHECK(test.take_updates().empty());
  test.advance(1ms);
  return only_update(test);
}

SentUpdate register_primary(TestNode& test) {
  test.wlan_up();
  const auto update = only_update(test);
  test.acknowledge(update);
  return update;
}

Configuration without_pool() {
  auto out = configuration();
  out.warm_pool_size = 0;
  out.anchor_per_interface = false;
  return out;
}

}  // namespace

TEST_CASE("the first Binding Update has what RFC 6275 §11.7.1 and RFC 4285 ask for") {
  TestNode test;
  CHECK(test.take_updates().empty());
  test.wlan_up();
  const auto update = only_update(test);
  CHECK(update.home_address == kPrimary);
  CHECK(update.has_home_address_option);
  CHECK(update.source == kWlanAddress);
  CHECK(update.care_of_address == kWlanAddress);
  CHECK(wire::find_option<wire::AlternateCareOfAddress>(update.message.options) != nullptr);
  CHECK(update.interface == kWlan);
  CHECK(update.message.acknowledge);
  CHECK(update.message.home_registration);
  CHECK_FALSE(update.message.link_local_address_compatibility);
  CHECK_FALSE(update.message.key_management_mobility_capability);
  CHECK(update.message.other_flags == 0);
  CHECK(update.lifetime() == 600s);
  CHECK(wire::find_option<wire::NonceIndices>(update.message.options) == nullptr);
  CHECK(wire::find_option<wire::BindingAuthorizationData>(update.message.options) == nullptr);
  CHECK(wire::find_option<wire::MobileNodeIdentifier>(update.message.options) != nullptr);
  CHECK(update.timestamp == wire::ntp_timestamp(test.both().wall));
}

TEST_CASE("the L flag follows the interface identifier of the care-of interface") {
  TestNode test;
  test.handle(AddressChanged{.interface = kWlan, .address = address("fe80::1234")});
  test.wlan_up();
  CHECK(only_update(test).message.link_local_address_compatibility);
}

TEST_CASE("without an answer the first registration is repeated after 1.5 s, doubling to 32 s, for ever") {
  TestNode test;
  test.wlan_up();
  auto last = only_update(test);
  for (const Duration gap : {Duration{1500ms}, Duration{3s}, Duration{6s}, Duration{12s}, Duration{24s}, Duration{32s},
                             Duration{32s}, Duration{32s}}) {
    const auto next = after_silence(test, gap);
    CHECK(wire::sequence_is_newer(next.message.sequence, last.message.sequence));
    CHECK(next.timestamp > last.timestamp);
    CHECK(next.lifetime() == 600s);
    last = next;
  }
  CHECK_FALSE(test.node.status(test.both()).registered);
  CHECK_FALSE(test.node.plan().default_route.has_value());
}

TEST_CASE("with a binding the gaps start at 1 s") {
  TestNode test(without_pool());
  register_primary(test);
  test.handle(AddressRemoved{.interface = kWlan, .address = kWlanAddress});
  test.handle(AddressChanged{.interface = kWlan, .address = address("2001:db8:a::99")});
  only_update(test);
  for (const Duration gap : {Duration{1s}, Duration{2s}, Duration{4s}, Duration{8s}, Duration{16s}, Duration{32s}, Duration{32s}})
    CHECK(after_silence(test, gap).care_of_address == address("2001:db8:a::99"));
}

TEST_CASE("the acknowledgement to an earlier transmission counts") {
  TestNode test;
  test.wlan_up();
  const auto first = only_update(test);
  test.advance(1500ms);
  only_update(test);
  test.acknowledge(first);
  CHECK(test.node.status(test.both()).registered);
  // The lifetime counts from when the acknowledged one was sent.
  CHECK(test.home_address(kPrimary)->lifetime == Duration{600s - 1500ms});
}

TEST_CASE("a binding is refreshed when three quarters of its lifetime are over") {
  TestNode test(without_pool());
  const auto first = register_primary(test);
  const auto refresh = after_silence(test, 450s);
  CHECK(refresh.care_of_address == kWlanAddress);
  CHECK(wire::sequence_is_newer(refresh.message.sequence, first.message.sequence));
  CHECK(test.node.status(test.both()).registered);
  // Unanswered, it is repeated after 1 s, and the binding counts as good until it ends.
  after_silence(test, 1s);
  test.acknowledge(after_silence(test, 2s));
  CHECK(test.home_address(kPrimary)->lifetime == 600s);
}

TEST_CASE("a lifetime that the home agent shortened is the one that counts") {
  TestNode test(without_pool());
  test.wlan_up();
  test.acknowledge(only_update(test), {.lifetime_units = std::uint16_t{15}});  // 60 s
  CHECK(test.home_address(kPrimary)->lifetime == 60s);
  after_silence(test, 45s);
}

TEST_CASE("a lifetime that the home agent made longer is not taken") {
  TestNode test(without_pool());
  test.wlan_up();
  test.acknowledge(only_update(test), {.lifetime_units = std::uint16_t{60'000}});
  CHECK(test.home_address(kPrimary)->lifetime == 600s);
}

TEST_CASE("a Binding Refresh Advice is followed when it is earlier") {
  TestNode test(without_pool());
  test.wlan_up();
  SECTION("earlier than our own time") {
    test.acknowledge(only_update(test), {.refresh_units = std::uint16_t{25}});  // 100 s
    after_silence(test, 100s);
  }
  SECTION("not shorter than the lifetime: no advice") {
    test.acknowledge(only_update(test), {.refresh_units = std::uint16_t{150}});
    after_silence(test, 450s);
  }
  SECTION("zero: no advice") {
    test.acknowledge(only_update(test), {.refresh_units = std::uint16_t{0}});
    after_silence(test, 450s);
  }
}

TEST_CASE("a binding that runs out is registered again like a first one") {
  TestNode test(without_pool());
  register_primary(test);
  test.advance(600s - 1ms);
  CHECK(test.node.plan().default_route.has_value());
  CHECK(test.take_updates().size() > 5);
  test.advance(1ms);
  CHECK_FALSE(test.node.status(test.both()).registered);
  CHECK_FALSE(test.node.plan().default_route.has_value());
  CHECK(test.saw_event("binding-expired"));
  only_update(test);
  after_silence(test, 1500ms);
}

TEST_CASE("the lifetime is bounded by the care-of address") {
  TestNode test;
  test.carrier(kWlan, "wlan0", true);
  test.handle(RouterChanged{.interface = kWlan, .router = address("fe80::1")});
  test.handle(AddressChanged{.interface = kWlan, .address = kWlanAddress, .valid_for = Duration{103s}});
  CHECK(only_update(test).lifetime() == 100s);
}

TEST_CASE("not more than three Binding Updates per second") {
  TestNode test(without_pool());
  test.wlan_up();
  const TimePoint start = test.now();
  std::vector<TimePoint> sent;
  for (int i = 0; i < 200; ++i) {
    const auto care_of_address = i % 2 == 0 ? address("2001:db8:a::99") : kWlanAddress;
    test.handle(AddressChanged{.interface = kWlan, .address = care_of_address});
    test.handle(AddressRemoved{.interface = kWlan, .address = i % 2 == 0 ? kWlanAddress : address("2001:db8:a::99")});
    test.advance(10ms);
  }
  for (const auto& update : test.take_updates()) sent.push_back(update.at);
  CHECK(sent.size() >= 5);
  for (std::size_t i = 3; i < sent.size(); ++i) CHECK(sent[i] - sent[i - 3] >= 1s);
  CHECK(sent.front() == start);
}

TEST_CASE("a clean stop de-registers every home address and knows when it is done") {
  TestNode test;
  test.wlan_up();
  test.serve(5s);
  REQUIRE(test.cache.size() == 3);
  test.stop();
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 3);
  CHECK_FALSE(test.node.stopped());
  for (const auto& update : updates) {
    CHECK(update.message.lifetime_units == 0);
    CHECK(update.has_home_address_option);
    CHECK(update.care_of_address == kWlanAddress);
    test.acknowledge(update);
  }
  CHECK(test.node.stopped());
  test.advance(60s);
  CHECK(test.take_updates().empty());
}

TEST_CASE("a de-registration that nobody answers is given up after five Binding Updates") {
  TestNode test(without_pool());
  register_primary(test);
  test.stop();
  only_update(test);
  for (const Duration gap : {Duration{1s}, Duration{2s}, Duration{4s}, Duration{8s}})
    CHECK(after_silence(test, gap).message.lifetime_units == 0);
  test.advance(16s - 1ms);
  CHECK_FALSE(test.node.stopped());
  test.advance(1ms);
  CHECK(test.node.stopped());
  CHECK(test.take_updates().empty());
}

TEST_CASE("without protection the acknowledgement needs the right source, home address and sequence number") {
  auto insecure = without_pool();
  insecure.authentication = Authentication::NoneInsecure;
  TestNode test(insecure);
  test.wlan_up();
  const auto update = only_update(test);
  CHECK(update.timestamp == 0);
  CHECK(wire::find_option<wire::MessageAuthentication>(update.message.options) == nullptr);
  SECTION("right") {
    test.acknowledge(update);
    CHECK(test.node.status(test.both()).registered);
    CHECK(test.node.status(test.both()).problems.size() == 1);
  }
  SECTION("another source") {
    test.acknowledge(update, {.from = kCorrespondent});
    CHECK_FALSE(test.node.status(test.both()).registered);
    CHECK(test.saw_event("acknowledgement-from-stranger"));
  }
  SECTION("another sequence number") {
    test.acknowledge(update, {.sequence = static_cast<std::uint16_t>(update.message.sequence + 1)});
    CHECK_FALSE(test.node.status(test.both()).registered);
    CHECK(test.saw_event("acknowledgement-unexpected"));
  }
  SECTION("status 135 tells the last accepted sequence number") {
    test.acknowledge(update, {.status = wire::BindingStatus::SequenceNumberOutOfWindow, .sequence = std::uint16_t{500}});
    CHECK(only_update(test).message.sequence == 501);
  }
}
