// SPDX-License-Identifier: GPL-3.0-or-later
// A home agent whose whole world is the tester: mobile nodes abroad and at home, correspondent nodes, routers, and the other
// nodes of the home link.
//
//   tester: care-of addresses 2001:db8:a::, 2001:db8:b:: ─╮                             ╭─ mobile node at home
//           correspondent node 2001:db8:5::80            ─┼─ core ── home agent ── home ┼─ a neighbour
//           everything else                              ─╯   2001:db8:100::1      link ╰─ other home agents
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "conformance/harness/case.hpp"
#include "conformance/harness/mobility_header.hpp"
#include "simulation/simulator/echo.hpp"
#include "simulation/simulator/home_agent_host.hpp"

namespace mipflow::conformance::home {

using namespace std::chrono_literals;

inline const Address kHomeAgent = *Address::parse("2001:db8:100::1");
inline const Address kHome = *Address::parse("2001:db8:100::100");
inline const Address kHomeLinkLocal = *Address::parse("fe80::100");      // with the same interface identifier
inline const Address kHome2 = *Address::parse("2001:db8:100::200");      // another mobile node's
inline const Address kElsewhere = *Address::parse("2001:db8:999::100");  // a mobile node's, below no home prefix
inline const Address kCareOf1 = *Address::parse("2001:db8:a::10");
inline const Address kCareOf2 = *Address::parse("2001:db8:b::10");
inline const Address kCorrespondent = *Address::parse("2001:db8:5::80");
inline const Address kMulticast = *Address::parse("ff0e::1:2");
inline const Address kNeighbour = *Address::parse("2001:db8:100::50");
inline const Address kNeighbourLinkLocal = *Address::parse("fe80::50");
inline constexpr LinkLayerAddress kHomeAgentMac{2, 0, 0, 0, 0, 1};
inline constexpr LinkLayerAddress kMobileNodeMac{2, 0, 0, 0, 1, 0};
inline constexpr LinkLayerAddress kNeighbourMac{2, 0, 0, 0, 0, 0x50};

inline constexpr std::uint16_t kRegistrationSequence = 15, kRegistrationLifetime = 105;  // of REG
inline constexpr std::uint32_t kSpi = 256;

// What the mobile node of this home address authenticates itself with.
std::string identifier_of(const Address& home_address);
Bytes key_of(const Address& home_address);

// A Binding Update; what is not set is as in REG.
struct Update {
  Address home_address = kHome;
  Address source = kCareOf1;
  bool home_address_option = true;
  std::optional<Address> alternate = std::nullopt;  // else the source
  std::uint16_t sequence = kRegistrationSequence;
  std::uint16_t lifetime = kRegistrationLifetime;  // units
  std::uint16_t flags = kAcknowledge | kHomeRegistration;

  enum class Authentication { Right,
                              Missing,
                              Wrong,
                              UnknownSpi,
                              NotLast,
                              Twice,
                              WithoutIdentifier };
  Authentication authentication = Authentication::Right;
  std::optional<std::uint64_t> timestamp = std::nullopt;

  bool nonce_indices = false;
  bool unknown_option = false;
  std::size_t padding = 0;  // octets more than needed
  bool overrunning_option = false;
  std::uint8_t type = kBindingUpdate;
  std::uint8_t payload_proto = 59;
  std::uint8_t reserved = 0;
  bool cut_short = false;
  bool wrong_checksum = false;
  Bytes behind{};  // octets behind the Mobility Header

  Address care_of_address() const { return alternate.value_or(source); }
  bool from_home() const { return source == home_address; }
  Bytes packet() const;
  // The same from another place, a moment later.
  Update from(const Address& care_of_address, std::uint16_t later = 1) const;
  // The end of the registration: from where it was made, or from the home link.
  Update deletion() const;
  Update deletion_at_home(bool with_home_address_option) const;
};

enum class Link { Real,
                  Virtual };

using Change = std::function<void(home_agent::Configuration&)>;

class HomeAgentBench final : public simulation::Station {
 public:
  HomeAgentBench(Record& record, Link link, const Change& change = {});

  // ---- stimuli ----
  void send(const Bytes& packet) { network.send(attachment_, packet); }
  // From the home link when the source is the home address, from the core else.
  void send(const Update& update);
  void send_at_home(const Bytes& packet) { node.home_link.from_neighbour(mobile_node, packet); }
  void wait(Duration duration) { clock.run_until(clock.now() + duration); }
  void wait_until(TimePoint when) { clock.run_until(when); }
  simulation::Echo echo(const Address& source, const Address& destination);
  // Of a node on the home link.
  enum class Solicitation { Multicast,
                            Unicast,
                            UnicastWithoutAddress,
                            Detection };
  void solicit(const Address& target, Solicitation form);

  // ---- judgements; each throws Failed ----
  // What the core delivered since the last look.
  std::vector<Bytes> take(Duration within);
  Bytes only_answer(const std::string& wanted, Duration within);
  // What neighbours heard or the mobile node at home received; kept until cleared.
  std::vector<Bytes> heard() const { return neighbour.heard; }
  void expect_silence(const std::string& after);
  // A Binding Acknowledgement with this status and everything around it as RFC 6275 §9.5.4 and §10.3 and RFC 4285 §5.1 ask for,
  // where the update came from. `sequence`: when it is not the update's own.
  wire::BindingAcknowledgement expect_acknowledgement(const Update& update, wire::BindingStatus status,
                                                      std::optional<std::uint16_t> sequence = std::nullopt);
  void expect_parameter_problem(const Address& to, std::uint32_t pointer);
  void expect_binding_error(wire::BindingErrorStatus status, const Address& to, const Address& home_address);
  // Sends it and expects Accepted, not recorded or recorded.
  wire::BindingAcknowledgement registers(const Update& update = {});
  wire::BindingAcknowledgement accept(const Update& update);
  void refuse(const Update& update, wire::BindingStatus status, std::optional<std::uint16_t> sequence = std::nullopt);
  void ignore(const Update& update, const std::string& what);

  // PROBE+, PROBE-
  void probe_answered(const Address& care_of_address = kCareOf1, const Address& home_address = kHome);
  void probe_refused(const Address& care_of_address = kCareOf1, const Address& home_address = kHome);
  // A packet of the correspondent node reaches the care-of address in the tunnel; the tunnel packet.
  Bytes intercepted(const Address& care_of_address, const Bytes& packet);
  // A packet in the tunnel from the care-of address reaches the correspondent node, or does not.
  void reverse_tunnelled(const Address& care_of_address, const Bytes& inner);
  void reverse_tunnel_refused(const Address& care_of_address, const Bytes& inner);
  // The Neighbor Advertisements that the home agent multicast about the target since the last look.
  unsigned announcements(const Address& target);
  // What a solicitation brings.
  void solicitation_answered(const Address& target, Solicitation form);
  void solicitation_ignored(const Address& target, Solicitation form);

  void saw(const std::string& what) {
    if (recording_) record_.saw(what);
  }
  // Without a record of what is on the way to what the case is about.
  template <class Steps>
  void quietly(const Steps& steps) {
    const bool was = std::exchange(recording_, false);
    steps();
    recording_ = was;
  }

  simulation::EventQueue clock;
  simulation::Network network;
  simulation::HomeAgentHost node;
  simulation::Neighbour& mobile_node;  // at home; without an address while it is abroad
  simulation::Neighbour& neighbour;

  TimePoint last_arrival{};

 private:
  void receive(const Bytes& packet, simulation::Attachment&) override;
  std::optional<Bytes> kernels_answer(const Address& target, Solicitation form) const;

  Record& record_;
  simulation::Attachment& attachment_;
  std::vector<Bytes> inbox_;
  std::uint16_t last_echo_ = 0;
  bool recording_ = true;
};

// A case with a bench of its own.
Case home_agent_case(std::string id, std::string title, std::string section, Link link,
                     std::function<void(HomeAgentBench&)> run, std::string remark = {}, Change change = {});
// The same on both kinds of home link.
void add_twins(Group& group, const std::string& real_id, const std::string& virtual_id, const std::string& title,
               const std::string& section, const std::function<void(HomeAgentBench&)>& run, const Change& change = {});
Case not_applicable(std::string id, std::string title, std::string section, std::string reason);

// Changes of the configuration that several groups want.
void without_keys(home_agent::Configuration& configuration);  // accepts registrations that nobody authenticated

}  // namespace mipflow::conformance::home
