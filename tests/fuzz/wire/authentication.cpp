// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (which of the three authenticators), two that say where a bit is turned over, then a message. Whatever was not
// made with the key is wrong; what was made with it is right, and no longer when any bit that is covered changes.
#include "mipflow/wire/authentication.hpp"

#include <algorithm>

#include "fuzz/draw.hpp"
#include "fuzz/wire/round_trip.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/return_routability.hpp"

namespace mipflow::fuzz {

using namespace wire;

namespace {

const Bytes kKey(16, 0x42);
const Address kHomeAddress{{0x20, 0x01, 0x0d, 0xb8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}};
constexpr std::uint32_t kSpi = 1000;
constexpr std::size_t kMobilityChecksum = 4, kIcmpv6Checksum = 2;

// No checksum is covered by an authenticator: what is on the way may be mended there.
void turn_over_a_bit(Bytes& octets, std::size_t where, std::size_t checksum) {
  std::size_t at = where / 8 % octets.size();
  if (at == checksum || at == checksum + 1) at = 0;
  octets[at] ^= static_cast<std::uint8_t>(1 << where % 8);
}

MobilityMessage without_authentication(MobilityMessage message) {
  std::visit(
      [](auto& concrete) {
        std::erase_if(concrete.options, [](const MobilityOption& option) {
          return std::holds_alternative<MobileNodeIdentifier>(option) || std::holds_alternative<MessageAuthentication>(option) ||
                 std::holds_alternative<ReplayProtection>(option) || std::holds_alternative<BindingAuthorizationData>(option);
        });
      },
      message);
  return message;
}

std::optional<MobilityMessage> decode(Bytes header) {
  if (header.size() < 8) return std::nullopt;
  header.resize(std::min<std::size_t>(header.size() / 8 * 8, 1'024));
  header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
  fill_checksum(header, kSource, kDestination);
  const auto message = decode_mobility_header(header, kSource, kDestination);
  if (!message) return std::nullopt;
  const auto options = std::visit([](const auto& concrete) { return concrete.options.size(); }, *message);
  if (options > 60) return std::nullopt;  // room for the padding of each
  return without_authentication(*message);
}

void with_the_home_agent(BytesView octets, std::size_t where) {
  must(!authenticator_is_right(octets, kSpi, kKey, kSource, kHomeAddress), "an authenticator of nobody is right");
  const auto message = decode(Bytes(octets.begin(), octets.end()));
  if (!message) return;
  const SecurityAssociation association{"laptop@example.net", kSpi, kKey};
  Bytes header = encode_authenticated(*message, {.association = association,
                                                 .key = kKey,
                                                 .care_of_address = kSource,
                                                 .home_address = kHomeAddress,
                                                 .timestamp = 0x0123'4567'89ab'cdef,
                                                 .with_identifier = where % 2 == 0});
  must(authenticator_is_right(header, kSpi, kKey, kSource, kHomeAddress), "our own authenticator is wrong");
  fill_checksum(header, kSource, kDestination);
  must(authenticator_is_right(header, kSpi, kKey, kSource, kHomeAddress), "an authenticator depends on the checksum");
  must(!authenticator_is_right(header, kSpi, kKey, kDestination, kHomeAddress), "an authenticator is right for another care-of address");
  must(!authenticator_is_right(header, kSpi, kKey, kSource, kDestination), "an authenticator is right for another home address");
  must(!authenticator_is_right(header, kSpi + 1, kKey, kSource, kHomeAddress), "an authenticator is right for another SPI");
  turn_over_a_bit(header, where, kMobilityChecksum);
  must(!authenticator_is_right(header, kSpi, kKey, kSource, kHomeAddress), "an authenticator is right for another message");
}

void with_the_correspondent_node(BytesView octets, std::size_t where) {
  const Sha1Digest key = binding_management_key(1, 2);
  must(!binding_authorization_is_right(octets, key, kSource, kDestination), "a binding authorization of nobody is right");
  const auto message = decode(Bytes(octets.begin(), octets.end()));
  // There is none in our own message: its options do not begin at a place that the type says.
  if (!message || std::holds_alternative<AgentServiceMessage>(*message)) return;
  Bytes header = encode_with_binding_authorization(*message, key, kSource, kDestination);
  must(binding_authorization_is_right(header, key, kSource, kDestination), "our own binding authorization is wrong");
  must(!binding_authorization_is_right(header, binding_management_key(1, 3), kSource, kDestination), "a binding authorization is right for another key");
  must(!binding_authorization_is_right(header, key, kHomeAddress, kDestination), "a binding authorization is right for another care-of address");
  turn_over_a_bit(header, where, kMobilityChecksum);
  must(!binding_authorization_is_right(header, key, kSource, kDestination), "a binding authorization is right for another message");
}

void with_mobile_prefixes(Bytes octets, std::size_t where) {
  must(!prefix_authenticator_is_right(octets, kSpi, kKey, kSource, kHomeAddress, kDestination), "an authenticator of nobody is right");
  if (octets.size() < 8) return;
  octets[2] = octets[3] = 0;
  const std::uint16_t checksum = upper_layer_checksum(58, kSource, kDestination, octets);
  octets[2] = static_cast<std::uint8_t>(checksum >> 8);
  octets[3] = static_cast<std::uint8_t>(checksum);
  const auto message = decode_icmpv6(octets, kSource, kDestination, 64);
  if (!message || !(std::holds_alternative<MobilePrefixSolicitation>(*message) || std::holds_alternative<MobilePrefixAdvertisement>(*message))) return;
  Bytes own = encode_signed(*message, kSpi, kKey, 42, kSource, kHomeAddress, kDestination, kHomeAddress, kDestination);
  must(prefix_authenticator_is_right(own, kSpi, kKey, kSource, kHomeAddress, kDestination), "our own prefix authenticator is wrong");
  turn_over_a_bit(own, where, kIcmpv6Checksum);
  must(!prefix_authenticator_is_right(own, kSpi, kKey, kSource, kHomeAddress, kDestination), "a prefix authenticator is right for another message");
}

}  // namespace

void fuzz_authentication(BytesView input);
void fuzz_authentication(BytesView input) {
  Draw draw(input);
  const auto which = draw.below(3);
  const std::size_t where = draw.u16();
  const BytesView octets = draw.rest();
  switch (which) {
    case 0: with_the_home_agent(octets, where); break;
    case 1: with_the_correspondent_node(octets, where); break;
    default: with_mobile_prefixes({octets.begin(), octets.end()}, where); break;
  }
}

}  // namespace mipflow::fuzz
