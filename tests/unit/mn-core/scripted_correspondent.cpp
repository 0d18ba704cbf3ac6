// SPDX-License-Identifier: GPL-3.0-or-later
#include "scripted_correspondent.hpp"

#include <algorithm>
#include <utility>

#include "mipflow/wire/options.hpp"
#include "mipflow/wire/return_routability.hpp"

namespace mipflow::mobile_node::test {
namespace {

constexpr std::size_t kIpv6Header = 40;

}  // namespace

void ScriptedCorrespondent::sort_packets() {
  for (const auto& sent : test_.take_other_packets()) {
    const auto outer = wire::parse_packet(sent.packet);
    if (!outer) continue;
    const bool tunnelled = outer->protocol == kProtocolIpv6;
    const Bytes inner = tunnelled ? Bytes(sent.packet.begin() + kIpv6Header, sent.packet.end()) : sent.packet;
    const auto decoded = wire::decode_packet(inner);
    if (!decoded || decoded->view.destination != address) continue;
    const auto* mobility = std::get_if<wire::MobilityMessage>(&decoded->message);
    if (mobility == nullptr || decoded->view.home_address_option || decoded->view.routing_header_home_address) continue;
    SentInit init{.at = test_.now(), .source = decoded->view.source, .interface = sent.interface};
    if (tunnelled && outer->destination == test_.configuration.home_agent) init.tunnel_source = outer->source;
    if (const auto* home = std::get_if<wire::HomeTestInit>(mobility)) {
      init.cookie = home->home_init_cookie;
      home_test_inits_.push_back(init);
    } else if (const auto* care_of = std::get_if<wire::CareOfTestInit>(mobility)) {
      init.cookie = care_of->care_of_init_cookie;
      care_of_test_inits_.push_back(init);
    }
  }
}

std::vector<ScriptedCorrespondent::SentInit> ScriptedCorrespondent::take_home_test_inits() {
  sort_packets();
  return std::exchange(home_test_inits_, {});
}
std::vector<ScriptedCorrespondent::SentInit> ScriptedCorrespondent::take_care_of_test_inits() {
  sort_packets();
  return std::exchange(care_of_test_inits_, {});
}
std::vector<SentUpdate> ScriptedCorrespondent::take_updates() {
  auto out = test_.take_correspondent_updates();
  std::erase_if(out, [&](const auto& update) { return update.destination != address; });
  return out;
}

wire::KeygenToken ScriptedCorrespondent::care_of_token(const Address& care_of_address) const {
  return 0x2200'0000'0000'0000 + (std::uint64_t{care_of_address.octets[5]} << 32) + care_of_index;
}

void ScriptedCorrespondent::answer(const SentInit& init, std::optional<wire::Cookie> cookie) {
  const wire::HomeTest message{.home_nonce_index = home_index,
                               .home_init_cookie = cookie.value_or(init.cookie),
                               .home_keygen_token = home_token()};
  PacketReceived event{.packet = wire::build_packet({.source = address, .destination = init.source}, wire::MobilityMessage{message}),
                       .interface = init.interface};
  if (init.tunnel_source) event.tunnel_source = test_.configuration.home_agent;
  test_.handle(event);
  test_.settle();
}

void ScriptedCorrespondent::answer_care_of(const SentInit& init, std::optional<wire::Cookie> cookie) {
  const wire::CareOfTest message{.care_of_nonce_index = care_of_index,
                                 .care_of_init_cookie = cookie.value_or(init.cookie),
                                 .care_of_keygen_token = care_of_token(init.source)};
  test_.handle(PacketReceived{
      .packet = wire::build_packet({.source = address, .destination = init.source}, wire::MobilityMessage{message}),
      .interface = init.interface});
  test_.settle();
}

Sha1Digest ScriptedCorrespondent::key_of(const SentUpdate& update) const {
  if (update.message.lifetime_units == 0) return wire::binding_management_key(home_token(), std::nullopt);
  return wire::binding_management_key(home_token(), care_of_token(update.care_of_address));
}

bool ScriptedCorrespondent::believes(const SentUpdate& update) const {
  const auto view = wire::parse_packet(update.packet);
  const auto* indices = wire::find_option<wire::NonceIndices>(update.message.options);
  if (!view || indices == nullptr || indices->home_nonce_index != home_index) return false;
  const bool deletes = update.message.lifetime_units == 0;
  if (!deletes && indices->care_of_nonce_index != care_of_index) return false;
  return wire::binding_authorization_is_right(view->payload, key_of(update), deletes ? update.home_address : update.care_of_address,
                                              address);
}

void ScriptedCorrespondent::acknowledge(const SentUpdate& update, const Acknowledgement& options) {
  wire::BindingAcknowledgement message{.status = options.status,
                                       .sequence = options.sequence.value_or(update.message.sequence),
                                       .lifetime_units = options.lifetime_units.value_or(update.message.lifetime_units)};
  wire::Envelope envelope{.source = address, .destination = update.source};
  if (update.has_home_address_option) envelope.routing_header_home_address = update.home_address;
  Sha1Digest key = key_of(update);
  if (options.wrong_key) key[0] ^= 1;
  const Address& authenticated = update.message.lifetime_units == 0 ? update.home_address : update.care_of_address;
  const Bytes header = options.authenticated
                           ? wire::encode_with_binding_authorization(message, key, authenticated, address)
                           : wire::encode(wire::MobilityMessage{message});
  test_.handle(PacketReceived{.packet = wire::build_packet_from_header(envelope, header), .interface = update.interface});
  test_.settle();
}

void ScriptedCorrespondent::binding_error(const Address& home_address, const Address& care_of_address,
                                          wire::BindingErrorStatus status) {
  const wire::BindingError message{.status = status, .home_address = home_address};
  test_.handle(PacketReceived{
      .packet = wire::build_packet({.source = address, .destination = care_of_address}, wire::MobilityMessage{message})});
  test_.settle();
}

bool ScriptedCorrespondent::answer_everything() {
  bool answered = false;
  for (const auto& init : take_home_test_inits()) {
    answer(init);
    ++tests;
    answered = true;
  }
  for (const auto& init : take_care_of_test_inits()) {
    answer_care_of(init);
    ++tests;
    answered = true;
  }
  for (const auto& update : take_updates()) {
    updates.push_back(update);
    if (!believes(update)) continue;
    std::erase_if(bindings, [&](const auto& item) { return item.first == update.home_address; });
    if (update.message.lifetime_units > 0) bindings.emplace_back(update.home_address, update.care_of_address);
    acknowledge(update);
    answered = true;
  }
  return answered;
}

void ScriptedCorrespondent::serve(Duration duration) {
  test_.correspondents = [this] { return answer_everything(); };
  test_.serve(duration);
  test_.correspondents = nullptr;
}

std::optional<Address> ScriptedCorrespondent::bound_to(const Address& home_address) const {
  for (const auto& [home, care_of] : bindings)
    if (home == home_address) return care_of;
  return std::nullopt;
}

}  // namespace mipflow::mobile_node::test
