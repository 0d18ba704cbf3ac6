// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 6275 §9.4: test inits and their answers.
#include "fixture.hpp"

using namespace mipflow;
using namespace mipflow::correspondent_node::test;

namespace {

// What the correspondent node answers a packet with; nothing in it may depend on what came before.
struct Inits {
  Bytes home, care_of;
};
Inits inits_from(const Address& source, const Address& destination = kCorrespondent) {
  return {wire::build_packet({source, destination}, wire::HomeTestInit{1}),
          wire::build_packet({source, destination}, wire::CareOfTestInit{2})};
}

}  // namespace

TEST_CASE("a Home Test goes to the home address, a Care-of Test to the care-of address, with the cookies") {
  Fixture f;
  f.send_packet(wire::build_packet({kHome, kCorrespondent}, wire::HomeTestInit{0x1122334455667788}));
  const auto home = f.take_one<wire::HomeTest>();
  CHECK(home.view.source == kCorrespondent);
  CHECK(home.view.destination == kHome);
  CHECK(home.message.home_init_cookie == 0x1122334455667788);
  CHECK_FALSE(home.view.routing_header_home_address);
  CHECK_FALSE(home.view.home_address_option);
  CHECK(home.packet.size() == 40 + 24);

  f.send_packet(wire::build_packet({kCareOf1, kCorrespondent}, wire::CareOfTestInit{0x99}));
  const auto care_of = f.take_one<wire::CareOfTest>();
  CHECK(care_of.view.destination == kCareOf1);
  CHECK(care_of.message.care_of_init_cookie == 0x99);
  CHECK(care_of.packet.size() == 40 + 24);
  CHECK(f.node->counters().home_test_inits == 1);
  CHECK(f.node->counters().care_of_test_inits == 1);
}

TEST_CASE("tokens are the same for the same question, and others for another address, kind or correspondent node") {
  Fixture f;
  const Tokens first = f.return_routability(kHome, kHome);
  CHECK(first.home != first.care_of);  // the last octet of §5.2.5
  const Tokens again = f.return_routability(kHome, kHome);
  CHECK(again.home == first.home);
  CHECK(again.care_of == first.care_of);
  CHECK(f.return_routability(kHome2, kCareOf1).home != first.home);
  CHECK(f.return_routability(kHome2, kCareOf1).care_of != first.care_of);

  Fixture other;
  other.random.next_u64();
  forwarding::ForwardingPlan plan;
  correspondent_node::CorrespondentNode stranger({}, other.random, plan, other.now);
  Outputs outputs;
  stranger.handle(PacketReceived{inits_from(kHome).home}, other.now, outputs);
  const auto decoded = wire::decode_packet(outputs.packets.at(0).packet);
  CHECK(std::get<wire::HomeTest>(std::get<wire::MobilityMessage>(decoded->message)).home_keygen_token != first.home);
}

TEST_CASE("the tokens are those of RFC 6275 §5.2.5") {
  // The random source hands out, in this order, the index of the first nonce, Kcn octet by octet, the nonce.
  Fixture f;
  SeededRandom same(42);
  const std::uint16_t index = same.next_u16();
  Bytes node_key;
  for (int i = 0; i < 20; ++i) node_key.push_back(static_cast<std::uint8_t>(same.next_u64()));
  const std::uint64_t nonce = same.next_u64();
  const auto expected = [&](const Address& whose, std::uint8_t last) {
    Writer input;
    input.address(whose);
    input.u64(nonce);
    input.u8(last);
    const Sha1Digest digest = hmac_sha1(node_key, input.view());
    return Reader(digest).u64();
  };
  const Tokens tokens = f.return_routability();
  CHECK(tokens.home_index == index);
  CHECK(tokens.care_of_index == index);
  CHECK(tokens.home == expected(kHome, 0));
  CHECK(tokens.care_of == expected(kCareOf1, 1));
}

TEST_CASE("two addresses of one correspondent node answer for themselves") {
  Fixture f;
  for (const Address& ours : {kCorrespondent, kSecondAddress}) f.return_routability(kHome, kCareOf1, ours);
}

TEST_CASE("while bound the tests go on as before") {
  Fixture f;
  f.bind();
  f.return_routability();
}

TEST_CASE("foreign options and reserved fields of test inits are skipped") {
  Fixture f;
  f.send_packet(wire::build_packet({kHome, kCorrespondent}, wire::HomeTestInit{7, {wire::NonceIndices{1, 2}}}));
  CHECK(f.take_one<wire::HomeTest>().message.home_init_cookie == 7);
  f.send_packet(wire::build_packet({kCareOf1, kCorrespondent},
                                   wire::CareOfTestInit{8, {wire::AlternateCareOfAddress{kCareOf2}}}));
  const auto answer = f.take_one<wire::CareOfTest>();
  CHECK(answer.view.destination == kCareOf1);
  CHECK(answer.packet.size() == 40 + 24);  // nothing is given back but the cookie

  for (const bool reserved_of_message : {false, true}) {
    Bytes header = wire::encode(wire::HomeTestInit{9});
    if (reserved_of_message)
      header[6] = header[7] = 0xff;
    else
      header[3] = 0xff;
    f.send_packet(wire::build_packet_from_header({kHome, kCorrespondent}, header));
    CHECK(f.take_one<wire::HomeTest>().message.home_init_cookie == 9);
  }
}

TEST_CASE("test inits with a Home Address option or a routing header are ignored silently") {
  for (const auto& message : {wire::MobilityMessage{wire::HomeTestInit{1}}, wire::MobilityMessage{wire::CareOfTestInit{1}}}) {
    Fixture f;
    f.send_packet(wire::build_packet({kCareOf1, kCorrespondent, kHome}, message));
    CHECK(f.silent());
    f.bind({.home_address = kHome2});
    f.send_packet(wire::build_packet({kCareOf1, kCorrespondent, kHome2}, message));  // also when it is bound
    CHECK(f.silent());
    f.send_packet(wire::build_packet({kCareOf1, kCorrespondent, std::nullopt, kHome}, message));
    CHECK(f.silent());
  }
}

TEST_CASE("test inits from, or to, addresses that can not stand in a binding are ignored silently") {
  Fixture f;
  for (const char* source : {"::", "::1", "ff02::1", "ff0e::1234", "fe80::5", "::ffff:192.0.2.1"})
    for (const Bytes& packet : {inits_from(address(source)).home, inits_from(address(source)).care_of}) {
      INFO(source);
      f.send_packet(packet);
      CHECK(f.silent());
    }
  for (const char* destination : {"ff02::1", "fe80::7", "2001:db8:100::100"})
    for (const Bytes& packet : {inits_from(kHome, address(destination)).home, inits_from(kHome, address(destination)).care_of}) {
      INFO(destination);
      f.send_packet(packet);
      CHECK(f.silent());
    }
  CHECK(f.node->counters().home_test_inits == 0);
}

TEST_CASE("switched off, no test is answered and no Binding Update taken") {
  Fixture f;
  const Tokens tokens = f.bind();
  correspondent_node::Configuration off;
  off.route_optimization = false;
  f.configure(off);
  CHECK(f.care_of(kHome) == Address{});
  for (const Bytes& packet : {inits_from(kHome).home, inits_from(kHome).care_of, Fixture::packet_of({.sequence = 20'000}, tokens)}) {
    f.send_packet(packet);
    CHECK(f.silent());
  }
  CHECK(f.plan.correspondent_bindings.items().empty());
  f.report_unbound(kHome, kCareOf1);
  CHECK(f.take_one<wire::BindingError>().message.status == wire::BindingErrorStatus::UnknownBinding);
}
