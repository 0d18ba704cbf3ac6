// SPDX-License-Identifier: GPL-3.0-or-later
#include "binding_records.hpp"

#include <limits>
#include <utility>

namespace mipflow::platform {

using home_agent::PersistedBinding;
using home_agent::PersistedDelegation;
using home_agent::PersistedForwarding;
using home_agent::PersistedLease;
using home_agent::PersistedPolicyVersion;
using nlohmann::json;

namespace {

constexpr const char* kDigits = "0123456789abcdef";

std::optional<Address> address_of(const json& value, const char* key) {
  const auto found = value.find(key);
  if (found == value.end() || !found->is_string()) return std::nullopt;
  return Address::parse(found->get<std::string>());
}

template <class Number>
std::optional<Number> number_of(const json& value, const char* key) {
  const auto found = value.find(key);
  if (found == value.end() || !found->is_number_integer()) return std::nullopt;
  const auto number = found->get<std::uint64_t>();
  if (number > std::numeric_limits<Number>::max()) return std::nullopt;
  return static_cast<Number>(number);
}

std::optional<bool> flag_of(const json& value, const char* key) {
  const auto found = value.find(key);
  if (found == value.end() || !found->is_boolean()) return std::nullopt;
  return found->get<bool>();
}

json to_json(const PersistedBinding& binding) {
  return {{"home_address", to_string(binding.home_address)},
          {"care_of_address", to_string(binding.care_of_address)},
          {"primary_home_address", to_string(binding.primary_home_address)},
          {"identifier", binding.network_access_identifier},
          {"spi", binding.spi},
          {"sequence", binding.sequence},
          {"last_timestamp", binding.last_timestamp},
          {"expires_nanoseconds", binding.wall_expiry.count()},
          {"link_local_address_compatibility", binding.link_local_address_compatibility}};
}

std::optional<PersistedBinding> binding_from_json(const json& value) {
  const auto home_address = address_of(value, "home_address");
  const auto care_of_address = address_of(value, "care_of_address");
  const auto primary = address_of(value, "primary_home_address");
  const auto identifier = value.find("identifier");
  const auto spi = number_of<std::uint32_t>(value, "spi");
  const auto sequence = number_of<std::uint16_t>(value, "sequence");
  const auto timestamp = number_of<std::uint64_t>(value, "last_timestamp");
  const auto expires = number_of<std::int64_t>(value, "expires_nanoseconds");
  const auto link_local = flag_of(value, "link_local_address_compatibility");
  if (!home_address || !care_of_address || !primary || identifier == value.end() || !identifier->is_string() || !spi || !sequence ||
      !timestamp || !expires || !link_local)
    return std::nullopt;
  PersistedBinding out;
  out.home_address = *home_address;
  out.care_of_address = *care_of_address;
  out.primary_home_address = *primary;
  out.network_access_identifier = identifier->get<std::string>();
  out.spi = *spi;
  out.sequence = *sequence;
  out.last_timestamp = *timestamp;
  out.wall_expiry = Duration{*expires};
  out.link_local_address_compatibility = *link_local;
  return out;
}

json to_json(const PersistedLease& lease) {
  return {{"leased_address", to_string(lease.home_address)},
          {"mobile_node", to_string(lease.mobile_node)},
          {"source", static_cast<unsigned>(lease.source)},
          {"identity", lease.identity},
          {"preferred_nanoseconds", lease.wall_preferred.count()},
          {"valid_nanoseconds", lease.wall_valid.count()}};
}

std::optional<PersistedLease> lease_from_json(const json& value) {
  const auto home_address = address_of(value, "leased_address");
  const auto mobile_node = address_of(value, "mobile_node");
  const auto source = number_of<std::uint8_t>(value, "source");
  const auto identity = number_of<std::uint32_t>(value, "identity");
  const auto preferred = number_of<std::int64_t>(value, "preferred_nanoseconds");
  const auto valid = number_of<std::int64_t>(value, "valid_nanoseconds");
  if (!home_address || !mobile_node || !source || !identity || !preferred || !valid) return std::nullopt;
  return PersistedLease{.home_address = *home_address,
                        .mobile_node = *mobile_node,
                        .source = static_cast<wire::HomeAddressSource>(*source),
                        .identity = *identity,
                        .wall_preferred = Duration{*preferred},
                        .wall_valid = Duration{*valid}};
}

json to_json(const PersistedPolicyVersion& policy) {
  return {{"policy_version", policy.version}, {"assignment", to_hexadecimal(policy.assignment)}};
}

std::optional<PersistedPolicyVersion> policy_version_from_json(const json& value) {
  const auto version = number_of<std::uint32_t>(value, "policy_version");
  const auto assignment = value.find("assignment");
  if (!version || assignment == value.end() || !assignment->is_string()) return std::nullopt;
  const auto text = assignment->get<std::string>();
  PersistedPolicyVersion out{.version = *version};
  if (text.size() != 2 * out.assignment.size()) return std::nullopt;
  const std::string digits = kDigits;
  for (std::size_t i = 0; i < out.assignment.size(); ++i) {
    const auto high = digits.find(text[2 * i]);
    const auto low = digits.find(text[2 * i + 1]);
    if (high == std::string::npos || low == std::string::npos) return std::nullopt;
    out.assignment[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

json to_json(const PersistedDelegation& delegation) {
  return {{"delegated_address", to_string(delegation.home_address)},
          {"agent", to_string(delegation.agent)},
          {"number", delegation.number},
          {"by_operator", delegation.by_operator},
          {"acknowledged", delegation.acknowledged}};
}

std::optional<PersistedDelegation> delegation_from_json(const json& value) {
  const auto home_address = address_of(value, "delegated_address");
  const auto agent = address_of(value, "agent");
  const auto number = number_of<std::uint64_t>(value, "number");
  const auto by_operator = flag_of(value, "by_operator");
  const auto acknowledged = flag_of(value, "acknowledged");
  if (!home_address || !agent || !number || !by_operator || !acknowledged) return std::nullopt;
  return PersistedDelegation{
      .home_address = *home_address, .agent = *agent, .number = *number, .by_operator = *by_operator, .acknowledged = *acknowledged};
}

json to_json(const PersistedForwarding& forwarding) {
  return {{"forwarded_address", to_string(forwarding.start.home_address)},
          {"care_of_address", to_string(forwarding.start.care_of_address)},
          {"tunnel_source", to_string(forwarding.start.tunnel_source)},
          {"number", forwarding.start.number},
          {"link_local_address_compatibility", forwarding.start.link_local_address_compatibility},
          {"primary_home_agent", to_string(forwarding.primary)},
          {"expires_nanoseconds", forwarding.wall_expiry.count()}};
}

std::optional<PersistedForwarding> forwarding_from_json(const json& value) {
  const auto home_address = address_of(value, "forwarded_address");
  const auto care_of_address = address_of(value, "care_of_address");
  const auto tunnel_source = address_of(value, "tunnel_source");
  const auto number = number_of<std::uint64_t>(value, "number");
  const auto link_local = flag_of(value, "link_local_address_compatibility");
  const auto primary = address_of(value, "primary_home_agent");
  const auto expires = number_of<std::int64_t>(value, "expires_nanoseconds");
  if (!home_address || !care_of_address || !tunnel_source || !number || !link_local || !primary || !expires) return std::nullopt;
  return PersistedForwarding{.start = {.home_address = *home_address,
                                       .care_of_address = *care_of_address,
                                       .tunnel_source = *tunnel_source,
                                       .number = *number,
                                       .link_local_address_compatibility = *link_local},
                             .primary = *primary,
                             .wall_expiry = Duration{*expires}};
}

// Adds what was read to the list; false when it was not readable.
template <class Record>
bool append(std::vector<Record>& list, std::optional<Record> record) {
  if (record) list.push_back(std::move(*record));
  return record.has_value();
}

}  // namespace

std::string to_hexadecimal(const Sha256Digest& digest) {
  std::string out;
  for (const auto octet : digest) {
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

void for_each_record(const StoredState& state, const std::function<void(const json&)>& take) {
  const auto take_all = [&](const auto& list) {
    for (const auto& item : list) take(to_json(item));
  };
  take_all(state.bindings);
  take_all(state.services.leases);
  if (state.services.policy.version != 0) take(to_json(state.services.policy));
  take_all(state.services.load_sharing.delegations);
  take_all(state.services.load_sharing.forwardings);
}

bool take_record(const json& value, StoredState& state) {
  if (!value.is_object()) return false;
  auto& services = state.services;
  if (value.contains("leased_address")) return append(services.leases, lease_from_json(value));
  if (value.contains("delegated_address")) return append(services.load_sharing.delegations, delegation_from_json(value));
  if (value.contains("forwarded_address")) return append(services.load_sharing.forwardings, forwarding_from_json(value));
  if (value.contains("policy_version")) {
    const auto policy = policy_version_from_json(value);
    if (policy) services.policy = *policy;
    return policy.has_value();
  }
  return append(state.bindings, binding_from_json(value));
}

}  // namespace mipflow::platform
