// SPDX-License-Identifier: GPL-3.0-or-later
// Route optimisation with correspondent nodes that can not, do not, or no longer do it, and with forgers.
#include "flow_support.hpp"
#include "mipflow/wire/options.hpp"
#include "scripted_correspondent.hpp"

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;

namespace {

constexpr const char* kAtOnce = "[default]\nroute-optimization = \"yes\"\n";

bool is_direct(TestNode& test, std::uint16_t port) {
  const auto* flow = test.node.plan().flows.find(udp_key(port));
  const auto* binding = flow == nullptr ? nullptr : test.node.plan().bindings.find(flow->binding);
  return binding != nullptr && binding->header == forwarding::HeaderKind::RouteOptimized;
}

struct Scene {
  TestNode test{configuration(), kAtOnce};
  ScriptedCorrespondent peer{test};
  Address home;

  Scene() {
    settle_in(test);
    test.outgoing(5000);
    test.settle();
    home = test.flow_with_port(5000)->home_address;
  }
  void carry() {
    test.handle(FlowActivities{{{.key = udp_key(5000), .packets_out = 100, .packets_in = 100}}});
    test.settle();
  }
  std::string reason() { return test.flow_with_port(5000)->path_reason; }
};

Bytes icmpv6_error(const Address& source, const Address& destination, std::uint8_t type, std::uint8_t code, const Bytes& about) {
  return wire::build_packet({.source = source, .destination = destination},
                            wire::Icmpv6Message{wire::Icmpv6Error{.type = type, .code = code, .parameter = 40, .invoking_packet = about}});
}

}  // namespace

TEST_CASE("nobody answers: three Inits of each kind, one and two seconds apart, each with another cookie; then the tunnel") {
  Scene scene;
  auto& test = scene.test;
  std::vector<ScriptedCorrespondent::SentInit> home_tests, care_of_tests;
  const TimePoint begun = test.now();
  for (int i = 0; i < 100; ++i) {
    for (const auto& init : scene.peer.take_home_test_inits()) home_tests.push_back(init);
    for (const auto& init : scene.peer.take_care_of_test_inits()) care_of_tests.push_back(init);
    test.serve(100ms);
  }
  REQUIRE(home_tests.size() == 3);
  REQUIRE(care_of_tests.size() == 3);
  CHECK(home_tests[1].cookie != home_tests[0].cookie);
  CHECK(home_tests[2].cookie != home_tests[1].cookie);
  CHECK(test.now() - begun == 10s);
  CHECK_FALSE(is_direct(test, 5000));
  CHECK(scene.reason().find("does not answer") != std::string::npos);
  CHECK(test.saw_event("route-optimization-avoided"));
  // Remembered: also for other flows.
  test.outgoing(5001);
  test.serve(60s);
  CHECK(scene.peer.take_home_test_inits().empty());
  // And not for ever.
  for (int i = 0; i < 300; ++i) {
    scene.carry();
    test.serve(1s);
  }
  CHECK_FALSE(scene.peer.take_home_test_inits().empty());
}

// It may be the home agent that does not bring them, and then the tunnel is the last place to go.
TEST_CASE("Home Tests of one home address do not come: another one with the same correspondent node keeps its binding") {
  Scene scene;
  auto& test = scene.test;
  scene.peer.serve(3s);
  REQUIRE(is_direct(test, 5000));
  test.outgoing(5001);
  test.settle();
  const Address second = test.flow_with_port(5001)->home_address;
  REQUIRE(second != scene.home);
  std::size_t asked = 0;
  const auto live = [&](unsigned seconds) {
    for (unsigned i = 0; i < seconds; ++i) {
      scene.carry();
      test.handle(FlowActivities{{{.key = udp_key(5001), .packets_out = 100, .packets_in = 100}}});
      for (int tenth = 0; tenth < 10; ++tenth) {
        for (const auto& init : scene.peer.take_home_test_inits())
          if (init.source == second) ++asked; else scene.peer.answer(init);
        for (const auto& init : scene.peer.take_care_of_test_inits()) scene.peer.answer_care_of(init);
        test.serve(100ms);
      }
    }
  };
  live(60);
  CHECK(asked == 3);
  CHECK(is_direct(test, 5000));
  CHECK(test.flow_with_port(5001)->path_reason.find("no Home Test came") == 0);
  CHECK_FALSE(test.saw_event("route-optimization-avoided"));
  live(300);
  CHECK(asked == 6);
  CHECK(is_direct(test, 5000));
}

TEST_CASE("a node without mobility says so by ICMPv6: the tunnel at once, and for an hour") {
  Scene scene;
  auto& test = scene.test;
  const auto inits = scene.peer.take_care_of_test_inits();
  REQUIRE(inits.size() == 1);
  const Bytes init = wire::build_packet({.source = kWlanAddress, .destination = kCorrespondent},
                                        wire::MobilityMessage{wire::CareOfTestInit{.care_of_init_cookie = inits.front().cookie}});
  SECTION("the correspondent node itself") {
    test.handle(PacketReceived{.packet = icmpv6_error(kCorrespondent, kWlanAddress, 4, 1, init), .interface = kWlan});
    CHECK(scene.reason().find("does not understand") != std::string::npos);
    for (int i = 0; i < 3500; i += 50) {
      scene.carry();
      test.serve(50s);
    }
    CHECK(scene.peer.take_care_of_test_inits().empty());
    CHECK(scene.peer.take_home_test_inits().size() <= 1);
  }
  SECTION("to the home address that a binding of old still leads to: behind a type 2 routing header") {
    const auto home_test = scene.peer.take_home_test_inits().front();
    const Bytes about = wire::build_packet({.source = home_test.source, .destination = kCorrespondent},
                                           wire::MobilityMessage{wire::HomeTestInit{.home_init_cookie = home_test.cookie}});
    const auto error = [&](const Address& home_address) {
      return wire::build_packet({.source = kCorrespondent, .destination = kWlanAddress, .routing_header_home_address = home_address},
                                wire::Icmpv6Message{wire::Icmpv6Error{.type = 4, .code = 1, .parameter = 40, .invoking_packet = about}});
    };
    test.handle(PacketReceived{.packet = error(kPrimary), .interface = kWlan});  // another one of ours
    CHECK(scene.reason() == "return routability is under way");
    test.handle(PacketReceived{.packet = error(home_test.source), .interface = kWlan});
    CHECK(scene.reason().find("does not understand") != std::string::npos);
  }
  SECTION("somebody else: not believed") {
    test.handle(PacketReceived{.packet = icmpv6_error(address("2001:db8:66::6"), kWlanAddress, 4, 1, init), .interface = kWlan});
    CHECK(scene.reason() == "return routability is under way");
  }
  SECTION("about a packet that is none of ours: not believed") {
    const Bytes other = wire::build_packet({.source = kWwanAddress, .destination = kCorrespondent},
                                           wire::MobilityMessage{wire::CareOfTestInit{}});
    test.handle(PacketReceived{.packet = icmpv6_error(kCorrespondent, kWlanAddress, 4, 1, other), .interface = kWlan});
    CHECK(scene.reason() == "return routability is under way");
  }
  SECTION("about a test with another cookie: not believed") {
    const Bytes forged = wire::build_packet({.source = kWlanAddress, .destination = kCorrespondent},
                                            wire::MobilityMessage{wire::CareOfTestInit{.care_of_init_cookie = inits.front().cookie ^ 1}});
    test.handle(PacketReceived{.packet = icmpv6_error(kCorrespondent, kWlanAddress, 4, 1, forged), .interface = kWlan});
    CHECK(scene.reason() == "return routability is under way");
  }
  SECTION("Destination Unreachable says nothing about what the node can do") {
    test.handle(PacketReceived{.packet = icmpv6_error(kCorrespondent, kWlanAddress, 1, 3, init), .interface = kWlan});
    CHECK(scene.reason() == "return routability is under way");
  }
}

TEST_CASE("wrong cookies, second answers, tests outside the tunnel and from strangers are ignored") {
  Scene scene;
  auto& test = scene.test;
  const auto home_test = scene.peer.take_home_test_inits().front();
  const auto care_of_test = scene.peer.take_care_of_test_inits().front();
  scene.peer.answer(home_test, home_test.cookie ^ 1);
  scene.peer.answer_care_of(care_of_test, care_of_test.cookie ^ 1);
  ScriptedCorrespondent stranger(test, address("2001:db8:66::6"));
  stranger.answer(home_test);
  stranger.answer_care_of(care_of_test);
  auto outside = home_test;
  outside.tunnel_source.reset();
  scene.peer.answer(outside);
  CHECK(scene.peer.take_updates().empty());

  scene.peer.answer(home_test);
  scene.peer.home_index = 99;
  scene.peer.answer(home_test);
  scene.peer.home_index = 7;
  scene.peer.answer_care_of(care_of_test);
  const auto updates = scene.peer.take_updates();
  REQUIRE(updates.size() == 1);
  CHECK(scene.peer.believes(updates.front()));
}

TEST_CASE("acknowledgements that are not right change nothing") {
  Scene scene;
  auto& test = scene.test;
  scene.peer.answer(scene.peer.take_home_test_inits().front());
  scene.peer.answer_care_of(scene.peer.take_care_of_test_inits().front());
  const auto update = scene.peer.take_updates().front();
  scene.peer.acknowledge(update, {.wrong_key = true});
  scene.peer.acknowledge(update, {.authenticated = false});
  scene.peer.acknowledge(update, {.sequence = static_cast<std::uint16_t>(update.message.sequence + 1)});
  scene.peer.acknowledge(update, {.status = wire::BindingStatus::SequenceNumberOutOfWindow, .authenticated = false});
  CHECK_FALSE(is_direct(test, 5000));
  // And asked again after 1, 2 s with rising numbers.
  test.serve(1s);
  const auto second = scene.peer.take_updates();
  REQUIRE(second.size() == 1);
  CHECK(wire::sequence_is_newer(second.front().message.sequence, update.message.sequence));
  test.serve(2s);
  CHECK(scene.peer.take_updates().size() == 1);
  test.serve(4s);
  CHECK(scene.reason().find("does not acknowledge") != std::string::npos);
  // They may have been taken all the same.
  test.serve(60s);
  const auto deletions = scene.peer.take_updates();
  CHECK(deletions.size() == 3);
  for (const auto& deletion : deletions) {
    CHECK(deletion.message.lifetime_units == 0);
    CHECK(scene.peer.believes(deletion));
  }
}

TEST_CASE("refusals because of nonces: only what has expired is tested again") {
  Scene scene;
  auto& test = scene.test;
  scene.peer.answer(scene.peer.take_home_test_inits().front());
  scene.peer.answer_care_of(scene.peer.take_care_of_test_inits().front());
  const auto update = scene.peer.take_updates().front();
  const auto expect = [&](wire::BindingStatus status, std::size_t home_tests, std::size_t care_of_tests) {
    test.advance(1s);  // past the limit of messages per second
    scene.peer.take_updates();
    scene.peer.acknowledge(update, {.status = status, .authenticated = false});
    CHECK(scene.peer.take_home_test_inits().size() == home_tests);
    CHECK(scene.peer.take_care_of_test_inits().size() == care_of_tests);
  };
  SECTION("136") { expect(wire::BindingStatus::ExpiredHomeNonceIndex, 1, 0); }
  SECTION("137") { expect(wire::BindingStatus::ExpiredCareOfNonceIndex, 0, 1); }
  SECTION("138") { expect(wire::BindingStatus::ExpiredNonces, 1, 1); }
  SECTION("another refusal: the tunnel for a while") {
    scene.peer.acknowledge(update, {.status = wire::BindingStatus::AdministrativelyProhibited});
    CHECK(scene.reason().find("refuses") != std::string::npos);
    test.serve(60s);
    CHECK(scene.peer.take_home_test_inits().empty());
    CHECK(scene.peer.take_updates().empty());
  }
  SECTION("135: the next number at once") {
    scene.peer.acknowledge(update, {.status = wire::BindingStatus::SequenceNumberOutOfWindow, .sequence = 4711});
    const auto next = scene.peer.take_updates();
    REQUIRE(next.size() == 1);
    CHECK(next.front().message.sequence == 4712);
  }
}

TEST_CASE("tokens keep the nonce index that they came with") {
  Scene scene;
  scene.peer.serve(2s);
  REQUIRE(is_direct(scene.test, 5000));
  // The correspondent node goes on to another nonce; the next Binding Update still carries the old tokens' indices.
  const auto home_index = scene.peer.home_index;
  const auto care_of_index = scene.peer.care_of_index;
  REQUIRE(scene.test.move(scene.test.flow_with_port(5000)->id, "wwan0"));
  scene.peer.home_index = 70;
  scene.peer.care_of_index = 90;
  const auto updates = scene.peer.take_updates();
  REQUIRE(updates.size() == 1);
  const auto* indices = wire::find_option<wire::NonceIndices>(updates.front().message.options);
  REQUIRE(indices != nullptr);
  CHECK(indices->home_nonce_index == home_index);
  CHECK(indices->care_of_nonce_index == care_of_index);
}

TEST_CASE("a correspondent node that has forgotten the binding: the tunnel at once, new tests, and direct again") {
  Scene scene;
  auto& test = scene.test;
  scene.peer.serve(5s);
  REQUIRE(is_direct(test, 5000));
  scene.carry();
  SECTION("its Binding Error") {
    scene.peer.bindings.clear();
    scene.peer.binding_error(scene.home, kWlanAddress);
    CHECK_FALSE(is_direct(test, 5000));
    scene.peer.serve(1s);
    CHECK(is_direct(test, 5000));
    CHECK(scene.peer.bound_to(scene.home) == kWlanAddress);
  }
  SECTION("one to another care-of address is about a packet from before") {
    scene.peer.binding_error(scene.home, kWwanAddress);
    CHECK(is_direct(test, 5000));
  }
  SECTION("one about another home address") {
    scene.peer.binding_error(kPrimary, kWlanAddress);
    CHECK(is_direct(test, 5000));
  }
  SECTION("one from a stranger") {
    ScriptedCorrespondent stranger(test, address("2001:db8:66::6"));
    stranger.binding_error(scene.home, kWlanAddress);
    CHECK(is_direct(test, 5000));
  }
}

TEST_CASE("a correspondent node whose daemon has gone: its kernel does not know the Home Address option any more") {
  Scene scene;
  auto& test = scene.test;
  scene.peer.serve(5s);
  REQUIRE(is_direct(test, 5000));
  scene.carry();
  const Bytes data = wire::build_packet_around({.source = kWlanAddress, .destination = kCorrespondent, .home_address_option = scene.home},
                                               kProtocolUdp, Bytes(8));
  const auto refuse = [&](const Address& from) {
    test.handle(PacketReceived{.packet = icmpv6_error(from, kWlanAddress, 4, 2, data), .interface = kWlan});
  };
  // RFC 6275 §11.3.5: one of them is logged and discarded.
  refuse(kCorrespondent);
  CHECK(test.saw_event("home-address-option-refused"));
  CHECK(is_direct(test, 5000));
  SECTION("and again and again") {
    refuse(kCorrespondent);
    refuse(kCorrespondent);
    CHECK_FALSE(is_direct(test, 5000));
    CHECK(test.flow_with_port(5000)->path == "tunnel");
  }
  SECTION("somebody else says so") {
    for (int i = 0; i < 10; ++i) refuse(address("2001:db8:66::6"));
    CHECK(is_direct(test, 5000));
  }
}

TEST_CASE("a path that lets Mobility Headers pass and nothing else: no answer where there always was one, so the tunnel") {
  Scene scene;
  auto& test = scene.test;
  std::uint64_t sent = 0, answered = 0;
  const auto run = [&](unsigned seconds, unsigned answers_of_100) {
    for (unsigned i = 0; i < seconds; ++i) {
      sent += 100;
      answered += answers_of_100;
      test.handle(FlowActivities{{{.key = udp_key(5000), .packets_out = sent, .packets_in = answered}}});
      scene.peer.serve(1s);
    }
  };
  test.handle(FlowActivities{{{.key = udp_key(5000), .packets_out = sent += 100, .packets_in = answered += 90}}});
  scene.peer.serve(1s);
  REQUIRE(is_direct(test, 5000));
  SECTION("nothing comes back") {
    run(6, 0);
    CHECK_FALSE(is_direct(test, 5000));
    CHECK(scene.reason().find("nothing that is sent straight is answered") != std::string::npos);
    // What the correspondent node sends goes the same way, until its binding is gone.
    REQUIRE(scene.peer.updates.size() == 2);
    CHECK(scene.peer.updates.back().message.lifetime_units == 0);
    CHECK_FALSE(scene.peer.bound_to(scene.home));
    run(60, 90);
    CHECK(scene.peer.updates.size() == 2);
    CHECK_FALSE(is_direct(test, 5000));
    run(300, 90);
    CHECK(scene.peer.bound_to(scene.home));
    CHECK(is_direct(test, 5000));
  }
  SECTION("answers come back, later there are none: the application's business") {
    run(3, 90);
    run(20, 0);
    CHECK(is_direct(test, 5000));
  }
  SECTION("a flow that is answered seldom may wait") {
    sent = 10'000;
    test.handle(FlowActivities{{{.key = udp_key(5000), .packets_out = sent, .packets_in = answered}}});
    run(10, 0);
    CHECK(is_direct(test, 5000));
  }
}

TEST_CASE("a correspondent node that refuses a move has the binding of before: it is told to delete it") {
  // One home address for all flows.
  TestNode test(configuration(), "[default]\nroute-optimization = \"yes\"\nhome-address = \"primary\"\n");
  ScriptedCorrespondent peer(test);
  settle_in(test);
  test.outgoing(5000);
  peer.serve(2s);
  REQUIRE(peer.bound_to(kPrimary) == kWlanAddress);
  REQUIRE(is_direct(test, 5000));
  test.handle(FlowActivities{{{.key = udp_key(5000), .packets_out = 100, .packets_in = 100}}});
  peer.serve(2s);
  REQUIRE(test.move(test.flow_with_port(5000)->id, "wwan0"));
  const auto moves = peer.take_updates();
  REQUIRE(moves.size() == 1);

  peer.acknowledge(moves.front(), {.status = wire::BindingStatus::InsufficientResources});
  CHECK_FALSE(is_direct(test, 5000));
  const auto deletions = peer.take_updates();
  REQUIRE(deletions.size() == 1);
  CHECK(deletions.front().message.lifetime_units == 0);
  CHECK(peer.believes(deletions.front()));
  // Another flow with the home address does not change that.
  test.outgoing(5001);
  test.settle();
  peer.acknowledge(deletions.front());
  test.serve(60s);
  CHECK(peer.take_updates().empty());
  CHECK(peer.take_home_test_inits().empty());
  CHECK(test.flow_with_port(5000)->path == "tunnel");
  CHECK(test.flow_with_port(5001)->path == "tunnel");
  CHECK(test.flow_with_port(5001)->path_reason.find("asked again") != std::string::npos);
}

// Its daemon has died and is started again: a kernel without it knows no Mobility Headers.
TEST_CASE("a Parameter Problem from a correspondent node that has accepted a binding: its next Binding Update finds the daemon again") {
  Scene scene;
  auto& test = scene.test;
  scene.peer.serve(2s);
  REQUIRE(is_direct(test, 5000));
  const auto refuse = [&](const SentUpdate& update) {
    test.handle(PacketReceived{.packet = icmpv6_error(kCorrespondent, kWwanAddress, wire::kIcmpv6ParameterProblem, wire::kUnrecognizedNextHeader,
                                                      update.packet),
                               .interface = kWwan});
    test.settle();
  };
  REQUIRE(test.move(test.flow_with_port(5000)->id, "wwan0"));
  const auto moves = scene.peer.take_updates();
  REQUIRE(moves.size() == 1);
  refuse(moves.front());
  CHECK(is_direct(test, 5000));
  SECTION("it comes back") {
    scene.peer.serve(1s);
    CHECK(is_direct(test, 5000));
    CHECK(scene.peer.bound_to(scene.home) == kWwanAddress);
  }
  SECTION("it stays away: it counts as silent when the binding has ended") {
    for (int i = 0; i < 500; ++i) {
      scene.carry();
      test.serve(1s);
      for (const auto& update : scene.peer.take_updates()) refuse(update);
    }
    CHECK_FALSE(is_direct(test, 5000));
    CHECK(scene.reason().find("does not") != std::string::npos);
    CHECK(scene.reason().find("asked again") != std::string::npos);
  }
}

TEST_CASE("Binding Error 2 counts while something is to be answered, and only then") {
  Scene scene;
  auto& test = scene.test;
  SECTION("to a Care-of Test Init") {
    scene.peer.binding_error({}, kWlanAddress, wire::BindingErrorStatus::UnrecognizedMobilityType);
    CHECK(scene.reason().find("Binding Error 2") != std::string::npos);
  }
  SECTION("to nothing") {
    scene.peer.serve(5s);
    REQUIRE(is_direct(test, 5000));
    scene.peer.binding_error({}, kWlanAddress, wire::BindingErrorStatus::UnrecognizedMobilityType);
    CHECK(is_direct(test, 5000));
  }
}

TEST_CASE("a move whose care-of test was never answered takes the tunnel") {
  Scene scene;
  auto& test = scene.test;
  // Bound, but the tests of the other interface are lost.
  scene.peer.answer(scene.peer.take_home_test_inits().front());
  scene.peer.answer_care_of(scene.peer.take_care_of_test_inits().front());
  scene.peer.acknowledge(scene.peer.take_updates().front());
  REQUIRE(is_direct(test, 5000));
  scene.peer.take_care_of_test_inits();
  test.carrier(kWlan, "wlan0", false);
  test.serve(1s);
  CHECK_FALSE(is_direct(test, 5000));
  CHECK(path_of(test, udp_key(5000)) == kWwanAddress);  // by way of the home agent
  scene.carry();
  scene.peer.serve(5s);
  CHECK(is_direct(test, 5000));
  CHECK(scene.peer.bound_to(scene.home) == kWwanAddress);
}

TEST_CASE("an expired binding is not used any more") {
  Scene scene;
  auto& test = scene.test;
  scene.peer.answer(scene.peer.take_home_test_inits().front());
  scene.peer.answer_care_of(scene.peer.take_care_of_test_inits().front());
  scene.peer.acknowledge(scene.peer.take_updates().front(), {.lifetime_units = 2});
  REQUIRE(is_direct(test, 5000));
  // Its refresh at three quarters of eight seconds stays without an answer.
  test.serve(7s);
  CHECK(is_direct(test, 5000));
  test.serve(1s);
  CHECK_FALSE(is_direct(test, 5000));
}

TEST_CASE("refresh advice is for the home agent alone, a refresh request brings return routability and a Binding Update") {
  Scene scene;
  auto& test = scene.test;
  scene.peer.serve(5s);
  const auto before = scene.peer.updates.size();
  const wire::BindingRefreshRequest request{};
  test.handle(PacketReceived{.packet = wire::build_packet({.source = kCorrespondent, .destination = scene.home}, wire::MobilityMessage{request}),
                             .tunnel_source = kHomeAgent});
  test.settle();
  const auto home_tests = scene.peer.take_home_test_inits();
  REQUIRE(home_tests.size() == 1);
  scene.peer.answer(home_tests.front());
  for (const auto& init : scene.peer.take_care_of_test_inits()) scene.peer.answer_care_of(init);
  CHECK(scene.peer.take_updates().size() == 1);
  CHECK(scene.peer.updates.size() == before);
  CHECK(is_direct(test, 5000));
}
