// SPDX-License-Identifier: GPL-3.0-or-later
// Home addresses that stay the mobile node's over a restart of the daemon.
#include <algorithm>

#include "flow_support.hpp"
#include "mipflow/mn-core/kept_home_addresses.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;
using hoa_alloc::Origin;

namespace {

const Address kLeased = address("2001:db8:1::77");

constexpr const char* kVoiceHasTheLease = R"(
  [[class]]
  name = "voice"
  home-address = "2001:db8:1::77"
  [class.match]
  local-port = 5000
)";

Configuration with(std::vector<KeptHomeAddress> kept) {
  Configuration out = mobile_node::test::configuration();
  out.allocation_mechanisms = {Origin::Agent, Origin::Prefix};
  out.kept_home_addresses = std::move(kept);
  return out;
}

// As the daemon after this one would be started.
Configuration restarted(const TestNode& test) {
  const auto kept = test.kept.find(kKeptHomeAddresses);
  REQUIRE(kept != test.kept.end());
  const auto read = read_kept_home_addresses(kept->second);
  REQUIRE(read);
  return with(*read);
}

void pin(TestNode& test, const Address& home_address, bool pinned) {
  REQUIRE(test.command([&](Now now, Outputs& outputs) { return test.node.pin_home_address(home_address, pinned, now, outputs); }));
}

// Addresses that the mobile node gave back to the address service.
std::vector<Address> given_back(TestNode& test) {
  std::vector<Address> out;
  for (const auto& packet : test.take_other_packets()) {
    const auto decoded = wire::decode_packet(packet.packet);
    const auto* mobility = decoded ? std::get_if<wire::MobilityMessage>(&decoded->message) : nullptr;
    const auto* message = mobility == nullptr ? nullptr : std::get_if<wire::AgentServiceMessage>(mobility);
    const auto* release = message == nullptr ? nullptr : std::get_if<wire::HomeAddressRelease>(&message->body);
    if (release != nullptr) out.insert(out.end(), release->addresses.begin(), release->addresses.end());
  }
  return out;
}

}  // namespace

TEST_CASE("kept home addresses: what is written is read") {
  const std::vector<KeptHomeAddress> kept{
      {.home_address = kLeased, .pinned = true, .origin = Origin::Prefix},
      {.home_address = address("2001:db8:1::78"), .pinned = false, .origin = Origin::Agent, .wall_preferred = 100s, .wall_valid = 1'700'000'000s},
      {.home_address = address("2001:db8:1::79"), .pinned = true, .origin = Origin::Dhcpv6, .wall_preferred = 0s, .wall_valid = Duration::max()}};
  const std::string document = write_kept_home_addresses(kept);
  CHECK(document ==
        "mipflow-home-addresses 1\n"
        "2001:db8:1::77 pinned prefix forever forever\n"
        "2001:db8:1::78 fixed agent 100 1700000000\n"
        "2001:db8:1::79 pinned dhcpv6 0 forever\n");
  CHECK(read_kept_home_addresses(document).value() == kept);
  CHECK(read_kept_home_addresses(write_kept_home_addresses({})).value().empty());
  // A document that a power cut has cut is none, or one of fewer addresses: never one of others.
  for (std::size_t length = 0; length < document.size(); ++length) {
    const auto read = read_kept_home_addresses(document.substr(0, length));
    if (!read) continue;
    for (const auto& each : *read)
      CHECK(std::ranges::any_of(kept, [&](const auto& whole) { return whole.home_address == each.home_address; }));
  }
}

TEST_CASE("kept home addresses: what is wrong is named with its line") {
  const auto [document, wrong] = GENERATE(table<std::string, std::string>({
      {"", "line 1 is not \"mipflow-home-addresses 1\""},
      {"mipflow-home-addresses 2\n", "line 1 is not \"mipflow-home-addresses 1\""},
      {"mipflow-home-addresses 1\nnonsense pinned prefix forever forever\n", "line 2 begins with no home address"},
      {"mipflow-home-addresses 1\nff02::1 pinned prefix forever forever\n", "line 2 begins with no home address"},
      {"mipflow-home-addresses 1\n2001:db8:1::1 wanted prefix forever forever\n", "line 2 says neither 'pinned' nor 'fixed'"},
      {"mipflow-home-addresses 1\n2001:db8:1::1 pinned configured forever forever\n", "line 2 names no origin"},
      {"mipflow-home-addresses 1\n2001:db8:1::1 pinned prefix forever\n", "line 2 ends without two times"},
      {"mipflow-home-addresses 1\n2001:db8:1::1 pinned prefix -1 forever\n", "line 2 ends without two times"},
      {"mipflow-home-addresses 1\n2001:db8:1::1 pinned prefix 1 99999999999999999999\n", "line 2 ends without two times"},
      {"mipflow-home-addresses 1\n2001:db8:1::1 pinned prefix 1 2 3\n", "line 2 ends without two times"},
      {"mipflow-home-addresses 1\n2001:db8:1::1 pinned prefix 1 2\n\n", "line 3 begins with no home address"},
  }));
  INFO(document);
  const auto read = read_kept_home_addresses(document);
  REQUIRE_FALSE(read);
  CHECK(read.error() == wrong);
}

TEST_CASE("a pinned home address is the mobile node's after a restart, too") {
  TestNode test;
  settle_in(test);
  test.outgoing(5000);
  const Address used = test.flow_with_port(5000)->home_address;
  pin(test, used, true);
  const auto allocated = test.command([&](Now now, Outputs& outputs) { return test.node.allocate_home_address(now, outputs); });
  REQUIRE(allocated);
  REQUIRE(*allocated != used);

  SECTION("all of them") {
    TestNode again(restarted(test));
    settle_in(again);
    for (const Address& home_address : {*allocated, used}) {
      REQUIRE(again.home_address(home_address));
      CHECK(again.home_address(home_address)->pinned);
      CHECK(again.home_address(home_address)->state == "registered");
      CHECK(again.home_address(home_address)->origin == "prefix");
    }
    // They are kept as before, though nothing was said of them since.
    CHECK_FALSE(again.kept.contains(kKeptHomeAddresses));
  }
  SECTION("also when a flow of before the restart has one") {
    TestNode again(restarted(test));
    again.handle(FlowRecovered{.key = udp_key(5000), .home_address = used});
    settle_in(again);
    CHECK(again.flow_with_port(5000)->home_address == used);
    CHECK(again.home_address(used)->pinned);
  }
  SECTION("not one that was let go or freed") {
    pin(test, used, false);
    REQUIRE(test.command([&](Now now, Outputs& outputs) { return test.node.free_home_address(*allocated, now, outputs); }));
    TestNode again(restarted(test));
    CHECK(again.configuration.kept_home_addresses.empty());
  }
  SECTION("a pin that changes before the primary home address is registered does not forget the others") {
    TestNode again(restarted(test));
    again.handle(FlowRecovered{.key = udp_key(5000, kPrimary), .home_address = address("2001:db8:1::99")});
    pin(again, address("2001:db8:1::99"), true);
    CHECK(restarted(again).kept_home_addresses.size() == 3);
  }
}

TEST_CASE("a lease that a class has for good is taken up after a restart, and given back when the policy says something else") {
  SECTION("it still has it") {
    TestNode test(with({{.home_address = kLeased, .pinned = false, .origin = Origin::Agent}}), kVoiceHasTheLease);
    settle_in(test);
    REQUIRE(test.home_address(kLeased));
    CHECK(test.home_address(kLeased)->origin == "agent");
    CHECK(test.home_address(kLeased)->state == "registered");
    CHECK(given_back(test).empty());
  }
  SECTION("no class has it") {
    TestNode test(with({{.home_address = kLeased, .pinned = false, .origin = Origin::Agent}}));
    settle_in(test);
    CHECK_FALSE(test.home_address(kLeased));
    const auto released = given_back(test);
    REQUIRE_FALSE(released.empty());
    CHECK(std::ranges::count(released, kLeased) == static_cast<std::ptrdiff_t>(released.size()));
    CHECK(restarted(test).kept_home_addresses.empty());
  }
}

TEST_CASE("a kept home address that can not be had again is given up, and the operator told") {
  const auto kept = GENERATE(KeptHomeAddress{.home_address = kLeased, .origin = Origin::Agent, .wall_preferred = 1s, .wall_valid = 2s},
                             KeptHomeAddress{.home_address = address("2001:db8:99::1")});
  TestNode test(with({kept}));
  test.wlan_up();
  test.serve(5s);
  CHECK(test.saw_event("home-address-not-kept"));
  CHECK_FALSE(test.home_address(kept.home_address));
  CHECK(restarted(test).kept_home_addresses.empty());
}
