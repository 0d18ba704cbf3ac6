// SPDX-License-Identifier: GPL-3.0-or-later
// Registrations at a home agent that shares the load: what a mobile node sees of it (nothing), and what the home link does.
#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "primary_bench.hpp"

namespace mipflow::home_agent::test {
namespace {

// The home agent of the fixture and one secondary, 2001:db8:100::b:1, between which messages take no time.
class Shared {
 public:
  explicit Shared(const std::function<void(LoadSharing&)>& change = {}) : f(configuration(change)) { run(500ms); }

  static Configuration configuration(const std::function<void(LoadSharing&)>& change) {
    FakeSecondary secondary("a", 1);
    auto out = Fixture::default_configuration();
    out.load_sharing.secondaries.push_back({"a", secondary.address, secondary.key, 1});
    out.load_sharing.own_weight = 0;
    if (change) change(out.load_sharing);
    return out;
  }

  // Hands over what was sent; what is not between agents is kept for acknowledged().
  void deliver() {
    std::vector<OutgoingPacket> packets;
    for (const Sent& sent : f.take_sent()) packets.push_back(sent.out);
    while (!packets.empty()) {
      Outputs outputs;
      for (const OutgoingPacket& packet : packets) {
        constexpr std::uint8_t kUdp = 17;
        if (packet.packet.at(6) != kUdp) {
          if (const auto message = Fixture::message_in<wire::BindingAcknowledgement>({f.now.monotonic, packet})) acknowledged.push_back(*message);
          continue;
        }
        for (const OutgoingPacket& reply : a.receive(packet.packet, f.now)) {
          const Bytes payload(reply.packet.begin() + 48, reply.packet.end());
          f.agent->handle(ForwardingMessageReceived{payload, a.address}, f.now, outputs);
        }
      }
      packets = std::move(outputs.packets);
    }
  }
  void run(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 10ms) {
      f.advance(10ms);
      deliver();
    }
  }
  // Statuses of the Binding Acknowledgements since the last call.
  std::vector<wire::BindingStatus> take_statuses() {
    std::vector<wire::BindingStatus> out;
    for (const auto& message : std::exchange(acknowledged, {})) out.push_back(message.status);
    return out;
  }

  Fixture f;
  FakeSecondary a{"a", 1};
  std::vector<wire::BindingAcknowledgement> acknowledged;
};

using Statuses = std::vector<wire::BindingStatus>;
const Statuses kAccepted{wire::BindingStatus::Accepted};

TEST_CASE("a registration is delegated; the home agent no longer answers for the home address, but still tunnels to it") {
  Shared shared;
  shared.f.send({.link_local = true});
  shared.run(1100ms);
  CHECK(shared.take_statuses() == kAccepted);
  REQUIRE(shared.a.serves(kPrimary));
  CHECK(shared.a.serving.at(kPrimary).care_of_address == kCareOf1);
  CHECK(shared.a.serving.at(kPrimary).tunnel_source == kHomeAgent);
  CHECK(shared.a.serving.at(kPrimary).link_local_address_compatibility);
  CHECK_FALSE(shared.f.proxies(kPrimary));
  CHECK(shared.f.agent->plan().proxied_neighbours.items().empty());
  CHECK(shared.f.tunnelled_to(kPrimary) == kCareOf1);
  CHECK(shared.f.accepts_from(kPrimary, kCareOf1));

  shared.f.send({.care_of_address = kCareOf2, .sequence = 16});
  shared.deliver();
  CHECK(shared.take_statuses() == kAccepted);
  CHECK(shared.a.serving.at(kPrimary).care_of_address == kCareOf2);
}

TEST_CASE("coming home, the mobile node is answered when the secondary has stopped") {
  Shared shared;
  shared.f.send({});
  shared.run(1100ms);
  REQUIRE(shared.a.serves(kPrimary));
  shared.take_statuses();
  const auto go_home = [&] {
    shared.f.send({.care_of_address = kPrimary, .wire_source = kPrimary, .sequence = 17, .lifetime_units = 0, .home_address_option = false,
                   .alternate_care_of_address = false, .interface = kHomeInterface, .link_layer_source = kMobileNodeMac});
  };
  SECTION("at once") {
    go_home();
    for (const Sent& sent : shared.f.take_sent()) {  // before the secondary could hear anything
      CHECK(sent.out.packet.at(6) == 17);
      for (const auto& reply : shared.a.receive(sent.out.packet, shared.f.now)) {
        Outputs outputs;
        const Bytes payload(reply.packet.begin() + 48, reply.packet.end());
        shared.f.agent->handle(ForwardingMessageReceived{payload, shared.a.address}, shared.f.now, outputs);
        REQUIRE(outputs.packets.size() == 1);
        CHECK(outputs.packets[0].link_layer_destination == kMobileNodeMac);
      }
    }
    CHECK_FALSE(shared.a.serves(kPrimary));
    CHECK_FALSE(shared.f.proxies(kPrimary));
  }
  SECTION("or when it counts as dead; and it can register again without asking the one who still defends the address") {
    shared.a.on = false;
    go_home();
    shared.run(300ms);
    CHECK(shared.take_statuses().empty());
    shared.run(400ms);
    CHECK(shared.take_statuses() == kAccepted);
    shared.f.send({.sequence = 18});
    shared.deliver();
    CHECK(shared.take_statuses() == kAccepted);
    CHECK(shared.f.proxies(kPrimary));
  }
}

TEST_CASE("Figure 3 at the home agent: no Binding Acknowledgement before the secondary's own") {
  Shared shared([](LoadSharing& sharing) { sharing.answer = AnswerMoment::AfterSecondary; });
  shared.f.send({});
  shared.run(990ms);
  shared.f.advance(10ms);  // duplicate address detection is over, and the Start under way
  REQUIRE(shared.f.state(kPrimary) == "bound");
  std::size_t starts = 0;
  for (const Sent& sent : shared.f.take_sent()) {
    if (sent.out.packet.at(6) != 17) {
      CHECK_FALSE(Fixture::message_in<wire::BindingAcknowledgement>(sent));
      continue;
    }
    ++starts;
    for (const auto& reply : shared.a.receive(sent.out.packet, shared.f.now)) {
      Outputs outputs;
      const Bytes payload(reply.packet.begin() + 48, reply.packet.end());
      shared.f.agent->handle(ForwardingMessageReceived{payload, shared.a.address}, shared.f.now, outputs);
      for (const auto& packet : outputs.packets)
        if (const auto message = Fixture::message_in<wire::BindingAcknowledgement>({shared.f.now.monotonic, packet}))
          shared.acknowledged.push_back(*message);
    }
  }
  CHECK(starts > 0);
  shared.run(700ms);
  CHECK(shared.take_statuses() == kAccepted);
}

TEST_CASE("after a restart the home agent does not take from its secondary what that still serves") {
  Shared shared;
  shared.f.send({});
  shared.run(1100ms);
  REQUIRE(shared.a.serves(kPrimary));
  const auto bindings = shared.f.agent->persisted(shared.f.now);
  const auto services = shared.f.agent->persisted_services(shared.f.now);
  REQUIRE(services.load_sharing.delegations.size() == 1);
  shared.f.agent = std::make_unique<HomeAgent>(shared.f.configuration, bindings, shared.f.random, shared.f.now, services);
  CHECK_FALSE(shared.f.proxies(kPrimary));
  CHECK(shared.f.tunnelled_to(kPrimary) == kCareOf1);
  shared.run(400ms);
  CHECK_FALSE(shared.f.proxies(kPrimary));
  CHECK(shared.a.count("start") == 2);
  CHECK(shared.a.serves(kPrimary));
}

}  // namespace
}  // namespace mipflow::home_agent::test
