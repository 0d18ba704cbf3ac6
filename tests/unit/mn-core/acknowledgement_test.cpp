// SPDX-License-Identifier: GPL-3.0-or-later
// Every status of a Binding Acknowledgement, and every acknowledgement that must not be believed: RFC 6275 §11.7.3,
// RFC 4285 §5.
#include <catch2/catch.hpp>

#include "acknowledgement_reaction.hpp"
#include "mipflow/wire/authentication.hpp"
#include "support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;
using wire::BindingStatus;

namespace {

SentUpdate only_update(TestNode& test) {
  const auto updates = test.take_updates();
  REQUIRE(updates.size() == 1);
  return updates.front();
}

Configuration without_pool() {
  auto out = configuration();
  out.warm_pool_size = 0;
  out.anchor_per_interface = false;
  return out;
}

bool is_registered(TestNode& test) { return test.node.status(test.both()).registered; }

}  // namespace

TEST_CASE("the table of reactions") {
  const auto status = [](int number) { return static_cast<BindingStatus>(number); };
  struct Row {
    int number;
    Reaction registering;
    Reaction releasing;
  };
  const std::vector<Row> rows{
      {0, Reaction::Accept, Reaction::Accept},
      {1, Reaction::AcceptAndSolicitPrefixes, Reaction::AcceptAndSolicitPrefixes},
      {127, Reaction::Accept, Reaction::Accept},
      {128, Reaction::RetrySoon, Reaction::RetrySoon},
      {129, Reaction::RetryLate, Reaction::RetryLate},
      {130, Reaction::RetrySoon, Reaction::RetrySoon},
      {131, Reaction::RetryLate, Reaction::RetryLate},
      {132, Reaction::RetryLate, Reaction::RetryLate},
      {133, Reaction::RetryLate, Reaction::AlreadyReleased},
      {134, Reaction::AbandonAddress, Reaction::AbandonAddress},
      {135, Reaction::Resynchronise, Reaction::Resynchronise},
      {136, Reaction::RetrySoon, Reaction::RetrySoon},
      {139, Reaction::RetryLate, Reaction::RetryLate},
      {140, Reaction::RetryLate, Reaction::RetryLate},
      {144, Reaction::AdjustClock, Reaction::AdjustClock},
      {145, Reaction::RetrySeldom, Reaction::RetrySeldom},
      {146, Reaction::RetrySeldom, Reaction::RetrySeldom},
      {174, Reaction::AvoidCareOfAddress, Reaction::AvoidCareOfAddress},
      {255, Reaction::RetrySoon, Reaction::RetrySoon},
  };
  for (const auto& row : rows) {
    CAPTURE(row.number);
    CHECK(reaction_to(status(row.number), false) == row.registering);
    CHECK(reaction_to(status(row.number), true) == row.releasing);
  }
}

TEST_CASE("a refusal is not followed by a Binding Update before its time") {
  const auto [number, wait] = GENERATE(table<int, Duration>({{128, 32s}, {129, 300s}, {130, 32s}, {131, 300s}, {132, 300s},
                                                             {133, 300s}, {136, 32s}, {139, 300s}, {140, 300s}, {255, 32s}}));
  CAPTURE(number);
  TestNode test(without_pool());
  test.wlan_up();
  const auto update = only_update(test);
  test.acknowledge(update, {.status = static_cast<BindingStatus>(number)});
  CHECK_FALSE(is_registered(test));
  CHECK(test.saw_event("registration-refused"));
  CHECK(test.home_address(kPrimary)->state == "refused");
  CHECK_FALSE(test.node.status(test.both()).problems.empty());
  test.advance(wait - 1ms);
  CHECK(test.take_updates().empty());
  test.advance(1ms);
  const auto retry = only_update(test);
  CHECK(wire::sequence_is_newer(retry.message.sequence, update.message.sequence));
  test.acknowledge(retry);
  CHECK(is_registered(test));
}

TEST_CASE("134, 145 and 146: the primary home address is asked for more and more seldom, from wherever, but not never") {
  const int number = GENERATE(134, 145, 146);
  CAPTURE(number);
  TestNode test(without_pool());
  test.wlan_up();
  test.acknowledge(only_update(test), {.status = static_cast<BindingStatus>(number)});
  CHECK(test.saw_event("registration-refused"));
  const auto problem = [&test] { return test.node.status(test.both()).problems.at(0); };
  CHECK(problem().find("refuses the primary home address") != std::string::npos);
  CHECK(problem().find("asked again in 5 min") != std::string::npos);
  // Another care-of address changes nothing about a key or a duplicate.
  test.wwan_up();
  test.handle(InterfaceRemoved{kWlan});
  using std::chrono::minutes;
  SentUpdate last;
  for (const auto wait : {minutes{5}, minutes{10}, minutes{20}, minutes{40}, minutes{60}, minutes{60}}) {
    test.advance(wait - 1ms);
    CHECK(test.take_updates().empty());
    test.advance(1ms);
    last = only_update(test);
    CHECK(last.source == kWwanAddress);
    test.acknowledge(last, {.status = static_cast<BindingStatus>(number)});
    CHECK_FALSE(is_registered(test));
  }
  CHECK(problem().find("asked again in 60 min") != std::string::npos);
  test.advance(minutes{60});
  test.acknowledge(only_update(test));
  CHECK(is_registered(test));
  CHECK(test.node.status(test.both()).problems.empty());
  // Forgotten: the next refusal waits five minutes again.
  test.advance(450s);
  test.acknowledge(only_update(test), {.status = static_cast<BindingStatus>(number)});
  test.advance(minutes{5} - 1ms);
  CHECK(test.take_updates().empty());
  test.advance(1ms);
  CHECK(test.take_updates().size() == 1);
}

TEST_CASE("145 and 146: a refused spare is replaced, and status names what is wrong") {
  const int number = GENERATE(145, 146);
  CAPTURE(number);
  TestNode test;
  bool refuse = true;
  std::set<Address> asked;
  test.judge = [&](const SentUpdate& update) {
    if (update.home_address == kPrimary || !refuse) return BindingStatus::Accepted;
    asked.insert(update.home_address);
    return static_cast<BindingStatus>(number);
  };
  test.wlan_up();
  test.serve(std::chrono::minutes{2});
  CHECK(is_registered(test));
  CHECK(asked.size() > 2);
  CHECK(asked.size() < 20);
  const auto problems = test.node.status(test.both()).problems;
  REQUIRE(problems.size() == 1);
  CHECK(problems.front().find("further home addresses") != std::string::npos);
  refuse = false;
  test.serve(std::chrono::minutes{10});
  CHECK(test.node.status(test.both()).spares == 2);
  CHECK(test.node.status(test.both()).problems.empty());
}

TEST_CASE("a home address of a flow: 146 is tried again later, 134 ends the flow with the binding") {
  TestNode test;
  test.wlan_up();
  test.serve(5s);
  test.outgoing(5000);
  const auto home_address = test.flow_with_port(5000)->home_address;
  REQUIRE(home_address != kPrimary);
  bool refuse = false;
  BindingStatus status{};
  std::size_t asked = 0;
  test.judge = [&](const SentUpdate& update) {
    if (update.home_address != home_address || !refuse) return BindingStatus::Accepted;
    ++asked;
    return status;
  };
  const auto keep_alive = [&](Duration duration) {
    for (Duration passed{}; passed < duration; passed += 60s) {
      test.outgoing(5000);
      test.handle(FlowActivities{{FlowActivity{.key = udp_key(5000), .packets_out = 1}}});
      test.serve(60s);
    }
  };
  refuse = true;
  SECTION("146") {
    status = BindingStatus::MipV6AuthFail;
    keep_alive(std::chrono::minutes{13});
    CHECK(asked >= 1);
    CHECK(test.home_address(home_address)->state == "refused");
    bool named = false;
    for (const auto& problem : test.node.status(test.both()).problems)
      named = named || problem.find(to_string(home_address)) != std::string::npos;
    CHECK(named);
    refuse = false;
    keep_alive(std::chrono::minutes{15});
    CHECK(test.home_address(home_address)->state == "registered");
    CHECK(test.flow_with_port(5000)->home_address == home_address);
  }
  SECTION("134") {
    status = BindingStatus::DuplicateAddressDetectionFailed;
    keep_alive(std::chrono::minutes{20});
    CHECK(asked == 1);
    CHECK_FALSE(test.home_address(home_address));
    // The next packet is the first one of a new flow.
    REQUIRE(test.flow_with_port(5000));
    CHECK(test.flow_with_port(5000)->home_address != home_address);
  }
}

TEST_CASE("any status below 128 accepts") {
  TestNode test;
  test.wlan_up();
  test.acknowledge(only_update(test), {.status = static_cast<BindingStatus>(127)});
  CHECK(is_registered(test));
}

TEST_CASE("status 1 on a refresh makes the node ask for the prefixes again") {
  TestNode test(without_pool());
  test.wlan_up();
  test.serve(1200ms);
  test.take_solicitations();
  test.advance(448s);
  CHECK(test.take_updates().empty());
  test.advance(1s);
  const auto refresh = only_update(test);
  CHECK(test.take_solicitations().empty());
  test.acknowledge(refresh, {.status = BindingStatus::AcceptedPrefixDiscoveryNecessary});
  CHECK(is_registered(test));
  CHECK(test.take_solicitations().size() == 1);
}

TEST_CASE("135 resynchronises, over the wrap too, but only when it is authentic and answers us") {
  TestNode test(without_pool());
  test.wlan_up();
  const auto update = only_update(test);
  SECTION("authentic") {
    test.acknowledge(update, {.status = BindingStatus::SequenceNumberOutOfWindow, .sequence = std::uint16_t{65535}});
    const auto next = only_update(test);
    CHECK(next.message.sequence == 0);
    test.acknowledge(next);
    CHECK(is_registered(test));
  }
  SECTION("not authenticated") {
    test.acknowledge(update, {.status = BindingStatus::SequenceNumberOutOfWindow, .sequence = std::uint16_t{7}, .authenticated = false});
    CHECK(test.take_updates().empty());
    CHECK(test.saw_event("acknowledgement-authenticator-wrong"));
  }
  SECTION("the answer to something else") {
    test.acknowledge(update, {.status = BindingStatus::SequenceNumberOutOfWindow, .sequence = std::uint16_t{7}, .timestamp = update.timestamp - 1});
    CHECK(test.take_updates().empty());
    CHECK(test.saw_event("acknowledgement-unexpected"));
  }
  SECTION("a home agent that never stops answering so is not asked faster than a silent one") {
    auto last = update;
    std::vector<TimePoint> sent;
    for (int i = 0; i < 200; ++i) {
      test.acknowledge(last, {.status = BindingStatus::SequenceNumberOutOfWindow, .sequence = std::uint16_t{1000}});
      test.advance(100ms);
      const auto updates = test.take_updates();
      for (const auto& sent_update : updates) sent.push_back(sent_update.at);
      if (!updates.empty()) last = updates.back();
    }
    CHECK(sent.size() <= 8);
  }
}

TEST_CASE("144 sets the node's clock to the home agent's") {
  TestNode test(without_pool());
  test.wlan_up();
  const auto update = only_update(test);
  const Duration ahead = 3600s;
  const auto home_agent_clock = wire::ntp_timestamp(test.both().wall + ahead);
  const auto returned = (home_agent_clock & 0xffff'ffff'0000'0000ULL) | (update.timestamp & 0xffff'ffffULL);
  SECTION("authentic") {
    test.acknowledge(update, {.status = BindingStatus::MipV6IdMismatch, .timestamp = returned});
    const auto next = only_update(test);
    const Duration difference = wire::wall_of_ntp(next.timestamp) - (test.both().wall + ahead);
    CHECK(std::chrono::abs(difference) <= 1s);
    test.acknowledge(next);
    CHECK(is_registered(test));
    const auto told = test.node.status(test.both()).home_agent_clock;
    REQUIRE(told);
    CHECK(std::chrono::abs(*told - ahead) <= 1s);
  }
  SECTION("the low half is not ours: somebody replays") {
    test.acknowledge(update, {.status = BindingStatus::MipV6IdMismatch, .timestamp = returned ^ 1});
    CHECK(test.take_updates().empty());
    CHECK_FALSE(test.node.status(test.both()).home_agent_clock);
  }
  SECTION("the clocks agree: two messages overtook each other, only the timestamp is new") {
    test.advance(300ms);
    const auto near = (wire::ntp_timestamp(test.both().wall) & 0xffff'ffff'0000'0000ULL) | (update.timestamp & 0xffff'ffffULL);
    test.acknowledge(update, {.status = BindingStatus::MipV6IdMismatch, .timestamp = near});
    const auto next = only_update(test);
    CHECK(next.timestamp > update.timestamp);
    CHECK(std::chrono::abs(wire::wall_of_ntp(next.timestamp) - test.both().wall) < 10ms);
    CHECK(test.node.status(test.both()).home_agent_clock == 0s);
  }
}

TEST_CASE("174 makes the node leave that care-of address alone for five minutes") {
  TestNode test(without_pool());
  test.wlan_up();
  const auto update = only_update(test);
  test.acknowledge(update, {.status = BindingStatus::InvalidCareOfAddress});
  CHECK(test.take_updates().empty());
  CHECK(test.node.status(test.both()).usable_interfaces == 0);
  // The kernel reporting the address once more does not change that.
  test.handle(AddressChanged{.interface = kWlan, .address = kWlanAddress});
  CHECK(test.take_updates().empty());
  SECTION("another address of the interface is used at once") {
    test.handle(AddressChanged{.interface = kWlan, .address = address("2001:db8:a::99")});
    const auto other = only_update(test);
    CHECK(other.care_of_address == address("2001:db8:a::99"));
    test.acknowledge(other);
    CHECK(is_registered(test));
  }
  SECTION("later it is tried again") {
    test.advance(300s - 1ms);
    CHECK(test.take_updates().empty());
    test.advance(1ms);
    CHECK(only_update(test).care_of_address == kWlanAddress);
  }
}

TEST_CASE("a refused refresh leaves the old binding in use until it ends") {
  TestNode test(without_pool());
  test.wlan_up();
  test.acknowledge(only_update(test));
  test.advance(450s);
  test.acknowledge(only_update(test), {.status = BindingStatus::ReasonUnspecified});
  CHECK(is_registered(test));
  CHECK(test.node.plan().default_route.has_value());
}

TEST_CASE("acknowledgements that are not believed change nothing") {
  TestNode test(without_pool());
  test.wlan_up();
  const auto update = only_update(test);
  TestNode::AcknowledgementOptions options;
  std::string event = "acknowledgement-unexpected";
  SECTION("no authenticator") { options.authenticated = false; event = "acknowledgement-authenticator-wrong"; }
  SECTION("wrong key") { options.wrong_key = true; event = "acknowledgement-authenticator-wrong"; }
  SECTION("from somebody else") { options.from = kCorrespondent; event = "acknowledgement-from-stranger"; }
  SECTION("sequence number that was never sent") { options.sequence = static_cast<std::uint16_t>(update.message.sequence + 1); }
  SECTION("timestamp of another message") { options.timestamp = update.timestamp + 1; }
  SECTION("no timestamp") { options.with_timestamp = false; }
  test.acknowledge(update, options);
  CHECK_FALSE(is_registered(test));
  CHECK(test.saw_event(event));
  test.advance(1500ms);
  CHECK(test.take_updates().size() == 1);
}

TEST_CASE("a replayed acknowledgement changes nothing") {
  TestNode test(without_pool());
  test.wlan_up();
  const auto update = only_update(test);
  test.acknowledge(update, {.lifetime_units = std::uint16_t{15}});
  test.take_events();
  test.advance(10s);
  test.acknowledge(update, {.lifetime_units = std::uint16_t{15}});
  CHECK(test.saw_event("acknowledgement-unexpected"));
  CHECK(test.home_address(kPrimary)->lifetime == 50s);
}

TEST_CASE("an acknowledgement of the care-of address before the last does not count for the last") {
  TestNode test(without_pool());
  test.wlan_up();
  const auto first = only_update(test);
  test.handle(AddressRemoved{.interface = kWlan, .address = kWlanAddress});
  test.handle(AddressChanged{.interface = kWlan, .address = address("2001:db8:a::99")});
  const auto second = only_update(test);
  test.acknowledge(first);
  CHECK_FALSE(is_registered(test));
  test.acknowledge(second);
  CHECK(is_registered(test));
}

TEST_CASE("malformed and cut packets change nothing") {
  TestNode test(without_pool());
  test.wlan_up();
  const auto update = only_update(test);
  const auto whole = test.acknowledgement(update, {});
  for (std::size_t length = 0; length < whole.packet.size(); ++length) {
    auto cut = whole;
    cut.packet.resize(length);
    test.handle(cut);
  }
  for (std::size_t octet = 0; octet < whole.packet.size(); ++octet) {
    // Traffic class, flow label, hop limit and the reserved field of the routing header mean nothing here.
    if (octet < 4 || octet == 7 || (octet >= 44 && octet < 48)) continue;
    auto spoiled = whole;
    spoiled.packet[octet] ^= 0x10;
    test.handle(spoiled);
    CAPTURE(octet);
    CHECK_FALSE(is_registered(test));
  }
}

TEST_CASE("the operator learns that answers can not be verified") {
  TestNode test(without_pool());
  test.wlan_up();
  for (const Duration gap : {Duration{1500ms}, Duration{3s}}) {
    test.acknowledge(only_update(test), {.wrong_key = true});
    test.advance(gap);
  }
  const auto problems = test.node.status(test.both()).problems;
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems.front(), Catch::Contains("can not be verified") && Catch::Contains("laptop@example.org with SPI 1000") &&
                                   Catch::Contains("security-associations.toml"));
}
