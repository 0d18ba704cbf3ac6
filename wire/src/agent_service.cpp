// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/agent_service.hpp"

#include <algorithm>
#include <iterator>

#include "agent_service_layout.hpp"
#include "mobility_layout.hpp"

namespace mipflow::wire {

namespace {

void write(Writer& writer, const HomeAddressLifetimes& item) {
  writer.address(item.home_address);
  writer.u32(item.preferred);
  writer.u32(item.valid);
}

HomeAddressLifetimes read_lifetimes(Reader& reader) {
  HomeAddressLifetimes item;
  item.home_address = reader.address();
  item.preferred = reader.u32();
  item.valid = reader.u32();
  return item;
}

struct BodyEncoder {
  Writer& writer;

  // Returns how many are written.
  template <class List>
  std::uint8_t count(const List& list) const {
    const auto number = static_cast<std::uint8_t>(std::min(list.size(), kMostAddressesPerMessage));
    writer.u8(number);
    return number;
  }
  void lifetimes(const std::vector<HomeAddressLifetimes>& list) const {
    const std::uint8_t number = count(list);
    writer.u8(0);
    for (std::size_t i = 0; i < number; ++i) write(writer, list[i]);
  }

  void operator()(const HomeAddressRequest& body) const {
    writer.u8(static_cast<std::uint8_t>(body.source));
    writer.u8(body.count);
  }
  void operator()(const HomeAddressReply& body) const {
    writer.u8(static_cast<std::uint8_t>(body.source));
    writer.u8(static_cast<std::uint8_t>(body.status));
    const std::uint8_t number = count(body.addresses);
    const std::size_t reason = std::min(body.reason.size(), kLongestReason);
    writer.u8(static_cast<std::uint8_t>(reason));
    for (std::size_t i = 0; i < number; ++i) write(writer, body.addresses[i]);
    for (const char octet : std::string_view(body.reason).substr(0, reason)) writer.u8(static_cast<std::uint8_t>(octet));
  }
  void operator()(const HomeAddressRelease& body) const {
    writer.u8(static_cast<std::uint8_t>(body.reason));
    const std::uint8_t number = count(body.addresses);
    for (std::size_t i = 0; i < number; ++i) writer.address(body.addresses[i]);
  }
  void operator()(const HomeAddressReleaseAcknowledgement&) const {}
  void operator()(const HomeAddressChange& body) const { lifetimes(body.addresses); }
  void operator()(const HomeAddressChangeAcknowledgement&) const {}
  void operator()(const PolicyRequest& body) const {
    writer.u32(body.known_version);
    writer.u32(body.offset);
  }
  void operator()(const PolicyReply& body) const {
    const BytesView part = BytesView(body.part).first(std::min(body.part.size(), kLargestPolicyPart));
    writer.u8(static_cast<std::uint8_t>(body.status));
    writer.u8(0);
    writer.u16(static_cast<std::uint16_t>(part.size()));
    writer.u32(body.version);
    writer.u32(body.total_length);
    writer.u32(body.offset);
    writer.bytes(body.authenticator);
    writer.bytes(part);
  }
  void operator()(const PolicyChanged& body) const { writer.u32(body.version); }
  void operator()(const HomeAddressRefresh& body) const {
    const std::uint8_t number = count(body.addresses);
    writer.u8(0);
    for (std::size_t i = 0; i < number; ++i) writer.address(body.addresses[i]);
  }
  void operator()(const HomeAddressRefreshReply& body) const { lifetimes(body.addresses); }
  void operator()(const UnknownOperation& body) const { writer.bytes(body.body); }
};

// Each reads its body from a reader that covers it and no more; false when what is said can not be. Octets that are left
// over are a later edition's.
bool read(Reader& reader, HomeAddressRequest& body) {
  body.source = static_cast<HomeAddressSource>(reader.u8());
  body.count = reader.u8();
  return true;
}

bool read(Reader& reader, HomeAddressReply& body) {
  body.source = static_cast<HomeAddressSource>(reader.u8());
  body.status = static_cast<HomeAddressStatus>(reader.u8());
  const std::size_t count = reader.u8();
  const std::size_t reason = reader.u8();
  if (count > kMostAddressesPerMessage || reason > kLongestReason) return false;
  for (std::size_t i = 0; i < count; ++i) body.addresses.push_back(read_lifetimes(reader));
  std::ranges::transform(reader.bytes(reason), std::back_inserter(body.reason),
                         [](std::uint8_t octet) { return static_cast<char>(octet); });
  return true;
}

bool read(Reader& reader, HomeAddressRelease& body) {
  body.reason = static_cast<HomeAddressReleaseReason>(reader.u8());
  const std::size_t count = reader.u8();
  if (count > kMostAddressesPerMessage) return false;
  for (std::size_t i = 0; i < count; ++i) body.addresses.push_back(reader.address());
  return true;
}

bool read(Reader&, HomeAddressReleaseAcknowledgement&) { return true; }

// Count, Reserved, and the lifetimes.
bool read(Reader& reader, std::vector<HomeAddressLifetimes>& list) {
  const std::size_t count = reader.u8();
  reader.skip(1);
  if (count > kMostAddressesPerMessage) return false;
  for (std::size_t i = 0; i < count; ++i) list.push_back(read_lifetimes(reader));
  return true;
}

bool read(Reader& reader, HomeAddressChange& body) { return read(reader, body.addresses); }

bool read(Reader&, HomeAddressChangeAcknowledgement&) { return true; }

bool read(Reader& reader, PolicyRequest& body) {
  body.known_version = reader.u32();
  body.offset = reader.u32();
  return true;
}

bool read(Reader& reader, PolicyReply& body) {
  body.status = static_cast<PolicyStatus>(reader.u8());
  reader.skip(1);
  const std::size_t length = reader.u16();
  body.version = reader.u32();
  body.total_length = reader.u32();
  body.offset = reader.u32();
  std::ranges::copy(reader.bytes(body.authenticator.size()), body.authenticator.begin());
  if (length > kLargestPolicyPart) return false;
  const BytesView part = reader.bytes(length);
  body.part.assign(part.begin(), part.end());
  return true;
}

bool read(Reader& reader, PolicyChanged& body) {
  body.version = reader.u32();
  return true;
}

bool read(Reader& reader, HomeAddressRefresh& body) {
  const std::size_t count = reader.u8();
  reader.skip(1);
  if (count > kMostAddressesPerMessage) return false;
  for (std::size_t i = 0; i < count; ++i) body.addresses.push_back(reader.address());
  return true;
}

bool read(Reader& reader, HomeAddressRefreshReply& body) { return read(reader, body.addresses); }

bool read_body(std::uint8_t operation, Reader& reader, AgentServiceBody& body) {
  switch (static_cast<AgentServiceOperation>(operation)) {
    case AgentServiceOperation::HomeAddressRequest: return read(reader, body.emplace<HomeAddressRequest>());
    case AgentServiceOperation::HomeAddressReply: return read(reader, body.emplace<HomeAddressReply>());
    case AgentServiceOperation::HomeAddressRelease: return read(reader, body.emplace<HomeAddressRelease>());
    case AgentServiceOperation::HomeAddressReleaseAcknowledgement:
      return read(reader, body.emplace<HomeAddressReleaseAcknowledgement>());
    case AgentServiceOperation::HomeAddressChange: return read(reader, body.emplace<HomeAddressChange>());
    case AgentServiceOperation::HomeAddressChangeAcknowledgement:
      return read(reader, body.emplace<HomeAddressChangeAcknowledgement>());
    case AgentServiceOperation::PolicyRequest: return read(reader, body.emplace<PolicyRequest>());
    case AgentServiceOperation::PolicyReply: return read(reader, body.emplace<PolicyReply>());
    case AgentServiceOperation::PolicyChanged: return read(reader, body.emplace<PolicyChanged>());
    case AgentServiceOperation::HomeAddressRefresh: return read(reader, body.emplace<HomeAddressRefresh>());
    case AgentServiceOperation::HomeAddressRefreshReply: return read(reader, body.emplace<HomeAddressRefreshReply>());
  }
  auto& unknown = body.emplace<UnknownOperation>();
  unknown.operation = operation;
  unknown.body.assign(reader.rest().begin(), reader.rest().end());
  return true;
}

}  // namespace

std::uint8_t operation_of(const AgentServiceBody& body) {
  struct Operations {
    using Operation = AgentServiceOperation;
    Operation operator()(const HomeAddressRequest&) const { return Operation::HomeAddressRequest; }
    Operation operator()(const HomeAddressReply&) const { return Operation::HomeAddressReply; }
    Operation operator()(const HomeAddressRelease&) const { return Operation::HomeAddressRelease; }
    Operation operator()(const HomeAddressReleaseAcknowledgement&) const {
      return Operation::HomeAddressReleaseAcknowledgement;
    }
    Operation operator()(const HomeAddressChange&) const { return Operation::HomeAddressChange; }
    Operation operator()(const HomeAddressChangeAcknowledgement&) const {
      return Operation::HomeAddressChangeAcknowledgement;
    }
    Operation operator()(const PolicyRequest&) const { return Operation::PolicyRequest; }
    Operation operator()(const PolicyReply&) const { return Operation::PolicyReply; }
    Operation operator()(const PolicyChanged&) const { return Operation::PolicyChanged; }
    Operation operator()(const HomeAddressRefresh&) const { return Operation::HomeAddressRefresh; }
    Operation operator()(const HomeAddressRefreshReply&) const { return Operation::HomeAddressRefreshReply; }
    Operation operator()(const UnknownOperation& unknown) const { return static_cast<Operation>(unknown.operation); }
  };
  return static_cast<std::uint8_t>(std::visit(Operations{}, body));
}

void encode_agent_service(Writer& writer, const AgentServiceMessage& message) {
  writer.u8(kAgentServiceVersion);
  writer.u8(operation_of(message.body));
  writer.u32(message.transaction);
  Writer body;
  std::visit(BodyEncoder{body}, message.body);
  writer.u16(static_cast<std::uint16_t>(body.size()));
  writer.bytes(body.view());
}

std::optional<DecodeError> decode_agent_service(Reader& reader, AgentServiceMessage& message) {
  reader.skip(1);  // Version
  const std::uint8_t operation = reader.u8();
  message.transaction = reader.u32();
  const std::size_t length_offset = reader.offset();
  Reader body = reader.sub_reader(reader.u16());
  const bool sound = read_body(operation, body, message.body);
  if (!sound || reader.failed() || body.failed()) return DecodeError{DecodeErrorKind::ServiceBodyWrong, length_offset};
  return std::nullopt;
}

std::optional<std::size_t> options_start(BytesView mobility_header) {
  if (mobility_header.size() <= kMobilityTypeOffset) return std::nullopt;
  const std::uint8_t type = mobility_header[kMobilityTypeOffset];
  const auto fixed_part = options_start(type);
  if (type != static_cast<std::uint8_t>(MobilityType::Experimental) || mobility_header.size() < *fixed_part)
    return fixed_part;
  Reader reader(mobility_header);
  reader.skip(kServiceBodyLengthOffset);
  return *fixed_part + reader.u16();
}

std::string to_string(AgentServiceOperation operation) {
  switch (operation) {
    case AgentServiceOperation::HomeAddressRequest: return "home-address-request";
    case AgentServiceOperation::HomeAddressReply: return "home-address-reply";
    case AgentServiceOperation::HomeAddressRelease: return "home-address-release";
    case AgentServiceOperation::HomeAddressReleaseAcknowledgement: return "home-address-release-acknowledgement";
    case AgentServiceOperation::HomeAddressChange: return "home-address-change";
    case AgentServiceOperation::HomeAddressChangeAcknowledgement: return "home-address-change-acknowledgement";
    case AgentServiceOperation::PolicyRequest: return "policy-request";
    case AgentServiceOperation::PolicyReply: return "policy-reply";
    case AgentServiceOperation::PolicyChanged: return "policy-changed";
    case AgentServiceOperation::HomeAddressRefresh: return "home-address-refresh";
    case AgentServiceOperation::HomeAddressRefreshReply: return "home-address-refresh-reply";
  }
  return "operation-" + std::to_string(static_cast<unsigned>(operation));
}

std::string to_string(HomeAddressSource source) {
  switch (source) {
    case HomeAddressSource::Agent: return "agent";
    case HomeAddressSource::Dhcpv6: return "dhcpv6";
  }
  return "source-" + std::to_string(static_cast<unsigned>(source));
}

std::string to_string(HomeAddressStatus status) {
  switch (status) {
    case HomeAddressStatus::Allocated: return "allocated";
    case HomeAddressStatus::Pending: return "pending";
    case HomeAddressStatus::SourceNotOffered: return "source-not-offered";
    case HomeAddressStatus::LimitReached: return "limit-reached";
    case HomeAddressStatus::SourceRefused: return "source-refused";
    case HomeAddressStatus::Prohibited: return "prohibited";
  }
  return "status-" + std::to_string(static_cast<unsigned>(status));
}

Sha256Digest policy_authenticator(BytesView key, std::uint32_t version, std::string_view text) {
  constexpr std::string_view kLabel = "mipflow network policy";
  Bytes input(kLabel.begin(), kLabel.end());
  for (const int shift : {24, 16, 8, 0}) input.push_back(static_cast<std::uint8_t>(version >> shift));
  input.insert(input.end(), text.begin(), text.end());
  return hmac_sha256(key, input);
}

}  // namespace mipflow::wire
