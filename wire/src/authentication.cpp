// SPDX-License-Identifier: GPL-3.0-or-later
// RFC 4285: what protects Binding Updates and Acknowledgements between mobile node and home agent.
#include "mipflow/wire/authentication.hpp"

#include <algorithm>
#include <string_view>

#include "mipflow/base/crypto.hpp"
#include "mobility_layout.hpp"

namespace mipflow::wire {

namespace {

constexpr std::size_t kAuthenticatorLength = 12;  // 96 bits, RFC 4285 §5.1
constexpr std::size_t kDerivedKeyLength = 16;     // RFC 4285 §5.1: 128 bits
constexpr std::size_t kLongestNetworkAccessIdentifier = 253;
// From 1900, NTP's beginning, to 1970: 70 years with 17 leap days.
constexpr std::uint64_t kNtpToUnixSeconds = (70u * 365u + 17u) * 86'400u;

// First(96, HMAC_SHA1(key, care-of address | home address | MH Data)), where MH Data goes from Payload Proto to the SPI
// and has a Checksum of 0. RFC 4285 §5.1.
std::array<std::uint8_t, kAuthenticatorLength> authenticator_of(BytesView key, const Address& care_of_address,
                                                                const Address& home_address, BytesView data_up_to_spi) {
  Writer input;
  input.address(care_of_address);
  input.address(home_address);
  input.bytes(data_up_to_spi);
  input.patch_u16(2 * 16 + kMobilityChecksumOffset, 0);
  const Sha1Digest digest = hmac_sha1(key, input.view());
  std::array<std::uint8_t, kAuthenticatorLength> authenticator{};
  std::copy_n(digest.begin(), authenticator.size(), authenticator.begin());
  return authenticator;
}

// The one MN-HA option of a Mobility Header.
struct FoundAuthenticator {
  std::uint32_t spi;
  std::size_t data_offset;  // of the authenticator, from the start of the Mobility Header
  BytesView authenticator;
};

// nullopt unless there is exactly one such option with nothing but padding behind it.
std::optional<FoundAuthenticator> find_authenticator(BytesView mobility_header) {
  const auto start = options_start(mobility_header);
  if (!start || mobility_header.size() < *start) return std::nullopt;
  Reader reader(mobility_header);
  reader.skip(*start);

  std::optional<FoundAuthenticator> found;
  while (reader.remaining() > 0) {
    const std::uint8_t type = reader.u8();
    if (type == static_cast<std::uint8_t>(OptionType::Pad1)) continue;
    const std::uint8_t length = reader.u8();
    Reader data = reader.sub_reader(length);
    if (reader.failed()) return std::nullopt;
    if (type == static_cast<std::uint8_t>(OptionType::PadN)) continue;
    // Whatever stands behind the option is not covered by it; a second MN-HA option is such a thing too.
    if (found) return std::nullopt;
    if (type != static_cast<std::uint8_t>(OptionType::MessageAuthentication)) continue;
    if (data.u8() != MessageAuthentication::kMobileNodeHomeAgent) continue;
    const std::uint32_t spi = data.u32();
    if (data.failed()) return std::nullopt;
    found = FoundAuthenticator{spi, data.offset(), data.rest()};
  }
  return found;
}

void append_options(MobilityMessage& message, const AuthenticationInput& input) {
  std::visit(
      [&](auto& concrete) {
        if (input.with_identifier) {
          const std::string& name = input.association.network_access_identifier;
          const std::size_t length = std::min(name.size(), kLongestNetworkAccessIdentifier);
          concrete.options.push_back(MobileNodeIdentifier{
              MobileNodeIdentifier::kNai, Bytes(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(length))});
        }
        if (input.with_timestamp) concrete.options.push_back(ReplayProtection{input.timestamp});
        concrete.options.push_back(MessageAuthentication{MessageAuthentication::kMobileNodeHomeAgent,
                                                         input.association.spi, Bytes(kAuthenticatorLength)});
      },
      message);
}

}  // namespace

Bytes derived_key(const SecurityAssociation& association, const Address& primary_home_address,
                  const Address& home_address) {
  if (home_address == primary_home_address) return association.key;
  constexpr std::string_view kLabel = "mipflow home address key";
  Writer input;
  input.bytes(Bytes(kLabel.begin(), kLabel.end()));
  input.address(primary_home_address);
  input.address(home_address);
  const Sha256Digest digest = hmac_sha256(association.key, input.view());
  return Bytes(digest.begin(), digest.begin() + kDerivedKeyLength);
}

std::uint64_t ntp_timestamp(Duration wall) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wall);
  const auto nanoseconds = static_cast<std::uint64_t>((wall - seconds).count());
  // Rounded up, so that wall_of_ntp(), which rounds down, gives the same nanosecond back.
  const std::uint64_t fraction = ((nanoseconds << 32) + 999'999'999) / 1'000'000'000;
  return (static_cast<std::uint64_t>(seconds.count()) + kNtpToUnixSeconds) << 32 | fraction;
}

Duration wall_of_ntp(std::uint64_t timestamp) {
  const auto seconds = static_cast<std::int64_t>(timestamp >> 32) - static_cast<std::int64_t>(kNtpToUnixSeconds);
  const std::uint64_t nanoseconds = ((timestamp & 0xffffffff) * 1'000'000'000) >> 32;
  return std::chrono::seconds{seconds} + std::chrono::nanoseconds{nanoseconds};
}

Bytes encode_authenticated(MobilityMessage message, const AuthenticationInput& input) {
  append_options(message, input);
  Bytes header = encode(message);
  // The encoder puts the option where the header ends with it.
  const std::size_t data_offset = header.size() - kAuthenticatorLength;
  const auto authenticator = authenticator_of(input.key, input.care_of_address, input.home_address,
                                              BytesView(header).first(data_offset));
  std::ranges::copy(authenticator, header.begin() + static_cast<std::ptrdiff_t>(data_offset));
  return header;
}

bool authenticator_is_right(BytesView mobility_header, std::uint32_t spi, BytesView key, const Address& care_of_address,
                            const Address& home_address) {
  Reader length_reader(mobility_header);
  length_reader.skip(kHeaderLenOffset);
  const std::size_t length = (std::size_t{length_reader.u8()} + 1) * 8;
  if (length > mobility_header.size()) return false;

  const auto found = find_authenticator(mobility_header.first(length));
  if (!found || found->spi != spi || found->authenticator.size() != kAuthenticatorLength) return false;
  const auto expected =
      authenticator_of(key, care_of_address, home_address, mobility_header.first(found->data_offset));
  return equal_in_constant_time(found->authenticator, expected);
}

}  // namespace mipflow::wire
