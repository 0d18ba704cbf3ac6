// SPDX-License-Identifier: GPL-3.0-or-later
// A mobile node whose whole world is the tester: its home agent, its correspondent nodes, the routers.
//
//   mobile node ─┬─ wlan0 2001:db8:a::10, later 2001:db8:c::10 ─┬─ core ── tester: home agent 2001:db8:100::1,
//                └─ wwan0, not connected                        ┘          correspondent nodes 2001:db8:5::80, 2001:db8:7::80
//   home address 2001:db8:100::100
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conformance/harness/case.hpp"
#include "conformance/harness/describe.hpp"
#include "conformance/harness/mobility_header.hpp"
#include "simulation/simulator/mobile_host.hpp"

namespace mipflow::conformance::mobile {

using namespace std::chrono_literals;

inline const Address kHomeAgent = *Address::parse("2001:db8:100::1");
inline const Address kHome = *Address::parse("2001:db8:100::100");
inline const Address kForeignHome = *Address::parse("2001:db8:100::999");
inline const Address kCorrespondent = *Address::parse("2001:db8:5::80");
inline const Address kCorrespondent2 = *Address::parse("2001:db8:7::80");  // the policy forbids route optimisation with it
inline const Address kStranger = *Address::parse("2001:db8:9::80");
inline const Address kLinkX = *Address::parse("2001:db8:a::10");  // the care-of address there
inline const Address kLinkY = *Address::parse("2001:db8:c::10");
inline const Address kAtHome = *Address::parse("2001:db8:100::e0");  // the care-of address on the home link
inline constexpr InterfaceIndex kWlan = 3, kWwan = 4;

inline constexpr std::uint16_t kLongest = 105;  // MAX_RR_BINDING_LIFETIME in units
inline constexpr Duration kUnit = 4s;

// Something that the mobile node sent; a reverse-tunnelled packet is the inner one.
struct Seen {
  TimePoint at{};
  Bytes packet;
  std::optional<std::pair<Address, Address>> tunnel = std::nullopt;  // outer source and destination

  wire::PacketView view() const { return *wire::parse_packet(packet); }
  std::string text() const { return (tunnel ? "tunnelled " : "") + describe(packet); }
};

template <class Message>
struct Found {
  Seen seen;
  Message message;
};

// A HoT or CoT as it is sent; what is not set is right.
struct Answer {
  std::uint16_t index = 0;
  std::uint64_t token = 0;
  std::optional<std::uint64_t> cookie = std::nullopt;
  std::optional<Address> source = std::nullopt;
  std::optional<Address> destination = std::nullopt;
  bool tunnelled = true;  // HoT only
  std::uint8_t payload_proto = 59;
  std::uint8_t reserved = 0;
  bool cut_short = false;
  bool wrong_checksum = false;
};

// A Binding Acknowledgement as it is sent.
struct Acknowledgement {
  std::uint8_t status = 0;
  std::optional<std::uint16_t> sequence = std::nullopt;  // else the update's
  std::optional<std::uint16_t> lifetime = std::nullopt;  // else the update's, 105 at most
  std::optional<std::uint16_t> refresh_advice = std::nullopt;
  std::uint8_t reserved = 0;
  enum class Authorization { Right,
                             Missing,
                             Wrong,
                             NotLast };
  Authorization authorization = Authorization::Right;
};

// Of the node under test: one home address, its home agent known.
mobile_node::Configuration usual_configuration();

class MobileBench final : public simulation::Station {
 public:
  explicit MobileBench(Record& record, std::uint64_t seed = 2, mobile_node::Configuration configuration = usual_configuration());

  // ---- the network and the home agent ----
  void wait(Duration duration) { clock.run_until(clock.now() + duration); }
  // HREG: the mobile node appears on link X and registers there. The tester goes on answering home registrations.
  void home_registration();
  // MOVE: link X is gone, the mobile node is on link Y and registers there.
  void move();
  // The wlan interface comes up with this care-of address; nothing is waited for.
  void appear(const Address& care_of_address, std::optional<Duration> valid_for = std::nullopt);
  // It has moved to another link; nothing is waited for.
  void go(const Address& care_of_address);
  // The same to the home link, where packets for the home address arrive without a tunnel.
  void go_home();
  Address care_of_address() const { return care_of_; }
  bool home_agent_answers = true;
  // What the answer of the home agent is, as a packet; without it a plain acceptance.
  std::function<Bytes(const Found<wire::BindingUpdate>&)> home_acknowledgement = {};
  // Home registrations are not answered but left to the case, as everything else is.
  bool judges_home_registrations = false;
  // Answers every Init and every Binding Update to a correspondent node as one that has nothing against it.
  bool correspondent_answers = false;

  // ---- stimuli ----
  void send(const Bytes& packet);  // to the care-of address that its destination is
  void send_tunnelled(const Bytes& inner, const Address& outer_source = kHomeAgent);
  // An application packet of the correspondent node, which the mobile node's application answers.
  void datagram_by_tunnel(const Address& correspondent = kCorrespondent);
  void datagram_by_routing_header(const Address& correspondent = kCorrespondent);
  void datagram_on_home_link(const Address& correspondent = kCorrespondent);
  // What a neighbour sends to a multicast address or to the home address.
  void send_on_link(const Bytes& packet);
  void answer(const Found<wire::HomeTestInit>& init, const Answer& answer);
  void answer(const Found<wire::CareOfTestInit>& init, const Answer& answer);
  void answer(const Found<wire::BindingUpdate>& update, const Acknowledgement& acknowledgement = {});
  // A Mobility Header message out of the blue: by the tunnel to the home address, or straight to the care-of address.
  void by_tunnel(const MobilityHeader& header, const Address& source = kCorrespondent);
  void straight(const MobilityHeader& header, const Address& source = kCorrespondent);
  void icmpv6_error(std::uint8_t type, std::uint8_t code, std::uint32_t parameter, const Seen& about,
                    const Address& source = kCorrespondent);

  // ---- judgements; each throws Failed ----
  Found<wire::HomeTestInit> expect_home_test_init(Duration within = 2s, const Address& correspondent = kCorrespondent);
  Found<wire::CareOfTestInit> expect_care_of_test_init(Duration within = 2s, const Address& correspondent = kCorrespondent);
  // A Binding Update to the correspondent node: addresses, flags, lifetime, Nonce Indices and authenticator of the tokens
  // that were given last. `lifetime_zero`: a deletion.
  Found<wire::BindingUpdate> expect_update(Duration within = 2s, bool lifetime_zero = false);
  // None of these messages goes to the correspondent node.
  void expect_no_return_routability(Duration during, const std::string& after, const Address& correspondent = kCorrespondent);
  void expect_no_update(Duration during, const std::string& after);
  // The application's answers take this way.
  void traffic_is_direct();
  void traffic_is_tunnelled(const Address& correspondent = kCorrespondent);
  void traffic_is_plain();  // on the home link
  // The answer to the last datagram.
  Seen expect_datagram(const std::string& wanted);
  void expect_no_datagram(Duration during, const std::string& after);
  Found<wire::BindingError> expect_binding_error();
  Found<wire::Icmpv6Error> expect_icmpv6_error(const std::string& wanted);

  // ---- up to a point, nothing recorded ----
  // The first packet of a flow has come by the tunnel, both Inits have left.
  std::pair<Found<wire::HomeTestInit>, Found<wire::CareOfTestInit>> inits();
  // The Binding Update has left.
  Found<wire::BindingUpdate> up_to_update();
  // RO: accepted.
  Found<wire::BindingUpdate> optimized(const Acknowledgement& acknowledgement = {});

  void clear() { inbox_.clear(); }
  // What came and was not judged, for the message of a failing case.
  std::string rest() const;
  // Retransmissions of a message: the gaps double, from 1 s on; each one differs from the one before by `field`. Ends after
  // `count` further ones.
  template <class Message>
  std::vector<Found<Message>> expect_retransmissions(const Found<Message>& first, unsigned count,
                                                     const std::function<void(const Found<Message>&)>& reaction,
                                                     const std::string& name);
  template <class Message>
  std::optional<Found<Message>> next(Duration within, const std::function<bool(const Found<Message>&)>& fits);

  Record& record() { return record_; }
  void saw(const std::string& what) {
    if (recording_) record_.saw(what);
  }
  // Everything done by `what` is not recorded.
  template <class What>
  auto quietly(What&& what) {
    struct Restore {
      bool& flag;
      bool was;
      ~Restore() { flag = was; }
    } restore{recording_, std::exchange(recording_, false)};
    return what();
  }

  simulation::EventQueue clock;
  simulation::Network network;
  simulation::MobileHost node;

 private:
  void receive(const Bytes& packet, simulation::Attachment&) override;
  bool answered_as_home_agent(const Seen& seen);
  void answer_as_correspondent(const Seen& seen);
  template <class Message>
  static std::optional<Found<Message>> as(const Seen& seen);
  Bytes datagram(const Address& correspondent);

  Record& record_;
  simulation::Attachment& attachment_;
  Address care_of_;
  std::deque<Seen> inbox_;
  std::uint64_t home_token_ = 0;
  std::uint64_t care_of_token_ = 0;
  std::uint16_t home_index_ = 0;
  std::uint16_t care_of_index_ = 0;
  TimePoint home_registered_until_{};
  std::uint32_t last_number_ = 0;
  std::uint16_t home_registrations_ = 0;
  bool recording_ = true;
};

Case mobile_case(std::string id, std::string title, std::string section, std::function<void(MobileBench&)> run,
                 std::string remark = {});

// ---- templates ----

template <class Message>
std::optional<Found<Message>> MobileBench::as(const Seen& seen) {
  const auto decoded = wire::decode_packet(seen.packet);
  if (!decoded) return std::nullopt;
  std::optional<Found<Message>> out;
  const auto look = [&](const auto& message) {
    if constexpr (std::is_same_v<std::decay_t<decltype(message)>, Message>) out = Found<Message>{seen, message};
  };
  std::visit([&](const auto& kind) { std::visit(look, kind); }, decoded->message);
  return out;
}

template <class Message>
std::optional<Found<Message>> MobileBench::next(Duration within, const std::function<bool(const Found<Message>&)>& fits) {
  const TimePoint end = clock.now() + within;
  do {
    for (auto it = inbox_.begin(); it != inbox_.end(); ++it) {
      auto found = as<Message>(*it);
      if (!found || !fits(*found)) continue;
      inbox_.erase(it);
      return found;
    }
  } while (clock.run_one(end));
  clock.run_until(end);
  return std::nullopt;
}

template <class Message>
std::vector<Found<Message>> MobileBench::expect_retransmissions(const Found<Message>& first, unsigned count,
                                                                const std::function<void(const Found<Message>&)>& reaction,
                                                                const std::string& name) {
  constexpr Duration kTolerance = 20ms;
  std::vector<Found<Message>> out{first};
  Duration gap = 1s;
  for (unsigned i = 0; i < count; ++i, gap *= 2) {
    reaction(out.back());
    const auto again = next<Message>(gap + 2s, [&](const Found<Message>& found) {
      return found.seen.view().logical_destination() == first.seen.view().logical_destination();
    });
    require(again.has_value(), name + " was not sent again; there is " + rest());
    const Duration passed = again->seen.at - out.back().seen.at;
    require(passed > gap - kTolerance && passed < gap + kTolerance,
            name + " was sent again after " + std::to_string(passed / 1ms) + " ms, wanted " + std::to_string(gap / 1ms));
    out.push_back(*again);
  }
  reaction(out.back());
  saw(name + " again, gaps doubling from 1 s");
  return out;
}

}  // namespace mipflow::conformance::mobile
