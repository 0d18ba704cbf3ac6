// SPDX-License-Identifier: GPL-3.0-or-later
// The home agent's side of home registrations and mobile prefix discovery, judged octet by octet. Mobile node and home agent
// use RFC 4285 where the suite wants IPsec.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "conformance/mobile_node/bench.hpp"

namespace mipflow::conformance::mobile {

using Registration = Found<wire::BindingUpdate>;

inline constexpr Duration kFirstGap = 1500ms;  // InitialBindackTimeoutFirstReg

// A Binding Acknowledgement of the home agent; what is not set is right, and accepts.
struct HomeAcknowledgement {
  std::uint8_t status = 0;
  std::optional<std::uint16_t> sequence = std::nullopt;   // else the update's
  std::optional<std::uint16_t> lifetime = std::nullopt;   // units; else the update's
  std::optional<std::uint64_t> timestamp = std::nullopt;  // else the update's
  bool with_timestamp = true;
  std::optional<std::uint16_t> refresh_advice = std::nullopt;  // units
  enum class Authentication { Right,
                              Missing,
                              Wrong };
  Authentication authentication = Authentication::Right;
  bool unknown_option = false;
  std::uint8_t reserved = 0;
  std::uint8_t payload_proto = 59;
  bool cut_short = false;
  bool wrong_checksum = false;
};

using PrefixSolicitation = Found<wire::MobilePrefixSolicitation>;

// A Mobile Prefix Advertisement that tells of the home prefix; what is not set is right.
struct Advertisement {
  std::chrono::seconds valid{7200};  // and preferred
  std::optional<std::uint16_t> identifier = std::nullopt;  // else the solicitation's
  std::uint16_t reserved = 0;                              // bits of the flags word
  bool unknown_option = false;
  bool routing_header = true;
  Address source = kHomeAgent;
};

// The security association, RFC 4285.
inline constexpr std::uint32_t kSpi = 256;
const Bytes& association_key();
mobile_node::Configuration authenticated_configuration();
void without_route_optimization(mobile_node::Configuration& configuration);

class HomeAgentTester {
 public:
  explicit HomeAgentTester(MobileBench& bench);

  // From now on the bench accepts home registrations by itself, authenticated.
  void answer_by_itself() { bench_.judges_home_registrations = false; }
  void leave_to_case() { bench_.judges_home_registrations = true; }

  // ---- home registrations; what they expect is judged as RFC 6275 §11.7.1 and RFC 4285 ask for ----
  Registration expect(const Address& care_of_address, Duration within = 2s);
  // From the home link: lifetime 0, the home address in place of a care-of address (§11.5.5).
  Registration expect_deregistration(Duration within = 5s);
  // No Binding Update to this home agent.
  void expect_none(Duration during, const std::string& after);
  // Further ones without an answer but what `reaction` sends: gaps from `first_gap` on that double up to 32 s.
  std::vector<Registration> expect_repetitions(const Registration& first, Duration first_gap, unsigned count,
                                               const std::function<void(const Registration&)>& reaction);
  void acknowledge(const Registration& update, const HomeAcknowledgement& answer = {});
  // The mobile node appears on link X; the home registration that follows.
  Registration first_update();
  // HREG, nothing recorded: on link X, accepted so.
  Registration registered(const HomeAcknowledgement& answer = {});
  // MOVE to link Y and HREG there.
  Registration moved();
  // Registered on link X, whose cable is pulled until the minute of the binding is over; then nothing is recorded.
  void binding_ends_unreachable();
  // HREGCHK: a packet that the home agent itself sends to the home address, with a type 2 routing header, is answered, through
  // the tunnel; or nothing is, whichever way it takes.
  void is_registered();
  void is_not_registered();

  // ---- mobile prefix discovery ----
  PrefixSolicitation expect_solicitation(Duration within = 5s);
  void expect_no_solicitation(Duration during, const std::string& after);
  void advertise(std::uint16_t identifier, const Advertisement& advertisement = {});
  void answer(const PrefixSolicitation& solicitation, const Advertisement& advertisement = {});

  MobileBench& bench() { return bench_; }
  void saw(const std::string& what) { bench_.saw(what); }

 private:
  void judge(const Registration& found, const Address& care_of_address);
  Bytes acknowledgement(const Registration& update, const HomeAcknowledgement& answer) const;
  std::optional<Registration> next(Duration within);

  MobileBench& bench_;
  std::optional<std::uint16_t> last_sequence_;
  std::uint64_t last_timestamp_ = 0;
};

// Steps of cases. The first registration is answered so, which is an acceptance:
std::function<void(HomeAgentTester&)> accepted(const HomeAcknowledgement& answer);
// Each is answered so, which is no answer; a sequence number in it is added to the update's.
std::function<void(HomeAgentTester&)> ignored(const HomeAcknowledgement& wrong);

// A case with such a tester on a bench of its own.
Case home_case(std::string id, std::string title, std::string section, std::function<void(HomeAgentTester&)> run,
               std::string remark = {}, const std::function<void(mobile_node::Configuration&)>& change = {});
Case not_applicable(std::string id, std::string title, std::string section, std::string reason);

}  // namespace mipflow::conformance::mobile
