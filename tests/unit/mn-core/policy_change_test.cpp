// SPDX-License-Identifier: GPL-3.0-or-later
// What another policy does to live flows; sharing of home addresses by class; rules by owner and time.
#include "flow_support.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

std::shared_ptr<const flow_separator::Policy> policy_of(const char* text) {
  const std::vector<flow_separator::PolicyFile> files{{.name = "new.toml", .text = text}};
  auto policy = flow_separator::Policy::parse(files, {});
  REQUIRE(policy);
  return std::make_shared<const flow_separator::Policy>(*policy);
}

auto set_policy(TestNode& test, const char* text) {
  return test.command([&](Now now, Outputs& outputs) { return test.node.set_policy(policy_of(text), now, outputs); });
}

constexpr const char* kWwanForPort5001 = R"(
  [[class]]
  name = "bulk"
  interfaces = ["wwan0", "*"]
  match = { local-port = 5001 }
)";

}  // namespace

TEST_CASE("a policy is tried without being used") {
  TestNode test;
  settle_in(test);
  test.outgoing(5000);
  test.outgoing(5001);
  test.serve(3s);
  test.take_updates();
  const auto effects = test.node.effect_of(*policy_of(kWwanForPort5001), test.both());
  REQUIRE(effects.size() == 1);
  CHECK(effects[0].id == test.flow_with_port(5001)->id);
  CHECK(effects[0].class_before == "default");
  CHECK(effects[0].class_after == "bulk");
  CHECK(effects[0].interface_before == "wlan0");
  CHECK(effects[0].interface_after == "wwan0");
  CHECK(effects[0].home_address_note.empty());
  CHECK(test.flow_with_port(5001)->interface == "wlan0");
  CHECK(test.take_updates().empty());

  // It does what was said.
  CHECK(set_policy(test, kWwanForPort5001) == std::vector<FlowId>{effects[0].id});
  test.serve(3s);
  CHECK(test.flow_with_port(5001)->interface == "wwan0");
  CHECK(test.node.effect_of(*policy_of(kWwanForPort5001), test.both()).empty());
}

TEST_CASE("what a live flow can not follow is said") {
  TestNode test;
  settle_in(test);
  test.outgoing(5000);
  const auto effects = test.node.effect_of(*policy_of("[[class]]\nname = \"own\"\nhome-address = \"own\"\n"), test.both());
  REQUIRE(effects.size() == 1);
  CHECK(effects[0].home_address_note == "keeps its home address until it ends");
}

TEST_CASE("a policy that cuts off the home agent is objected to") {
  TestNode test;
  settle_in(test);
  const auto objection = [&](const char* text) { return test.node.objection_to(*policy_of(text), test.both()); };
  CHECK(objection("").empty());
  CHECK(objection("[default]\ninterfaces = [\"wwan0\"]\n").empty());
  const std::string cut_off = objection("[default]\ninterfaces = [\"eth9\"]\n");
  CHECK(cut_off ==
        "it would cut this host off from its home agent: class 'default' (new.toml:1) decides about the primary home address and "
        "permits none of the usable interfaces (wlan0, wwan0)");
  // A class that nothing of the primary home address belongs to may be as narrow as it likes.
  CHECK(objection("[[class]]\ninterfaces = [\"eth9\"]\n[class.match]\nlocal-port = 1\n").empty());
  // Cut off already: nothing gets worse.
  test.carrier(kWlan, "wlan0", false);
  test.carrier(kWwan, "wwan0", false, InterfaceKind::Cellular);
  test.serve(1s);
  CHECK(objection("[default]\ninterfaces = [\"eth9\"]\n").empty());
}

TEST_CASE("flows of a class share one home address that no other class gets") {
  constexpr const char* kPolicy = R"(
    [[class]]
    name = "mail"
    home-address = "class"
    match = { local-port = [5000, 5001, 5002] }
  )";
  TestNode test(configuration(), kPolicy);
  settle_in(test);
  for (const int number : {5000, 5001, 5002, 6000, 6001, 6002, 6003, 6004, 6005}) {
    const auto port = static_cast<std::uint16_t>(number);
    test.outgoing(port);
    test.serve(2s);
  }
  const Address shared = test.flow_with_port(5000)->home_address;
  CHECK(shared != kPrimary);
  CHECK(test.flow_with_port(5001)->home_address == shared);
  CHECK(test.flow_with_port(5002)->home_address == shared);
  CHECK(test.flow_with_port(5001)->home_address_reason == "all flows of policy class 'mail' share it");
  for (std::uint16_t port = 6000; port < 6006; ++port) CHECK(test.flow_with_port(port)->home_address != shared);
}

TEST_CASE("a home address that belongs to one flow is shared with none, also when there are no more") {
  constexpr const char* kPolicy = R"(
    [[class]]
    name = "bank"
    home-address = "own"
    match = { local-port = 5000 }
  )";
  auto small = configuration();
  small.home_address_cap = 4;
  small.warm_pool_size = 1;
  small.anchor_per_interface = false;
  TestNode test(small, kPolicy);
  settle_in(test);
  test.outgoing(5000);
  const Address own = test.flow_with_port(5000)->home_address;
  for (std::uint16_t port = 6000; port < 6010; ++port) {
    test.outgoing(port);
    test.serve(2s);
    REQUIRE(test.flow_with_port(port));
    CHECK(test.flow_with_port(port)->home_address != own);
  }
}

TEST_CASE("the wish of `mipflow run --via` is a command from the first packet on") {
  TestNode test;
  settle_in(test);
  auto owner = std::make_shared<FlowOwner>();
  owner->wanted_interface = "wwan0";
  const auto event_for = [&](std::uint16_t port) {
    static Bytes packet;
    const auto key = udp_key(port);
    packet.assign(48, 0);
    packet[0] = 0x60;
    packet[5] = 8;
    packet[6] = 17;
    packet[7] = 64;
    std::copy(key.source.octets.begin(), key.source.octets.end(), packet.begin() + 8);
    std::copy(key.correspondent.octets.begin(), key.correspondent.octets.end(), packet.begin() + 24);
    packet[40] = static_cast<std::uint8_t>(key.source_port >> 8);
    packet[41] = static_cast<std::uint8_t>(key.source_port);
    packet[42] = static_cast<std::uint8_t>(key.correspondent_port >> 8);
    packet[43] = static_cast<std::uint8_t>(key.correspondent_port);
    packet[45] = 8;
    return FlowPacket{.id = port, .direction = Direction::Outgoing, .packet = packet, .length = 48, .owner = owner};
  };
  test.handle(event_for(5000));
  test.serve(2s);
  CHECK(test.flow_with_port(5000)->interface == "wwan0");
  CHECK(test.flow_with_port(5000)->interface_reason == "moved by command");
  CHECK(test.flow_with_port(5000)->owner->wanted_interface == "wwan0");
}

// RFC 6275 §11.8: whoever gives a home address back and takes it again has no fresh MAX_UPDATE_RATE.
TEST_CASE("a home address that policies take and give back gets no more Binding Updates per second than another") {
  TestNode test;
  settle_in(test);
  const Address coming_and_going = address("2001:db8:1::99");
  std::vector<TimePoint> sent;
  const auto answer = [&] {
    test.settle();
    for (const auto& update : test.take_updates()) {
      if (update.home_address == coming_and_going) sent.push_back(update.at);
      test.acknowledge(update);
    }
    test.settle();
  };
  for (int round = 0; round < 100; ++round) {
    set_policy(test, "[[class]]\nname = \"own\"\nhome-address = \"2001:db8:1::99\"\n[class.match]\nlocal-port = 5000\n");
    answer();
    set_policy(test, "");
    answer();
    test.advance(50ms);
  }
  REQUIRE(sent.size() >= 9);
  for (std::size_t i = wire::kMaxUpdateRate; i < sent.size(); ++i) CHECK(sent[i] - sent[i - wire::kMaxUpdateRate] >= 1s);
}
