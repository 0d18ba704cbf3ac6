// SPDX-License-Identifier: GPL-3.0-or-later
// What the tester says to what the correspondent node sends.
#include "conformance/correspondent_node/bench.hpp"
#include "conformance/harness/describe.hpp"
#include "conformance/harness/message.hpp"
#include "simulation/simulator/echo.hpp"

namespace mipflow::conformance {

namespace {

constexpr Duration kTestTime = 3s;   // for the answer to a Home Test Init or Care-of Test Init
constexpr Duration kOtherTime = 2s;  // for everything else

std::string number(wire::BindingStatus status) { return std::to_string(static_cast<unsigned>(status)); }

}  // namespace

template <class Message>
Message CorrespondentBench::only_message(const std::string& wanted, Duration within, Bytes& packet) {
  packet = only_answer(wanted, within);
  return message_in<Message>(packet, wanted);
}

Token CorrespondentBench::test(const MobilityHeader& init, std::uint8_t answer, std::uint64_t cookie,
                               const Address& source, const Address& correspondent) {
  send(init.packet({.source = source, .destination = correspondent}));
  const bool home = answer == kHomeTest;
  const std::string name = home ? "HoT" : "CoT";
  Bytes packet;
  Token token;
  std::uint64_t echoed = 0;
  if (home) {
    const auto message = only_message<wire::HomeTest>(name, kTestTime, packet);
    token = {message.home_keygen_token, message.home_nonce_index};
    echoed = message.home_init_cookie;
  } else {
    const auto message = only_message<wire::CareOfTest>(name, kTestTime, packet);
    token = {message.care_of_keygen_token, message.care_of_nonce_index};
    echoed = message.care_of_init_cookie;
  }
  const auto view = wire::parse_packet(packet);
  require(echoed == cookie, name + " does not echo the cookie");
  require(view->source == correspondent && view->destination == source,
          name + " has other addresses than those of the init: " + describe(packet));
  require(!view->home_address_option && !view->routing_header_home_address,
          name + " must have neither Home Address option nor type 2 routing header: " + describe(packet));
  saw(name);
  return token;
}

void CorrespondentBench::expect_silence(const std::string& after) {
  const auto packets = take(kOtherTime, false);
  require(packets.empty(), "wanted silence after " + after + ", got " + describe(packets));
  saw("silence");
}

void CorrespondentBench::expect_silence_or_acknowledgement(const Update& update, wire::BindingStatus status) {
  auto packets = take(kOtherTime);
  if (packets.empty()) return saw("silence");
  inbox_ = std::move(packets);
  expect_acknowledgement(update, status);
}

wire::BindingAcknowledgement CorrespondentBench::expect_acknowledgement(const Update& update, wire::BindingStatus status,
                                                                        std::optional<std::uint16_t> sequence) {
  Bytes packet;
  const auto message =
      only_message<wire::BindingAcknowledgement>("BA " + number(status) + " to " + to_string(update.source), kOtherTime, packet);
  const auto view = wire::parse_packet(packet);
  const std::string got = ", got " + describe(packet);
  require(message.status == status, "wanted BA " + number(status) + got);
  require(view->source == kCorrespondent && view->destination == update.source,
          "wanted a BA to the update's source " + to_string(update.source) + got);
  require(!view->home_address_option, "a BA of a node that is not mobile has no Home Address option" + got);
  const bool at_home = !update.home_address_option || update.source == update.home_address;
  require(view->routing_header_home_address == (at_home ? std::nullopt : std::optional(update.home_address)),
          std::string("wanted a BA ") + (at_home ? "without" : "with") + " type 2 routing header" + got);
  require(message.sequence == sequence.value_or(update.sequence),
          "wanted sequence number " + std::to_string(sequence.value_or(update.sequence)) + got);
  require(!message.key_management_mobility_capability, "wanted K = 0" + got);

  using Status = wire::BindingStatus;
  const bool expired = status == Status::ExpiredHomeNonceIndex || status == Status::ExpiredCareOfNonceIndex ||
                       status == Status::ExpiredNonces;
  // Without nonce indices there are no tokens that an authenticator could be made of.
  const bool keyless = expired || !update.nonce_indices;
  const bool has_option = wire::find_option<wire::BindingAuthorizationData>(message.options) != nullptr;
  require(has_option == !keyless,
          std::string("wanted a BA ") + (keyless ? "without" : "with") + " Binding Authorization Data" + got);
  if (!keyless)
    require(is_authorized(view->payload, update.key(), update.authorized_address(), kCorrespondent),
            "the Binding Authorization Data is wrong" + got);
  if (wire::accepts(status))
    require(message.lifetime_units <= update.lifetime && message.lifetime_units <= 105 &&
                (message.lifetime_units == 0) == (update.lifetime == 0),
            "wanted a lifetime of at most " + std::to_string(update.lifetime) + " units" + got);
  saw("BA " + number(status));
  return message;
}

void CorrespondentBench::expect_parameter_problem(const Address& to, std::uint32_t pointer) {
  const std::string wanted = "Parameter Problem code 0 pointer " + std::to_string(pointer) + " to " + to_string(to);
  Bytes packet;
  const auto message = only_message<wire::Icmpv6Error>(wanted, kOtherTime, packet);
  const auto view = wire::parse_packet(packet);
  require(message.type == wire::kIcmpv6ParameterProblem && message.code == 0 && message.parameter == pointer &&
              view->destination == to && !view->routing_header_home_address && !view->home_address_option,
          "wanted " + wanted + ", got " + describe(packet));
  saw("Parameter Problem at " + std::to_string(pointer));
}

void CorrespondentBench::expect_binding_error(wire::BindingErrorStatus status, const Address& to,
                                              const Address& home_address) {
  const std::string wanted =
      "BE " + std::to_string(static_cast<unsigned>(status)) + " for " + to_string(home_address) + " to " + to_string(to);
  Bytes packet;
  const auto message = only_message<wire::BindingError>(wanted, kOtherTime, packet);
  const auto view = wire::parse_packet(packet);
  require(message.status == status && message.home_address == home_address && view->source == kCorrespondent &&
              view->destination == to && !view->routing_header_home_address && !view->home_address_option,
          "wanted " + wanted + ", got " + describe(packet));
  saw("BE " + std::to_string(static_cast<unsigned>(status)));
}

wire::BindingAcknowledgement CorrespondentBench::accept(const Update& update) {
  send(update);
  return expect_acknowledgement(update, wire::BindingStatus::Accepted);
}

void CorrespondentBench::refuse(const Update& update, wire::BindingStatus status, std::optional<std::uint16_t> sequence) {
  send(update);
  expect_acknowledgement(update, status, sequence);
}

void CorrespondentBench::ignore(const Update& update, const std::string& what) {
  send(update);
  expect_silence(what);
}

void CorrespondentBench::probe_answered(const Address& home_address, const Address& care_of_address) {
  probe(home_address, care_of_address);
  const Bytes packet = only_answer("an Echo Reply with type 2 routing header", kOtherTime);
  const auto view = wire::parse_packet(packet);
  const auto echo = simulation::decode_echo(packet);
  require(echo && echo->reply && echo->sequence == last_echo_ && view->destination == care_of_address &&
              view->routing_header_home_address == home_address && !view->home_address_option,
          "wanted an Echo Reply to " + to_string(care_of_address) + " with type 2 routing header " +
              to_string(home_address) + ", got " + describe(packet));
  saw("probe answered");
}

void CorrespondentBench::probe_refused(const Address& home_address, const Address& care_of_address) {
  probe(home_address, care_of_address);
  const bool was = std::exchange(recording_, false);
  expect_binding_error(wire::BindingErrorStatus::UnknownBinding, care_of_address, home_address);
  recording_ = was;
  saw("probe refused");
}

void CorrespondentBench::answered_at_home(const Address& home_address) {
  plain_echo(home_address);
  const Bytes packet = only_answer("a plain Echo Reply", kOtherTime);
  const auto view = wire::parse_packet(packet);
  const auto echo = simulation::decode_echo(packet);
  require(echo && echo->reply && view->destination == home_address && !view->routing_header_home_address,
          "wanted a plain Echo Reply to " + to_string(home_address) + ", got " + describe(packet));
  saw("plain reply");
}

void CorrespondentBench::answered_by_routing_header(const Address& home_address, const Address& care_of_address) {
  plain_echo(home_address);
  const Bytes packet = only_answer("an Echo Reply with type 2 routing header", kOtherTime);
  const auto view = wire::parse_packet(packet);
  const auto echo = simulation::decode_echo(packet);
  require(echo && echo->reply && view->destination == care_of_address && view->routing_header_home_address == home_address,
          "wanted an Echo Reply to " + to_string(care_of_address) + " with type 2 routing header " +
              to_string(home_address) + ", got " + describe(packet));
  saw("reply by routing header");
}

}  // namespace mipflow::conformance
