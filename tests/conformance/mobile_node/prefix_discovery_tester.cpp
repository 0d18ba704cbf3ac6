// SPDX-License-Identifier: GPL-3.0-or-later
// Mobile prefix discovery, RFC 6275 §11.4.2, §6.7, §6.8, as the home agent sees it.
#include <algorithm>

#include "conformance/mobile_node/home_agent_tester.hpp"
#include "mipflow/base/crypto.hpp"
#include "mipflow/wire/authentication.hpp"
#include "mipflow/wire/checksum.hpp"

namespace mipflow::conformance::mobile {

namespace {

// ICMPv6 of mobile prefix discovery under the security association: what is in front of the authenticator, and that.
constexpr std::size_t kPrefixAuthenticator = 16, kPrefixOption = 32;
Bytes prefix_authenticator(BytesView message, const Address& care_of_address) {
  constexpr std::size_t kChecksum = 2;
  Writer covered;
  covered.address(care_of_address);
  covered.address(kHome);
  covered.address(kHomeAgent);
  const std::size_t begin = covered.view().size();
  covered.bytes(message);
  covered.patch_u16(begin + kChecksum, 0);
  const auto digest = hmac_sha256(association_key(), covered.view());
  return {digest.begin(), digest.begin() + kPrefixAuthenticator};
}

}  // namespace

PrefixSolicitation HomeAgentTester::expect_solicitation(Duration within) {
  constexpr std::uint8_t kType = 146;
  constexpr std::size_t kNextHeader = 6, kExtensionHeader = 40;
  const auto found = bench_.next<wire::MobilePrefixSolicitation>(within, [](const auto&) { return true; });
  require(found.has_value(), "wanted a Mobile Prefix Solicitation, got " + bench_.rest());
  const auto view = found->seen.view();
  const BytesView octets = view.payload;
  const std::string got = ", got " + found->seen.text();
  require(!found->seen.tunnel && view.source == bench_.care_of_address() && view.destination == kHomeAgent &&
              view.home_address_option == kHome && found->seen.packet[kNextHeader] == 60 &&
              found->seen.packet[kExtensionHeader] == kProtocolIcmpv6,
          "wanted a Mobile Prefix Solicitation from the care-of address with the Home Address option" + got);
  require(octets[0] == kType && octets[1] == 0 && octets[6] == 0 && octets[7] == 0, "wanted Code and Reserved 0" + got);
  require(octets.size() >= kPrefixOption &&
              std::ranges::equal(prefix_authenticator(octets.first(octets.size() - kPrefixAuthenticator), view.source),
                                 octets.last(kPrefixAuthenticator)),
          "wanted the authenticator of the security association" + got);
  saw("MPS");
  return *found;
}

void HomeAgentTester::expect_no_solicitation(Duration during, const std::string& after) {
  const auto found = bench_.next<wire::MobilePrefixSolicitation>(during, [](const auto&) { return true; });
  require(!found, "a Mobile Prefix Solicitation after " + after);
  saw("no MPS");
}

void HomeAgentTester::advertise(std::uint16_t identifier, const Advertisement& advertisement) {
  constexpr std::uint8_t kType = 147, kUnassignedOption = 200, kPrefixInformation = 3, kAuthentication = 253;
  constexpr std::uint8_t kOnLinkAutonomousRouter = 0xe0;
  constexpr std::size_t kChecksum = 2;
  const auto seconds = static_cast<std::uint32_t>(advertisement.valid.count());
  Writer message;
  message.u8(kType);
  message.u8(0);
  message.u16(0);
  message.u16(advertisement.identifier.value_or(identifier));
  message.u16(advertisement.reserved);
  message.u8(kPrefixInformation);
  message.u8(4);
  message.u8(64);
  message.u8(kOnLinkAutonomousRouter);
  message.u32(seconds);
  message.u32(seconds);
  message.u32(0);
  message.address(kHomeAgent);
  if (advertisement.unknown_option) {
    message.u8(kUnassignedOption);
    message.u8(1);
    message.zeros(6);
  }
  message.u8(kAuthentication);
  message.u8(kPrefixOption / 8);
  message.u8(1);
  message.u8(0);
  message.u32(kSpi);
  message.u64(wire::ntp_timestamp(bench_.node.time().wall));
  message.bytes(prefix_authenticator(message.view(), bench_.care_of_address()));
  const Address& destination = advertisement.routing_header ? kHome : bench_.care_of_address();
  message.patch_u16(kChecksum, wire::upper_layer_checksum(kProtocolIcmpv6, advertisement.source, destination, message.view()));
  bench_.send(wire::build_packet_around(
      {.source = advertisement.source,
       .destination = bench_.care_of_address(),
       .routing_header_home_address = advertisement.routing_header ? std::optional(kHome) : std::nullopt},
      kProtocolIcmpv6, message.view()));
}

void HomeAgentTester::answer(const PrefixSolicitation& solicitation, const Advertisement& advertisement) {
  advertise(solicitation.message.identifier, advertisement);
}

}  // namespace mipflow::conformance::mobile
