// SPDX-License-Identifier: GPL-3.0-or-later
// A home agent between a tester who plays mobile nodes, neighbours and routers with real packets, and a clock that only
// the tester moves.
//
//   home link 2001:db8:100::/64 (interface 2)      the rest of the world (interface 3)
//      neighbours ── home agent ::1 ──────────────── mobile nodes at 2001:db8:200::/48, correspondent node 2001:db8:300::1
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::home_agent::test {

using namespace std::chrono_literals;

Address address(const char* text);

inline const Address kHomeAgent = address("2001:db8:100::1");
inline const Address kPrimary = address("2001:db8:100::100");
inline const Address kDynamic = address("2001:db8:100::a1");
inline const Address kCareOf1 = address("2001:db8:200::5");
inline const Address kCareOf2 = address("2001:db8:201::5");
inline const Address kCorrespondent = address("2001:db8:300::1");
inline const Address kOtherPrimary = address("2001:db8:100::200");
inline constexpr InterfaceIndex kHomeInterface = 2;
inline constexpr InterfaceIndex kOutside = 3;
inline constexpr LinkLayerAddress kHomeAgentMac{2, 0, 0, 0, 0, 1};
inline constexpr LinkLayerAddress kMobileNodeMac{2, 0, 0, 0, 0, 0x77};

// A Binding Update to be sent; what is not set is as a mobile node away from home does it.
struct Update {
  Address home_address = kPrimary;
  Address care_of_address = kCareOf1;
  std::optional<Address> wire_source = std::nullopt;       // else the care-of address
  std::optional<Address> destination = std::nullopt;       // else the home agent
  std::uint16_t sequence = 15;
  std::uint16_t lifetime_units = 105;
  bool acknowledge = true, home_registration = true, link_local = false;
  bool home_address_option = true, alternate_care_of_address = true;
  std::uint16_t other_flags = 0;
  wire::MobilityOptions extra_options = {};      // before the authentication options

  bool authenticated = true;
  std::string identifier = "laptop@example.net";
  bool with_identifier = true;
  std::uint32_t spi = 1000;
  std::optional<Bytes> key = std::nullopt;                 // else the one that belongs to the home address
  std::optional<Duration> clock_offset = Duration{};  // of the timestamp; nullopt: no timestamp
  std::optional<std::uint64_t> timestamp = std::nullopt;   // overrules clock_offset

  InterfaceIndex interface = kOutside;
  std::optional<LinkLayerAddress> link_layer_source = std::nullopt;
};

// Something that the home agent sent.
struct Sent {
  TimePoint at;
  OutgoingPacket out;
  wire::SignallingPacket decoded() const;  // fails the test when it can not be decoded
};

// A Binding Acknowledgement and what was around it.
struct Acknowledged {
  TimePoint at;
  OutgoingPacket out;
  wire::PacketView view;  // its `payload` points into `out`
  wire::BindingAcknowledgement message;
  bool authentic = false;                    // under the security association of its home address
  std::optional<std::uint64_t> timestamp;
};

class Fixture {
 public:
  explicit Fixture(Configuration with = default_configuration());
  static Configuration default_configuration();
  static Configuration on_virtual_home_link();

  // The packet of an update as it would be on the wire now.
  Bytes packet_of(const Update& update) const;
  void send(const Update& update);
  void send_packet(Bytes packet, InterfaceIndex interface = kOutside,
                   std::optional<LinkLayerAddress> link_layer_source = std::nullopt);
  // The data path reports a reverse-tunnelled packet that it dropped.
  void refuse(const Address& home_address, const Address& care_of_address);
  // Sends, and waits for duplicate address detection when there is a home link.
  void establish(const Update& update);

  // Moves the clock and wakes the home agent exactly when it asks for it.
  void advance(Duration by);
  // The home agent goes away and comes back with what it had persisted (or with nothing).
  void restart(bool keep_bindings = true);
  void configure(Configuration configuration);

  // Packets sent since the last call of any of these.
  std::vector<Sent> take_sent();
  std::vector<Acknowledged> take_acknowledgements();   // others are dropped
  std::optional<Acknowledged> take_acknowledgement();  // fails the test when there are several
  template <class Message>
  std::vector<Message> take_messages() {
    std::vector<Message> out;
    for (const Sent& sent : take_sent())
      if (const auto message = message_in<Message>(sent)) out.push_back(*message);
    return out;
  }
  template <class Message>
  static std::optional<Message> message_in(const Sent& sent) {
    const auto decoded = sent.decoded();
    std::optional<Message> found;
    const auto look = [&](const auto& message) {
      if constexpr (std::is_same_v<std::decay_t<decltype(message)>, Message>) found = message;
    };
    std::visit([&](const auto& kind) { std::visit(look, kind); }, decoded.message);
    return found;
  }

  std::optional<BindingSnapshot> binding(const Address& home_address) const;
  std::string state(const Address& home_address) const;  // "" when nothing is known
  // Where packets to the home address are tunnelled to; `::` when they are not.
  Address tunnelled_to(const Address& home_address) const;
  bool accepts_from(const Address& home_address, const Address& care_of_address) const;
  bool proxies(const Address& address) const;
  bool watches(const Address& address) const;
  // Everything that a bad packet must not change.
  std::string fingerprint() const;

  static Bytes key_of(const Address& home_address);
  bool noticed(const char* event) const;

  SeededRandom random{42};
  Now now{TimePoint{} + 1000s, std::chrono::seconds{1'700'000'000}};
  Configuration configuration;
  std::unique_ptr<HomeAgent> agent;

 private:
  void collect(Outputs& outputs);

  std::vector<Sent> sent_;
  std::vector<std::string> notices_;
};

}  // namespace mipflow::home_agent::test

template <>
struct Catch::StringMaker<mipflow::Address> {
  static std::string convert(const mipflow::Address& value) { return mipflow::to_string(value); }
};
template <>
struct Catch::StringMaker<mipflow::wire::BindingStatus> {
  static std::string convert(mipflow::wire::BindingStatus value) { return mipflow::wire::to_string(value); }
};
