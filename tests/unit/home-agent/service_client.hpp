// SPDX-License-Identifier: GPL-3.0-or-later
// The tester as a mobile node that speaks the address and policy service.
#pragma once

#include <algorithm>

#include "fixture.hpp"

namespace mipflow::home_agent::test {

// A message of the service; what is not set is as a registered mobile node sends it.
struct Question {
  wire::AgentServiceBody body = wire::HomeAddressRequest{};
  std::uint32_t transaction = 1;
  Address home_address = kPrimary;
  Address care_of_address = kCareOf1;  // the home address itself: from home
  bool authenticated = true;
  std::uint32_t spi = 1000;
  std::optional<Bytes> key = std::nullopt;
  std::optional<std::uint64_t> timestamp = std::nullopt;  // else the present time
};

inline Bytes packet_of(const Fixture& f, const Question& question) {
  wire::Envelope envelope{.source = question.care_of_address, .destination = kHomeAgent};
  if (question.care_of_address != question.home_address) envelope.home_address_option = question.home_address;
  wire::AgentServiceMessage message{.transaction = question.transaction, .body = question.body};
  if (!question.authenticated) return wire::build_packet(envelope, wire::MobilityMessage{message});
  const Bytes key = question.key.value_or(Fixture::key_of(question.home_address));
  const wire::SecurityAssociation association{"laptop@example.net", question.spi, key};
  return wire::build_packet_from_header(
      envelope, wire::encode_authenticated(message, {.association = association,
                                                     .key = key,
                                                     .care_of_address = question.care_of_address,
                                                     .home_address = question.home_address,
                                                     .timestamp = question.timestamp.value_or(wire::ntp_timestamp(f.now.wall)),
                                                     .with_identifier = true}));
}

struct Answer {
  TimePoint at;
  Address care_of_address;
  Address home_address;
  wire::AgentServiceMessage message;
  bool authentic = false;
  std::uint64_t timestamp = 0;
};

// What the home agent said by the service since the last take_...().
inline std::vector<Answer> take_answers(Fixture& f) {
  std::vector<Answer> out;
  for (const Sent& sent : f.take_sent()) {
    const auto message = Fixture::message_in<wire::AgentServiceMessage>(sent);
    if (!message) continue;
    const auto view = *wire::parse_packet(sent.out.packet);
    Answer answer{sent.at, view.destination, view.logical_destination(), *message};
    const auto* option = wire::find_option<wire::MessageAuthentication>(message->options);
    answer.authentic = option != nullptr && view.source == kHomeAgent &&
                       wire::authenticator_is_right(view.payload, option->spi, Fixture::key_of(answer.home_address),
                                                    view.destination, answer.home_address);
    if (const auto* replay = wire::find_option<wire::ReplayProtection>(message->options)) answer.timestamp = replay->ntp_timestamp;
    out.push_back(std::move(answer));
  }
  return out;
}

// Asks a moment later than whatever was asked before, and returns the one answer.
inline Answer ask(Fixture& f, Question question) {
  f.advance(1ms);
  f.take_sent();
  f.send_packet(packet_of(f, question));
  auto answers = take_answers(f);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].authentic);
  CHECK(answers[0].message.transaction == question.transaction);
  CHECK(answers[0].timestamp == question.timestamp.value_or(wire::ntp_timestamp(f.now.wall)));
  CHECK(answers[0].care_of_address == question.care_of_address);
  CHECK(answers[0].home_address == question.home_address);
  return answers[0];
}

inline wire::HomeAddressReply ask_for_address(Fixture& f, std::uint32_t transaction, std::uint8_t count = 1,
                                              wire::HomeAddressSource source = wire::HomeAddressSource::Agent) {
  const auto answer = ask(f, {.body = wire::HomeAddressRequest{source, count}, .transaction = transaction});
  REQUIRE(std::holds_alternative<wire::HomeAddressReply>(answer.message.body));
  return std::get<wire::HomeAddressReply>(answer.message.body);
}

inline Address given_address(Fixture& f, std::uint32_t transaction) {
  const auto reply = ask_for_address(f, transaction);
  REQUIRE(reply.status == wire::HomeAddressStatus::Allocated);
  REQUIRE(reply.addresses.size() == 1);
  return reply.addresses[0].home_address;
}

// The status of the answer to a Binding Update.
inline wire::BindingStatus status_of(Fixture& f, const Update& update) {
  f.advance(1ms);
  f.take_sent();
  f.send(update);
  if (f.configuration.home_interface != 0) f.advance(f.configuration.duplicate_address_detection_wait);
  const auto acknowledged = f.take_acknowledgement();
  REQUIRE(acknowledged);
  return acknowledged->message.status;
}

// Of the other mobile node of the fixture.
inline Update update_of_other(const Address& home_address, const Address& care_of_address = kCareOf2) {
  Update update;
  update.home_address = home_address;
  update.care_of_address = care_of_address;
  update.identifier = "other@example.net";
  update.spi = 2000;
  const wire::SecurityAssociation association{"other@example.net", 2000, Fixture::key_of(kOtherPrimary)};
  update.key = wire::derived_key(association, kOtherPrimary, home_address);
  return update;
}

}  // namespace mipflow::home_agent::test
