// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/return_routability.hpp"

#include <algorithm>
#include <variant>

#include "mobility_layout.hpp"

namespace mipflow::wire {

namespace {

constexpr std::size_t kOptionHeader = 2;
constexpr std::size_t kAuthenticatorLength = std::tuple_size_v<Authenticator>;

// The octets that the message occupies: a packet may hold more behind the Header Len's end. nullopt when it holds less.
std::optional<BytesView> whole_header(BytesView octets) {
  Reader reader(octets);
  reader.skip(1);
  const std::size_t length = (std::size_t{reader.u8()} + 1) * 8;
  if (reader.failed() || octets.size() < length) return std::nullopt;
  return octets.first(length);
}

}  // namespace

Sha1Digest binding_management_key(KeygenToken home, std::optional<KeygenToken> care_of) {
  Writer tokens;
  tokens.u64(home);
  if (care_of) tokens.u64(*care_of);
  return sha1(tokens.view());
}

Authenticator binding_authenticator(const Sha1Digest& key, const Address& care_of_address, const Address& correspondent,
                                    BytesView mobility_header) {
  Writer input;
  input.address(care_of_address);
  input.address(correspondent);
  input.bytes(mobility_header.first(mobility_header.size() - std::min(mobility_header.size(), kAuthenticatorLength)));
  input.patch_u16(2 * 16 + kMobilityChecksumOffset, 0);
  const Sha1Digest digest = hmac_sha1(key, input.view());
  Authenticator authenticator{};
  std::copy_n(digest.begin(), authenticator.size(), authenticator.begin());
  return authenticator;
}

Bytes encode_with_binding_authorization(MobilityMessage message, const Sha1Digest& key, const Address& care_of_address,
                                        const Address& correspondent) {
  std::visit([](auto& concrete) { concrete.options.push_back(BindingAuthorizationData{}); }, message);
  Bytes header = encode(message);
  const Authenticator authenticator = binding_authenticator(key, care_of_address, correspondent, header);
  std::copy(authenticator.begin(), authenticator.end(), header.end() - kAuthenticatorLength);
  return header;
}

bool binding_authorization_is_right(BytesView mobility_header, const Sha1Digest& key, const Address& care_of_address,
                                    const Address& correspondent) {
  const auto header = whole_header(mobility_header);
  if (!header) return false;
  Reader reader(*header);
  reader.skip(kMobilityTypeOffset);
  const auto start = options_start(reader.u8());
  if (!start || header->size() < *start) return false;
  reader.skip(*start - kMobilityTypeOffset - 1);

  while (reader.remaining() > 0) {
    const std::size_t place = reader.offset();
    const std::uint8_t type = reader.u8();
    if (type == static_cast<std::uint8_t>(OptionType::Pad1)) continue;
    const std::uint8_t length = reader.u8();
    const BytesView data = reader.sub_reader(length).rest();
    if (reader.failed()) return false;
    if (type != static_cast<std::uint8_t>(OptionType::BindingAuthorizationData)) continue;
    // What stands behind the option is not covered by it.
    if (length != kAuthenticatorLength || place + kOptionHeader + length != header->size()) return false;
    return equal_in_constant_time(data, binding_authenticator(key, care_of_address, correspondent, *header));
  }
  return false;
}

}  // namespace mipflow::wire
