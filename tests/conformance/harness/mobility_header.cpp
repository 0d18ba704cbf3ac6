// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/harness/mobility_header.hpp"

#include <algorithm>

namespace mipflow::conformance {

namespace {

constexpr std::size_t kFixedPart = 6;  // up to the Checksum, that included
constexpr std::size_t kHeaderLenOffset = 1;
constexpr std::size_t kReservedOffset = 3;
constexpr std::size_t kChecksumOffset = 4;
constexpr std::size_t kAuthenticator = 12;  // octets
constexpr std::size_t kUnit = 8;            // of Header Len
constexpr std::uint8_t kPad1 = 0, kPadN = 1, kRefreshAdvice = 2, kAlternateCareOfAddress = 3, kNonceIndices = 4,
                       kBindingAuthorizationData = 5, kMobileNodeIdentifier = 8, kMessageAuthentication = 9,
                       kReplayProtection = 10;
constexpr std::uint8_t kNetworkAccessIdentifier = 1, kMobileNodeHomeAgent = 1;  // subtypes
constexpr std::size_t kSpi = 4;                                                 // octets

void put_u16(Bytes& octets, std::size_t offset, std::uint16_t value) {
  octets.at(offset) = static_cast<std::uint8_t>(value >> 8);
  octets.at(offset + 1) = static_cast<std::uint8_t>(value);
}

// RFC 8200 §8.1
std::uint16_t checksum(const Address& source, const Address& destination, const Bytes& upper_layer) {
  Writer pseudo;
  pseudo.address(source);
  pseudo.address(destination);
  pseudo.u32(static_cast<std::uint32_t>(upper_layer.size()));
  pseudo.u32(kProtocolMobilityHeader);
  pseudo.bytes(upper_layer);
  const Bytes& octets = pseudo.view();
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < octets.size(); i += 2)
    sum += static_cast<std::uint32_t>(octets[i] << 8 | (i + 1 < octets.size() ? octets[i + 1] : 0));
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// RFC 6275 §6.2.7, RFC 4285 §5.1
Bytes authenticator(BytesView header, std::size_t offset, const Bytes& key, const Address& care_of_address,
                    const Address& other_end, bool covers_what_follows) {
  Writer covered;
  covered.address(care_of_address);
  covered.address(other_end);
  covered.bytes(header.first(kChecksumOffset));
  covered.u16(0);
  covered.bytes(header.subspan(kFixedPart, offset - kFixedPart));
  if (covers_what_follows) covered.bytes(header.subspan(offset + kAuthenticator));
  const Sha1Digest digest = hmac_sha1(key, covered.view());
  return {digest.begin(), digest.begin() + kAuthenticator};
}

}  // namespace

MobilityHeader::MobilityHeader(std::uint8_t type, const Bytes& message_data) {
  constexpr std::uint8_t kNoNextHeader = 59;
  octets_ = {kNoNextHeader, 0, type, 0, 0, 0};
  octets_.insert(octets_.end(), message_data.begin(), message_data.end());
}

MobilityHeader& MobilityHeader::payload_proto(std::uint8_t value) {
  octets_.front() = value;
  return *this;
}
MobilityHeader& MobilityHeader::reserved(std::uint8_t value) {
  octets_.at(kReservedOffset) = value;
  return *this;
}
MobilityHeader& MobilityHeader::wrong_checksum() {
  wrong_checksum_ = true;
  return *this;
}
MobilityHeader& MobilityHeader::cut_short() {
  cut_short_ = true;
  return *this;
}

void MobilityHeader::align(std::size_t modulus, std::size_t remainder) {
  std::size_t missing = 0;
  while ((octets_.size() + missing) % modulus != remainder % modulus) ++missing;
  if (missing == 1) octets_.push_back(kPad1);
  if (missing > 1) padding(missing);
}

MobilityHeader& MobilityHeader::option(std::uint8_t type, const Bytes& data, std::size_t modulus, std::size_t remainder) {
  align(modulus, remainder);
  octets_.push_back(type);
  octets_.push_back(static_cast<std::uint8_t>(data.size()));
  octets_.insert(octets_.end(), data.begin(), data.end());
  return *this;
}

MobilityHeader& MobilityHeader::padding(std::size_t count) {
  octets_.push_back(kPadN);
  octets_.push_back(static_cast<std::uint8_t>(count - 2));
  octets_.insert(octets_.end(), count - 2, 0);
  return *this;
}

MobilityHeader& MobilityHeader::nonce_indices(std::uint16_t home, std::uint16_t care_of) {
  Writer data;
  data.u16(home);
  data.u16(care_of);
  return option(kNonceIndices, data.take(), 2, 0);
}
MobilityHeader& MobilityHeader::alternate_care_of_address(const Address& address) {
  return option(kAlternateCareOfAddress, {address.octets.begin(), address.octets.end()}, 8, 6);
}
MobilityHeader& MobilityHeader::refresh_advice(std::uint16_t interval_units) {
  Writer data;
  data.u16(interval_units);
  return option(kRefreshAdvice, data.take(), 2, 0);
}
MobilityHeader& MobilityHeader::authorization(const Bytes& key, const Address& care_of_address,
                                              const Address& correspondent) {
  option(kBindingAuthorizationData, Bytes(kAuthenticator), 8, 2);
  authorization_ = Authorization{octets_.size() - kAuthenticator, key, care_of_address, correspondent, true};
  return *this;
}
MobilityHeader& MobilityHeader::wrong_authorization() {
  return option(kBindingAuthorizationData, Bytes(kAuthenticator, 0x5a), 8, 2);
}

MobilityHeader& MobilityHeader::overrunning_option() {
  constexpr std::uint8_t kUnassignedOption = 200, kFarTooLong = 250;
  octets_.push_back(kUnassignedOption);
  octets_.push_back(kFarTooLong);
  return *this;
}

MobilityHeader& MobilityHeader::mobile_node_identifier(const std::string& identifier) {
  Bytes data{kNetworkAccessIdentifier};
  data.insert(data.end(), identifier.begin(), identifier.end());
  return option(kMobileNodeIdentifier, data);
}
MobilityHeader& MobilityHeader::timestamp(std::uint64_t ntp) {
  Writer data;
  data.u64(ntp);
  return option(kReplayProtection, data.take(), 8, 2);
}
MobilityHeader& MobilityHeader::mobile_node_authentication(std::uint32_t spi, const Bytes& key,
                                                           const Address& care_of_address, const Address& home_address) {
  Writer data;
  data.u8(kMobileNodeHomeAgent);
  data.u32(spi);
  data.zeros(kAuthenticator);
  option(kMessageAuthentication, data.take(), 4, 1);
  authorization_ = Authorization{octets_.size() - kAuthenticator, key, care_of_address, home_address, false};
  return *this;
}

Bytes MobilityHeader::whole() const {
  if (cut_short_) {
    Bytes out(octets_.begin(), octets_.begin() + kUnit);
    out[kHeaderLenOffset] = 0;
    return out;
  }
  MobilityHeader padded = *this;
  padded.align(kUnit, 0);
  Bytes out = padded.octets_;
  out[kHeaderLenOffset] = static_cast<std::uint8_t>(out.size() / kUnit - 1);
  if (authorization_)
    std::ranges::copy(authenticator(out, authorization_->offset, authorization_->key, authorization_->care_of_address,
                                    authorization_->other_end, authorization_->covers_what_follows),
                      out.begin() + static_cast<std::ptrdiff_t>(authorization_->offset));
  return out;
}

Bytes MobilityHeader::packet(const wire::Envelope& envelope) const {
  Bytes out = whole();
  const Address& source = envelope.home_address_option ? *envelope.home_address_option : envelope.source;
  const Address& destination =
      envelope.routing_header_home_address ? *envelope.routing_header_home_address : envelope.destination;
  const std::uint16_t right = checksum(source, destination, out);
  put_u16(out, kChecksumOffset, wrong_checksum_ ? static_cast<std::uint16_t>(right ^ 0x5555) : right);
  return wire::build_packet_around(envelope, kProtocolMobilityHeader, out);
}

Bytes binding_management_key(std::uint64_t home_token, std::optional<std::uint64_t> care_of_token) {
  Writer tokens;
  tokens.u64(home_token);
  if (care_of_token) tokens.u64(*care_of_token);
  const Sha1Digest key = sha1(tokens.view());
  return {key.begin(), key.end()};
}

bool is_authorized(BytesView mobility_header, const Bytes& key, const Address& care_of_address,
                   const Address& correspondent) {
  constexpr std::size_t kOption = 2 + kAuthenticator;
  if (mobility_header.size() < kFixedPart + kOption) return false;
  const std::size_t option = mobility_header.size() - kOption;
  if (mobility_header[option] != kBindingAuthorizationData || mobility_header[option + 1] != kAuthenticator) return false;
  const std::size_t offset = option + 2;
  return std::ranges::equal(authenticator(mobility_header, offset, key, care_of_address, correspondent, true),
                            mobility_header.subspan(offset));
}

bool is_authenticated(BytesView mobility_header, std::uint32_t spi, const Bytes& key, const Address& care_of_address,
                      const Address& home_address) {
  constexpr std::size_t kOptionHeader = 2, kFirstOption = 12;
  std::size_t place = kFirstOption;
  while (place < mobility_header.size()) {
    if (mobility_header[place] == kPad1) {
      ++place;
      continue;
    }
    if (place + kOptionHeader > mobility_header.size()) return false;
    const std::size_t next = place + kOptionHeader + mobility_header[place + 1];
    if (next > mobility_header.size()) return false;
    if (mobility_header[place] == kMessageAuthentication) {
      Reader reader(mobility_header.subspan(place + kOptionHeader, next - place - kOptionHeader));
      if (reader.u8() != kMobileNodeHomeAgent || reader.u32() != spi || reader.rest().size() != kAuthenticator) return false;
      const std::size_t offset = place + kOptionHeader + 1 + kSpi;
      const bool right = std::ranges::equal(authenticator(mobility_header, offset, key, care_of_address, home_address, false),
                                            mobility_header.subspan(offset, kAuthenticator));
      const BytesView behind = mobility_header.subspan(next);
      const bool is_last = behind.empty() || behind[0] == kPad1 || (behind[0] == kPadN && behind.size() == kOptionHeader + behind[1]);
      return right && is_last;
    }
    place = next;
  }
  return false;
}

Bytes test_init_data(std::uint64_t cookie, std::uint16_t reserved) {
  Writer out;
  out.u16(reserved);
  out.u64(cookie);
  return out.take();
}
Bytes test_data(std::uint16_t nonce_index, std::uint64_t cookie, std::uint64_t token) {
  Writer out;
  out.u16(nonce_index);
  out.u64(cookie);
  out.u64(token);
  return out.take();
}
Bytes binding_update_data(std::uint16_t sequence, std::uint16_t flags, std::uint16_t lifetime_units) {
  Writer out;
  out.u16(sequence);
  out.u16(flags);
  out.u16(lifetime_units);
  return out.take();
}
Bytes binding_acknowledgement_data(std::uint8_t status, std::uint16_t sequence, std::uint16_t lifetime_units) {
  Writer out;
  out.u8(status);
  out.u8(0);
  out.u16(sequence);
  out.u16(lifetime_units);
  return out.take();
}
Bytes binding_error_data(std::uint8_t status, const Address& home_address) {
  Writer out;
  out.u8(status);
  out.u8(0);
  out.address(home_address);
  return out.take();
}

}  // namespace mipflow::conformance
