// SPDX-License-Identifier: GPL-3.0-or-later
#include <cassert>

#include "agent_service_layout.hpp"
#include "mipflow/base/flow_key.hpp"
#include "mipflow/wire/checksum.hpp"
#include "mipflow/wire/mobility_header.hpp"
#include "mobility_layout.hpp"

namespace mipflow::wire {

namespace {

// Writes the Message Data in front of the options.
struct FixedPartEncoder {
  Writer& writer;

  void operator()(const BindingRefreshRequest&) const { writer.u16(0); }
  void operator()(const HomeTestInit& message) const {
    writer.u16(0);
    writer.u64(message.home_init_cookie);
  }
  void operator()(const CareOfTestInit& message) const {
    writer.u16(0);
    writer.u64(message.care_of_init_cookie);
  }
  void operator()(const HomeTest& message) const {
    writer.u16(message.home_nonce_index);
    writer.u64(message.home_init_cookie);
    writer.u64(message.home_keygen_token);
  }
  void operator()(const CareOfTest& message) const {
    writer.u16(message.care_of_nonce_index);
    writer.u64(message.care_of_init_cookie);
    writer.u64(message.care_of_keygen_token);
  }
  void operator()(const BindingUpdate& message) const {
    unsigned flags = message.other_flags;
    if (message.acknowledge) flags |= kUpdateA;
    if (message.home_registration) flags |= kUpdateH;
    if (message.link_local_address_compatibility) flags |= kUpdateL;
    if (message.key_management_mobility_capability) flags |= kUpdateK;
    writer.u16(message.sequence);
    writer.u16(static_cast<std::uint16_t>(flags));
    writer.u16(message.lifetime_units);
  }
  void operator()(const BindingAcknowledgement& message) const {
    unsigned flags = message.other_flags;
    if (message.key_management_mobility_capability) flags |= kAcknowledgementK;
    writer.u8(static_cast<std::uint8_t>(message.status));
    writer.u8(static_cast<std::uint8_t>(flags));
    writer.u16(message.sequence);
    writer.u16(message.lifetime_units);
  }
  void operator()(const BindingError& message) const {
    writer.u8(static_cast<std::uint8_t>(message.status));
    writer.u8(0);
    writer.address(message.home_address);
  }
  void operator()(const AgentServiceMessage& message) const { encode_agent_service(writer, message); }
};

}  // namespace

MobilityType type_of(const MobilityMessage& message) {
  struct Types {
    MobilityType operator()(const BindingRefreshRequest&) const { return MobilityType::BindingRefreshRequest; }
    MobilityType operator()(const HomeTestInit&) const { return MobilityType::HomeTestInit; }
    MobilityType operator()(const CareOfTestInit&) const { return MobilityType::CareOfTestInit; }
    MobilityType operator()(const HomeTest&) const { return MobilityType::HomeTest; }
    MobilityType operator()(const CareOfTest&) const { return MobilityType::CareOfTest; }
    MobilityType operator()(const BindingUpdate&) const { return MobilityType::BindingUpdate; }
    MobilityType operator()(const BindingAcknowledgement&) const { return MobilityType::BindingAcknowledgement; }
    MobilityType operator()(const BindingError&) const { return MobilityType::BindingError; }
    MobilityType operator()(const AgentServiceMessage&) const { return MobilityType::Experimental; }
  };
  return std::visit(Types{}, message);
}

Bytes encode(const MobilityMessage& message) {
  Writer writer;
  writer.u8(kNoNextHeader);
  writer.u8(0);
  writer.u8(static_cast<std::uint8_t>(type_of(message)));
  writer.u8(0);
  writer.u16(0);
  std::visit(FixedPartEncoder{writer}, message);
  std::visit([&](const auto& concrete) { encode_options(writer, concrete.options); }, message);
  assert(writer.size() <= 2048);
  writer.patch_u8(kHeaderLenOffset, static_cast<std::uint8_t>(writer.size() / 8 - 1));
  return writer.take();
}

void fill_checksum(Bytes& mobility_header, const Address& source, const Address& destination) {
  assert(mobility_header.size() >= 8);
  mobility_header[kMobilityChecksumOffset] = 0;
  mobility_header[kMobilityChecksumOffset + 1] = 0;
  const std::uint16_t checksum =
      upper_layer_checksum(kProtocolMobilityHeader, source, destination, mobility_header);
  mobility_header[kMobilityChecksumOffset] = static_cast<std::uint8_t>(checksum >> 8);
  mobility_header[kMobilityChecksumOffset + 1] = static_cast<std::uint8_t>(checksum);
}

bool checksum_is_right(BytesView mobility_header, const Address& source, const Address& destination) {
  return upper_layer_checksum(kProtocolMobilityHeader, source, destination, mobility_header) == 0;
}

}  // namespace mipflow::wire
