// SPDX-License-Identifier: GPL-3.0-or-later
#include "fixture.hpp"

#include <algorithm>
#include <sstream>

namespace mipflow::correspondent_node::test {

namespace {

constexpr wire::Cookie kHomeInitCookie = 0xc197b10cf14179cf;
constexpr wire::Cookie kCareOfInitCookie = 0x1b631dbb068a3f55;

// An ICMPv6 Echo Request; its checksum is none of the role's business.
const Bytes kEchoRequest{128, 0, 0, 0, 0x12, 0x34, 0, 1};

}  // namespace

Fixture::Fixture(Configuration with, Objection objection)
    : node(std::make_unique<CorrespondentNode>(with, random, plan, now, std::move(objection))) {}

void Fixture::home_test(Tokens& tokens, const Address& home_address, const Address& correspondent) {
  send_packet(wire::build_packet({home_address, correspondent}, wire::HomeTestInit{kHomeInitCookie}));
  const auto answer = take_one<wire::HomeTest>();
  REQUIRE(answer.view.source == correspondent);
  REQUIRE(answer.view.destination == home_address);
  REQUIRE(answer.message.home_init_cookie == kHomeInitCookie);
  tokens.home_index = answer.message.home_nonce_index;
  tokens.home = answer.message.home_keygen_token;
}

void Fixture::care_of_test(Tokens& tokens, const Address& care_of_address, const Address& correspondent) {
  send_packet(wire::build_packet({care_of_address, correspondent}, wire::CareOfTestInit{kCareOfInitCookie}));
  const auto answer = take_one<wire::CareOfTest>();
  REQUIRE(answer.view.source == correspondent);
  REQUIRE(answer.view.destination == care_of_address);
  REQUIRE(answer.message.care_of_init_cookie == kCareOfInitCookie);
  tokens.care_of_index = answer.message.care_of_nonce_index;
  tokens.care_of = answer.message.care_of_keygen_token;
}

Tokens Fixture::return_routability(const Address& home_address, const Address& care_of_address,
                                   const Address& correspondent) {
  Tokens tokens;
  home_test(tokens, home_address, correspondent);
  care_of_test(tokens, care_of_address, correspondent);
  return tokens;
}

Sha1Digest key_of(const Update& update, const Tokens& tokens) {
  if (update.key) return *update.key;
  if (update.lifetime_units == 0) return wire::binding_management_key(tokens.home, std::nullopt);
  return wire::binding_management_key(tokens.home, tokens.care_of);
}

namespace {

Address authenticated_address(const Update& update) {
  if (update.authenticated_address) return *update.authenticated_address;
  if (update.lifetime_units == 0) return update.home_address;
  return update.alternate_care_of_address.value_or(update.source);
}

}  // namespace

Bytes Fixture::packet_of(const Update& update, const Tokens& tokens) {
  wire::BindingUpdate message;
  message.sequence = update.sequence;
  message.acknowledge = update.acknowledge;
  message.home_registration = update.home_registration;
  message.link_local_address_compatibility = update.link_local;
  message.key_management_mobility_capability = update.key_management;
  message.other_flags = update.other_flags;
  message.lifetime_units = update.lifetime_units;
  if (update.alternate_care_of_address)
    message.options.push_back(wire::AlternateCareOfAddress{*update.alternate_care_of_address});
  for (const auto& option : update.extra_options) message.options.push_back(option);
  if (update.with_indices) message.options.push_back(wire::NonceIndices{tokens.home_index, tokens.care_of_index});

  wire::Envelope envelope{update.source, update.correspondent};
  if (update.home_address_option) envelope.home_address_option = update.home_address;
  if (!update.with_authorization) return wire::build_packet(envelope, message);
  return wire::build_packet_from_header(
      envelope, wire::encode_with_binding_authorization(message, key_of(update, tokens), authenticated_address(update),
                                                        update.correspondent));
}

Tokens Fixture::bind(const Update& update) {
  const Address care_of = update.alternate_care_of_address.value_or(update.source);
  const Tokens tokens = return_routability(update.home_address, care_of, update.correspondent);
  send(update, tokens);
  if (update.acknowledge) check_acknowledgement(take_one<wire::BindingAcknowledgement>(), wire::BindingStatus::Accepted, update, tokens);
  REQUIRE(this->care_of(update.home_address, update.correspondent) == care_of);
  return tokens;
}

void check_acknowledgement(Answer<wire::BindingAcknowledgement> answer, wire::BindingStatus status, const Update& update,
                           const Tokens& tokens) {
  CHECK(answer.message.status == status);
  CHECK_FALSE(answer.message.key_management_mobility_capability);
  CHECK(answer.view.source == update.correspondent);
  CHECK(answer.view.destination == update.source);
  CHECK_FALSE(answer.view.home_address_option);
  if (update.home_address_option && update.source != update.home_address)
    CHECK(answer.view.routing_header_home_address == update.home_address);
  else
    CHECK_FALSE(answer.view.routing_header_home_address);
  if (status != wire::BindingStatus::SequenceNumberOutOfWindow) CHECK(answer.message.sequence == update.sequence);

  switch (static_cast<int>(status)) {
    case 131: case 136: case 137: case 138:
      CHECK(wire::find_option<wire::BindingAuthorizationData>(answer.message.options) == nullptr);
      break;
    default:
      CHECK(wire::binding_authorization_is_right(answer.view.payload, key_of(update, tokens), authenticated_address(update),
                                                 update.correspondent));
  }
}

void Fixture::send_packet(Bytes packet, InterfaceIndex interface) {
  Outputs outputs;
  node->handle(PacketReceived{std::move(packet), interface}, now, outputs);
  collect(outputs);
}

void Fixture::report_unbound(const Address& home_address, const Address& source, const Address& destination) {
  send_packet(wire::build_packet_around({source, destination, home_address}, kProtocolIcmpv6, kEchoRequest));
}

void Fixture::use(const Address& home_address, Duration idle) {
  Outputs outputs;
  node->handle(BindingActivities{{{{home_address, kCorrespondent}, idle}}}, now, outputs);
  collect(outputs);
}

void Fixture::unreachable(const Address& home_address, const Address& care_of_address, std::uint8_t code) {
  wire::Envelope envelope{kCorrespondent, care_of_address};
  envelope.routing_header_home_address = home_address;
  send_packet(wire::build_packet({kRouter, kCorrespondent},
                                 wire::Icmpv6Error{wire::kIcmpv6DestinationUnreachable, code, 0,
                                                   wire::build_packet_around(envelope, kProtocolIcmpv6, kEchoRequest)}));
}

void Fixture::advance(Duration by) {
  const TimePoint until = now.monotonic + by;
  while (node->next_deadline() <= until) {
    const TimePoint at = std::max(node->next_deadline(), now.monotonic);
    now.wall += at - now.monotonic;
    now.monotonic = at;
    Outputs outputs;
    node->on_deadline(now, outputs);
    collect(outputs);
    // A deadline that was served and is still there would wake a real runner without end.
    REQUIRE(node->next_deadline() > now.monotonic);
  }
  now.wall += until - now.monotonic;
  now.monotonic = until;
}

void Fixture::configure(Configuration configuration) {
  Outputs outputs;
  node->set_configuration(configuration, now, outputs);
  collect(outputs);
}

void Fixture::collect(Outputs& outputs) {
  for (auto& packet : outputs.packets) sent_.push_back({now.monotonic, std::move(packet)});
  for (const auto& notice : outputs.notices) notices_.push_back(notice.event);
  CHECK(outputs.verdicts.empty());
}

bool Fixture::permits(const Address& home_address, const Address& source, const Address& correspondent) const {
  const auto* item = plan.correspondent_bindings.find({home_address, correspondent});
  const bool in_plan = item != nullptr && (item->care_of_address == source ||
                                           (item->previous_care_of_address == source && !source.is_unspecified()));
  CHECK(node->permits({home_address, correspondent}, source) == in_plan);
  return in_plan;
}

Address Fixture::care_of(const Address& home_address, const Address& correspondent) const {
  const auto* item = plan.correspondent_bindings.find({home_address, correspondent});
  CHECK(node->is_bound({home_address, correspondent}) == (item != nullptr));
  return item != nullptr ? item->care_of_address : Address{};
}

std::string Fixture::state(const Address& home_address, const Address& correspondent) const {
  for (const auto& snapshot : node->bindings(now))
    if (snapshot.home_address == home_address && snapshot.correspondent == correspondent) return snapshot.state;
  return "";
}

std::string Fixture::fingerprint() const {
  std::ostringstream out;
  for (const auto& snapshot : node->bindings(now))
    out << to_string(snapshot.home_address) << ' ' << to_string(snapshot.correspondent) << ' '
        << to_string(snapshot.care_of_address) << ' ' << snapshot.state << ' ' << snapshot.sequence << ' '
        << (snapshot.lifetime ? (now.monotonic + *snapshot.lifetime).time_since_epoch().count() : 0) << '\n';
  std::vector<std::string> planned;
  for (const auto& [key, item] : plan.correspondent_bindings.items())
    planned.push_back(to_string(key.home_address) + ' ' + to_string(key.correspondent) + ' ' +
                      to_string(item.care_of_address) + ' ' + to_string(item.previous_care_of_address));
  std::ranges::sort(planned);
  for (const auto& line : planned) out << line << '\n';
  return out.str();
}

bool Fixture::noticed(const char* event) const { return std::ranges::find(notices_, event) != notices_.end(); }

}  // namespace mipflow::correspondent_node::test
