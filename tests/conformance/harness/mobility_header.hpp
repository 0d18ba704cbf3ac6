// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mipflow/base/crypto.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::conformance {

// Mobility Headers written octet by octet, so that each of their rules can be broken (RFC 6275 §6.1, §6.2). What is not
// broken on purpose is right: padding, length, authenticator, checksum. It shares no code with wire/, which is under test.
class MobilityHeader {
 public:
  // `message_data`: what stands between the Checksum and the options.
  MobilityHeader(std::uint8_t type, const Bytes& message_data);

  MobilityHeader& payload_proto(std::uint8_t value);
  MobilityHeader& reserved(std::uint8_t value);
  MobilityHeader& wrong_checksum();
  // Header Len 0, and only as many octets as that says.
  MobilityHeader& cut_short();

  // The option, behind the padding that alignment `modulus`*n + `remainder` asks for.
  MobilityHeader& option(std::uint8_t type, const Bytes& data, std::size_t modulus = 1, std::size_t remainder = 0);
  MobilityHeader& nonce_indices(std::uint16_t home, std::uint16_t care_of);
  MobilityHeader& alternate_care_of_address(const Address& address);
  MobilityHeader& refresh_advice(std::uint16_t interval_units);
  // PadN of `count` octets, 2 and more.
  MobilityHeader& padding(std::size_t count);
  // Binding Authorization Data over the header as it will be when it is whole.
  MobilityHeader& authorization(const Bytes& key, const Address& care_of_address, const Address& correspondent);
  MobilityHeader& wrong_authorization();
  // An option that says it is longer than the header.
  MobilityHeader& overrunning_option();

  // RFC 4283: a network access identifier. RFC 4285 §6: an NTP timestamp.
  MobilityHeader& mobile_node_identifier(const std::string& identifier);
  MobilityHeader& timestamp(std::uint64_t ntp);
  // RFC 4285 §5.1: the MN-HA option, over the header up to here.
  MobilityHeader& mobile_node_authentication(std::uint32_t spi, const Bytes& key, const Address& care_of_address,
                                             const Address& home_address);

  Bytes packet(const wire::Envelope& envelope) const;

 private:
  struct Authorization {
    std::size_t offset;  // of the authenticator
    Bytes key;
    Address care_of_address;
    Address other_end;        // correspondent node (RFC 6275 §6.2.7) or home address (RFC 4285 §5.1)
    bool covers_what_follows;  // RFC 6275 only
  };
  void align(std::size_t modulus, std::size_t remainder);
  Bytes whole() const;

  Bytes octets_;
  std::optional<Authorization> authorization_;
  bool wrong_checksum_ = false;
  bool cut_short_ = false;
};

// RFC 6275 §5.2.5: SHA1 of the tokens, which stand in network byte order.
Bytes binding_management_key(std::uint64_t home_token, std::optional<std::uint64_t> care_of_token);
// Does the header end with a Binding Authorization Data option that is right for these?
bool is_authorized(BytesView mobility_header, const Bytes& key, const Address& care_of_address,
                   const Address& correspondent);

// Does it end, but for padding, with an MN-HA authentication option that is right for these?
bool is_authenticated(BytesView mobility_header, std::uint32_t spi, const Bytes& key, const Address& care_of_address,
                      const Address& home_address);

// Message data of the messages that a tester sends.
Bytes test_init_data(std::uint64_t cookie, std::uint16_t reserved = 0);
Bytes test_data(std::uint16_t nonce_index, std::uint64_t cookie, std::uint64_t token);
Bytes binding_update_data(std::uint16_t sequence, std::uint16_t flags, std::uint16_t lifetime_units);
Bytes binding_acknowledgement_data(std::uint8_t status, std::uint16_t sequence, std::uint16_t lifetime_units);
Bytes binding_error_data(std::uint8_t status, const Address& home_address);

inline constexpr std::uint8_t kBindingRefreshRequest = 0, kHomeTestInit = 1, kCareOfTestInit = 2, kHomeTest = 3,
                              kCareOfTest = 4, kBindingUpdate = 5, kBindingAcknowledgement = 6, kBindingError = 7,
                              kUnassignedType = 255;
inline constexpr std::uint16_t kAcknowledge = 0x8000, kHomeRegistration = 0x4000, kLinkLocalCompatibility = 0x2000,
                               kKeyManagement = 0x1000, kReservedFlags = 0x0fff;

}  // namespace mipflow::conformance
