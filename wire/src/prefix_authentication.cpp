// SPDX-License-Identifier: GPL-3.0-or-later
// Authentication of Mobile Prefix Solicitations and Advertisements, which RFC 4285 leaves unprotected.
#include <algorithm>

#include "icmpv6_layout.hpp"
#include "mipflow/base/crypto.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/authentication.hpp"
#include "mipflow/wire/checksum.hpp"

namespace mipflow::wire {

namespace {

using Authenticator = decltype(PrefixAuthentication::authenticator);

constexpr std::size_t kOptionLength = kPrefixAuthenticationLength * 8;
constexpr std::size_t kOptionsOffset = 8;  // of both messages: header, Identifier, flags

// `covered` is the ICMPv6 message without the authenticator at its end.
Authenticator authenticator_of(BytesView key, const Address& care_of_address, const Address& home_address,
                               const Address& home_agent, BytesView covered) {
  Writer input;
  input.address(care_of_address);
  input.address(home_address);
  input.address(home_agent);
  input.bytes(covered);
  input.patch_u16(3 * 16 + kIcmpv6ChecksumOffset, 0);
  const Sha256Digest digest = hmac_sha256(key, input.view());
  Authenticator authenticator{};
  std::copy_n(digest.begin(), authenticator.size(), authenticator.begin());
  return authenticator;
}

// The SPI of the one authentication option, which has to be the last option; nullopt otherwise.
std::optional<std::uint32_t> spi_of_last_option(BytesView message) {
  Reader reader(message);
  reader.skip(kOptionsOffset);
  std::optional<std::uint32_t> spi;
  while (!reader.failed() && reader.remaining() > 0) {
    if (spi) return std::nullopt;
    const std::uint8_t type = reader.u8();
    const std::uint8_t length = reader.u8();
    if (length == 0) return std::nullopt;
    Reader data = reader.sub_reader(std::size_t{length} * 8 - 2);
    if (type != kPrefixAuthenticationOption || length != kPrefixAuthenticationLength) continue;
    if (data.u8() != kPrefixAuthenticationVersion) continue;
    data.skip(1);
    spi = data.u32();
  }
  return reader.failed() ? std::nullopt : spi;
}

bool put_on(Icmpv6Message& message, const PrefixAuthentication& authentication) {
  if (auto* solicitation = std::get_if<MobilePrefixSolicitation>(&message)) {
    solicitation->authentication = authentication;
    return true;
  }
  if (auto* advertisement = std::get_if<MobilePrefixAdvertisement>(&message)) {
    advertisement->authentication = authentication;
    return true;
  }
  return false;
}

}  // namespace

Bytes encode_signed(Icmpv6Message message, std::uint32_t spi, BytesView key, std::uint64_t timestamp,
                    const Address& care_of_address, const Address& home_address, const Address& home_agent,
                    const Address& checksum_source, const Address& checksum_destination) {
  PrefixAuthentication authentication{spi, timestamp, {}};
  if (!put_on(message, authentication)) return encode(message, checksum_source, checksum_destination);
  const Bytes unsigned_message = encode(message, checksum_source, checksum_destination);
  authentication.authenticator =
      authenticator_of(key, care_of_address, home_address, home_agent,
                       BytesView(unsigned_message).first(unsigned_message.size() - authentication.authenticator.size()));
  put_on(message, authentication);
  return encode(message, checksum_source, checksum_destination);
}

bool prefix_authenticator_is_right(BytesView icmpv6_message, std::uint32_t spi, BytesView key,
                                   const Address& care_of_address, const Address& home_address,
                                   const Address& home_agent) {
  if (icmpv6_message.size() < kOptionsOffset + kOptionLength) return false;
  const auto found = spi_of_last_option(icmpv6_message);
  if (!found || *found != spi) return false;
  const std::size_t covered = icmpv6_message.size() - std::tuple_size_v<Authenticator>;
  const Authenticator expected =
      authenticator_of(key, care_of_address, home_address, home_agent, icmpv6_message.first(covered));
  return equal_in_constant_time(icmpv6_message.subspan(covered), expected);
}

}  // namespace mipflow::wire
