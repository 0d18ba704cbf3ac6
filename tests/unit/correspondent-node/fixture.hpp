// SPDX-License-Identifier: GPL-3.0-or-later
// A correspondent node before a tester who plays mobile nodes, their home agents and routers with real packets, and a clock
// that only the tester moves. What the data path would let through is read from the plan.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/correspondent-node/correspondent_node.hpp"
#include "mipflow/wire/packet.hpp"
#include "mipflow/wire/return_routability.hpp"

namespace mipflow::correspondent_node::test {

using namespace std::chrono_literals;

inline Address address(const char* text) { return Address::parse(text).value(); }

inline const Address kCorrespondent = address("2001:db8:300::7");
inline const Address kSecondAddress = address("2001:db8:301::7");  // the correspondent node has two
inline const Address kHome = address("2001:db8:100::100");
inline const Address kHome2 = address("2001:db8:100::a1");
inline const Address kCareOf1 = address("2001:db8:200::5");
inline const Address kCareOf2 = address("2001:db8:201::9");
inline const Address kCareOf3 = address("2001:db8:202::c");
inline const Address kRouter = address("2001:db8:200::1");

// What return routability gave the mobile node.
struct Tokens {
  std::uint16_t home_index = 0, care_of_index = 0;
  wire::KeygenToken home = 0, care_of = 0;
};

// A Binding Update to be sent; what is not set is as a mobile node away from home does it.
struct Update {
  Address home_address = kHome;
  Address source = kCareOf1;  // on the wire
  Address correspondent = kCorrespondent;
  std::uint16_t sequence = 10'000;
  std::uint16_t lifetime_units = 105;
  bool acknowledge = true, home_registration = false, link_local = false, key_management = false;
  std::uint16_t other_flags = 0;
  bool home_address_option = true;
  std::optional<Address> alternate_care_of_address = std::nullopt;
  wire::MobilityOptions extra_options = {};  // before the nonce indices
  bool with_indices = true, with_authorization = true;
  std::optional<Address> authenticated_address = std::nullopt;  // in the place of the care-of address
  std::optional<Sha1Digest> key = std::nullopt;                 // in the place of the right one
};

struct Sent {
  TimePoint at;
  OutgoingPacket out;
};

// A message that the correspondent node sent, and what was around it.
template <class Message>
struct Answer {
  TimePoint at;
  Bytes packet;
  wire::PacketView view;  // its payload points into `packet`
  Message message;
};

class Fixture {
 public:
  explicit Fixture(Configuration with = {}, Objection objection = {});
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  // ---- the mobile node ----
  // Sends the test inits and takes the answers; the test fails when there are none.
  Tokens return_routability(const Address& home_address = kHome, const Address& care_of_address = kCareOf1,
                            const Address& correspondent = kCorrespondent);
  // Only one of them; the other half stays as it was.
  void home_test(Tokens& tokens, const Address& home_address = kHome, const Address& correspondent = kCorrespondent);
  void care_of_test(Tokens& tokens, const Address& care_of_address = kCareOf1,
                    const Address& correspondent = kCorrespondent);
  static Bytes packet_of(const Update& update, const Tokens& tokens);
  void send(const Update& update, const Tokens& tokens) { send_packet(packet_of(update, tokens)); }
  // Return routability, Binding Update, status 0.
  Tokens bind(const Update& update = {});

  // ---- anything else that arrives ----
  void send_packet(Bytes packet, InterfaceIndex interface = 2);
  // An Echo Request with a Home Address option that the data path dropped.
  void report_unbound(const Address& home_address, const Address& source, const Address& destination = kCorrespondent);
  // The data path saw a packet of the binding just now.
  void use(const Address& home_address = kHome, Duration idle = {});
  // A router could not deliver a packet that we sent by the binding.
  void unreachable(const Address& home_address = kHome, const Address& care_of_address = kCareOf1, std::uint8_t code = 3);

  void advance(Duration by);
  void configure(Configuration configuration);

  // ---- what came of it ----
  std::vector<Sent> take_sent() { return std::exchange(sent_, {}); }
  // The messages of this kind since the last taking; others are dropped.
  template <class Message>
  std::vector<Answer<Message>> take() {
    std::vector<Answer<Message>> found;
    for (Sent& sent : take_sent()) {
      const auto decoded = wire::decode_packet(sent.out.packet);
      REQUIRE(decoded);
      const auto look = [&](const auto& message) {
        if constexpr (std::is_same_v<std::decay_t<decltype(message)>, Message>)
          found.push_back({sent.at, std::move(sent.out.packet), {}, message});
      };
      std::visit([&](const auto& kind) { std::visit(look, kind); }, decoded->message);
    }
    for (auto& answer : found) answer.view = *wire::parse_packet(answer.packet);
    return found;
  }
  // The only thing sent; the test fails when there is something else.
  template <class Message>
  Answer<Message> take_one() {
    REQUIRE(sent_.size() == 1);
    auto all = take<Message>();
    REQUIRE(all.size() == 1);
    return std::move(all.front());
  }
  bool silent() const { return sent_.empty(); }

  // Would the data path accept a Home Address option, and where would it send packets to the home address?
  bool permits(const Address& home_address, const Address& source, const Address& correspondent = kCorrespondent) const;
  Address care_of(const Address& home_address, const Address& correspondent = kCorrespondent) const;
  std::string state(const Address& home_address, const Address& correspondent = kCorrespondent) const;
  // Everything that a bad packet must not change.
  std::string fingerprint() const;
  bool noticed(const char* event) const;

  SeededRandom random{42};
  Now now{TimePoint{} + 1000s, std::chrono::seconds{1'700'000'000}};
  forwarding::ForwardingPlan plan;
  std::unique_ptr<CorrespondentNode> node;

 private:
  void collect(Outputs& outputs);

  std::vector<Sent> sent_;
  std::vector<std::string> notices_;
};

// Under which key the acknowledgement to the update has to be authentic.
Sha1Digest key_of(const Update& update, const Tokens& tokens);
// Status, sequence number, to the source of the update, routing header and authenticator as RFC 6275 §9.5.4 has them.
void check_acknowledgement(Answer<wire::BindingAcknowledgement> answer, wire::BindingStatus status, const Update& update,
                           const Tokens& tokens);

}  // namespace mipflow::correspondent_node::test

template <>
struct Catch::StringMaker<mipflow::Address> {
  static std::string convert(const mipflow::Address& value) { return mipflow::to_string(value); }
};
template <>
struct Catch::StringMaker<mipflow::wire::BindingStatus> {
  static std::string convert(mipflow::wire::BindingStatus value) { return mipflow::wire::to_string(value); }
};
