// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node under test in virtual time, with a home agent that answers as the test says.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mipflow/base/random.hpp"
#include "mipflow/flow-separator/policy.hpp"
#include "mipflow/mn-core/mobile_node.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::mobile_node::test {

using namespace std::chrono_literals;

Address address(const char* text);

inline const Address kHomeAgent = address("2001:db8:1::1");
inline const Address kPrimary = address("2001:db8:1::1234");
inline const Address kCorrespondent = address("2001:db8:5::80");
inline const Address kWlanAddress = address("2001:db8:a::10");
inline const Address kWwanAddress = address("2001:db8:b::10");
inline constexpr InterfaceIndex kWlan = 3;
inline constexpr InterfaceIndex kWwan = 4;

Configuration configuration();

// A Binding Update that the node sent, taken apart.
struct SentUpdate {
  TimePoint at{};
  Address home_address;
  Address care_of_address;  // Alternate Care-of Address, else the source
  Address source;           // on the wire
  InterfaceIndex interface = 0;
  std::uint64_t timestamp = 0;
  bool has_home_address_option = false;
  Address destination{};
  Bytes packet{};
  wire::BindingUpdate message;
  Duration lifetime() const { return wire::kLifetimeUnit * message.lifetime_units; }
};
struct SentSolicitation {
  TimePoint at{};
  Address care_of_address;
  Address home_agent;
  wire::MobilePrefixSolicitation message;
};

class TestNode {
 public:
  explicit TestNode(Configuration configuration = test::configuration(), const char* policy = "");

  // Interfaces.
  void interface_up(InterfaceIndex index, const char* name, const Address& care_of_address,
                    InterfaceKind kind = InterfaceKind::Wifi);
  void wlan_up() { interface_up(kWlan, "wlan0", kWlanAddress, InterfaceKind::Wifi); }
  void wwan_up() { interface_up(kWwan, "wwan0", kWwanAddress, InterfaceKind::Cellular); }
  void carrier(InterfaceIndex index, const char* name, bool running, InterfaceKind kind = InterfaceKind::Wifi);

  // Time. advance() stops at every deadline on the way; sent messages and verdicts are collected.
  void handle(const Event& event);
  Expected<void, CommandError> move(FlowId flow, const char* interface_name);
  // Any other command: call(now, outputs).
  template <class Call>
  auto command(Call&& call) {
    Outputs outputs;
    auto result = call(both(), outputs);
    take(std::move(outputs));
    return result;
  }
  void stop();
  void advance(Duration duration);
  void advance_to(TimePoint time);
  // Runs what is due now.
  void settle();
  TimePoint now() const { return now_; }
  Now both() const { return {now_, wall_ + (now_ - TimePoint{})}; }

  // What came out since the last take_...().
  std::vector<SentUpdate> take_updates();  // to the home agent
  std::vector<SentUpdate> take_correspondent_updates();
  std::vector<SentSolicitation> take_solicitations();
  std::vector<Verdict> take_verdicts();
  std::vector<std::string> take_events();  // notice identifiers
  bool saw_event(const std::string& event);  // takes them
  std::vector<OutgoingPacket> take_other_packets();
  std::map<std::string, std::string> kept;  // what the node wants to have again after a restart, by name

  // The home agent's answers. `change` may spoil the acknowledgement before it is signed.
  struct AcknowledgementOptions {
    wire::BindingStatus status = wire::BindingStatus::Accepted;
    std::optional<std::uint16_t> sequence = std::nullopt;
    std::optional<std::uint16_t> lifetime_units = std::nullopt;
    std::optional<std::uint16_t> refresh_units = std::nullopt;
    std::optional<std::uint64_t> timestamp = std::nullopt;
    bool with_timestamp = true;
    bool authenticated = true;
    bool wrong_key = false;
    std::optional<Address> from = std::nullopt;
  };
  PacketReceived acknowledgement(const SentUpdate& update, const AcknowledgementOptions& options) const;
  void acknowledge(const SentUpdate& update) { acknowledge(update, AcknowledgementOptions{}); }
  void acknowledge(const SentUpdate& update, const AcknowledgementOptions& options);
  void advertise(const SentSolicitation& solicitation, std::vector<wire::PrefixInformation> prefixes, bool sign = true);
  // A home agent that answers everything at once for this long (registrations that need duplicate address detection after
  // one second): brings the node into its steady state.
  void serve(Duration duration);
  // serve() also remembers who is bound where: the home agent's binding cache.
  std::vector<std::pair<Address, Address>> cache;
  std::function<std::optional<wire::BindingStatus>(const SentUpdate&)> judge;  // overrides serve()'s answer
  std::function<bool(const SentUpdate&)> arrives;  // false: lost on the way to the home agent of serve()
  Duration round_trip = 20ms;
  // Called by serve() whenever something may have left; true when it answered something.
  std::function<bool()> correspondents;

  // Flows.
  HeldPacketId outgoing(std::uint16_t port, const Address& source = kPrimary, const Address& correspondent = kCorrespondent,
                        bool source_was_offered = false);
  HeldPacketId outgoing_tcp(std::uint16_t port, std::uint8_t flags, const Address& source = kPrimary);
  HeldPacketId incoming(std::uint16_t port, const Address& destination = kPrimary,
                        const Address& correspondent = kCorrespondent);
  Duration waited_for_owner{};  // outgoing(): FlowPacket::waited
  std::optional<FlowSnapshot> flow_with_port(std::uint16_t port);
  std::optional<HomeAddressSnapshot> home_address(const Address& address);

  Configuration configuration;
  SeededRandom random{20041};
  MobileNode node;

 private:
  void take(Outputs outputs);
  void collect();

  TimePoint now_{std::chrono::hours{1}};
  Duration wall_ = std::chrono::hours{24 * 365 * 50};
  std::vector<SentUpdate> updates_;
  std::vector<SentUpdate> correspondent_updates_;
  std::vector<SentSolicitation> solicitations_;
  std::vector<Verdict> verdicts_;
  std::vector<std::string> events_;
  std::vector<OutgoingPacket> other_packets_;
  HeldPacketId last_packet_ = 0;
};

FlowKey udp_key(std::uint16_t port, const Address& source = kPrimary, const Address& correspondent = kCorrespondent);

}  // namespace mipflow::mobile_node::test
