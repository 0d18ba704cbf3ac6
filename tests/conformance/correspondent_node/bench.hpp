// SPDX-License-Identifier: GPL-3.0-or-later
// A correspondent node whose whole world is the tester: mobile nodes, their home agent, routers.
//
//   correspondent node 2001:db8:5::80, ::81 ── core ── tester: everything else
//                                                      home addresses 2001:db8:100::/64, care-of addresses 2001:db8:a::,
//                                                      2001:db8:b::
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conformance/harness/case.hpp"
#include "conformance/harness/mobility_header.hpp"
#include "simulation/simulator/correspondent_node_host.hpp"

namespace mipflow::conformance {

using namespace std::chrono_literals;

inline const Address kCorrespondent = *Address::parse("2001:db8:5::80");
inline const Address kCorrespondent2 = *Address::parse("2001:db8:5::81");
inline const Address kHome = *Address::parse("2001:db8:100::100");
inline const Address kHome2 = *Address::parse("2001:db8:100::200");
inline const Address kCareOf = *Address::parse("2001:db8:a::10");
inline const Address kCareOf2 = *Address::parse("2001:db8:b::10");
inline const Address kMulticast = *Address::parse("ff0e::1:2");
inline const Address kLinkLocal = *Address::parse("fe80::10");

struct Token {
  std::uint64_t value = 0;
  std::uint16_t index = 0;
};

// A Binding Update; what is not set is as a mobile node abroad does it right.
struct Update {
  Address home_address = kHome;
  Address source = kCareOf;
  bool home_address_option = true;
  std::optional<Address> alternate = std::nullopt;
  std::uint16_t sequence = 1;
  std::uint16_t lifetime = 105;  // units
  std::uint16_t flags = kAcknowledge;
  Token home{};
  Token care_of{};
  // Authenticated as RFC 6275 §5.2.5 wants it for deletions, whatever the lifetime is: by the home token alone.
  bool home_token_only = false;

  bool nonce_indices = true;
  std::optional<std::uint16_t> home_index = std::nullopt;  // instead of the tokens' own
  std::optional<std::uint16_t> care_of_index = std::nullopt;
  enum class Authorization { Right,
                             Missing,
                             Wrong,
                             PaddedBehind,
                             BeforeAlternate,
                             BeforeNonceIndices };
  Authorization authorization = Authorization::Right;
  std::optional<Address> authorized_for = std::nullopt;  // another care-of address than the registered one
  bool refresh_advice = false;                           // an option that has no business in a Binding Update

  std::uint8_t payload_proto = 59;
  std::uint8_t reserved = 0;
  bool cut_short = false;
  bool wrong_checksum = false;

  Bytes key() const {
    const bool alone = lifetime == 0 || home_token_only;
    return binding_management_key(home.value, alone ? std::nullopt : std::optional(care_of.value));
  }
  // The address in the authenticator, RFC 6275 §6.2.7: the home address when the binding is to be deleted.
  Address authorized_address() const { return lifetime == 0 ? home_address : alternate.value_or(source); }
  Bytes packet() const;
  // The same a moment later: another sequence number.
  Update again(std::uint16_t later = 1) const {
    Update out = *this;
    out.sequence = static_cast<std::uint16_t>(sequence + later);
    return out;
  }
};

class CorrespondentBench final : public simulation::Station {
 public:
  explicit CorrespondentBench(Record& record, const correspondent_node::Configuration& configuration = {});

  // ---- stimuli ----
  void send(const Bytes& packet) { node.receive(packet, attachment_); }
  void send(const Update& update) { send(update.packet()); }
  void wait(Duration duration) { clock.run_until(clock.now() + duration); }
  void wait_until(TimePoint when) { clock.run_until(when); }
  // Echo Requests: with a Home Address option from the care-of address, or plainly.
  void probe(const Address& home_address, const Address& care_of_address);
  void plain_echo(const Address& source);

  // ---- return routability; what comes back is judged ----
  static MobilityHeader home_test_init(std::uint64_t cookie);
  static MobilityHeader care_of_test_init(std::uint64_t cookie);
  Token home_test(const Address& home_address = kHome);
  Token care_of_test(const Address& care_of_address = kCareOf);
  // Sends this Home Test Init or Care-of Test Init and judges the answer from and to these addresses.
  Token test(const MobilityHeader& init, std::uint8_t answer, std::uint64_t cookie, const Address& source,
             const Address& correspondent = kCorrespondent);
  // An update with the tokens of a return routability procedure that ran just now; nothing of it is recorded.
  Update prepared(const Address& home_address = kHome, const Address& care_of_address = kCareOf);
  // The same, sent and accepted.
  Update bound(std::uint16_t lifetime = 105, std::uint16_t sequence = 1, const Address& home_address = kHome,
               const Address& care_of_address = kCareOf);
  // A de-registration from the care-of address, with a home token of its own or the one that `bound` has.
  Update deletion(const Update& bound, bool fresh_token);
  // The same from the home link: no Home Address option.
  Update deletion_at_home(const Update& bound, bool fresh_token);

  // ---- judgements; each looks at what arrived since the last one, waits as long as the suite does, and throws Failed ----
  void expect_silence(const std::string& after);
  // Where RFC 6275 leaves the choice: not a word, or this acknowledgement.
  void expect_silence_or_acknowledgement(const Update& update, wire::BindingStatus status);
  // A Binding Acknowledgement with this status and everything around it as RFC 6275 §9.5.4 asks for. `sequence`: when it is
  // not the update's own.
  wire::BindingAcknowledgement expect_acknowledgement(const Update& update, wire::BindingStatus status,
                                                      std::optional<std::uint16_t> sequence = std::nullopt);
  void expect_parameter_problem(const Address& to, std::uint32_t pointer);
  void expect_binding_error(wire::BindingErrorStatus status, const Address& to, const Address& home_address);
  // Sends the update and expects Accepted; its lifetime is judged too.
  wire::BindingAcknowledgement accept(const Update& update);
  void refuse(const Update& update, wire::BindingStatus status, std::optional<std::uint16_t> sequence = std::nullopt);
  void ignore(const Update& update, const std::string& what);
  // An Echo Request with a Home Address option is answered with a type 2 routing header: there is such a binding.
  void probe_answered(const Address& home_address = kHome, const Address& care_of_address = kCareOf);
  // It is refused with a Binding Error: there is none.
  void probe_refused(const Address& home_address = kHome, const Address& care_of_address = kCareOf);
  // A plain Echo Request from the home address is answered there, or at its care-of address.
  void answered_at_home(const Address& home_address = kHome);
  void answered_by_routing_header(const Address& home_address, const Address& care_of_address);

  void expect_alive();

  // What came until now and was not judged; the wait ends with the first packet when `first_only`.
  std::vector<Bytes> take(Duration within, bool first_only = true);
  // Binding Refresh Requests come when the node likes; they are kept apart.
  std::vector<Bytes> take_refresh_requests() { return std::exchange(refresh_requests_, {}); }
  Record& record() { return record_; }
  void saw(const std::string& what) {
    if (recording_) record_.saw(what);
  }

  simulation::EventQueue clock;
  simulation::Network network;
  simulation::CorrespondentNodeHost node;

 private:
  void receive(const Bytes& packet, simulation::Attachment&) override;
  Bytes only_answer(const std::string& wanted, Duration within);
  template <class Message>
  Message only_message(const std::string& wanted, Duration within, Bytes& packet);

  Record& record_;
  simulation::Attachment& attachment_;
  std::vector<Bytes> inbox_;
  std::vector<Bytes> refresh_requests_;
  std::uint64_t last_cookie_ = 0x1122334455660000;
  std::uint16_t last_echo_ = 0;
  bool recording_ = true;
};

// Most cases: a bench of their own, with the default configuration. Behind them the node has to answer a test, so that a
// node that is dead does not pass for a silent one.
Case correspondent_case(std::string id, std::string title, std::string section, std::function<void(CorrespondentBench&)> run,
                        std::string remark = {});

}  // namespace mipflow::conformance
