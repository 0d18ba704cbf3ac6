// SPDX-License-Identifier: GPL-3.0-or-later
// The tests of RFC 6275 §10.3.1 that a home registration has to pass once it is authentic and fresh.
#include <algorithm>
#include <array>

#include "home_registration.hpp"

namespace mipflow::home_agent {

namespace {

using wire::BindingStatus;

// RFC 4291 §2.6.1 (subnet-router anycast) and RFC 2526 §2 (anycast addresses of all subnets, the home agents' one among
// them): no node may have one of these as its own.
bool is_reserved_for_anycast(const Address& address) {
  const auto identifier_begin = address.octets.begin() + 8;
  if (std::all_of(identifier_begin, address.octets.end(), [](std::uint8_t octet) { return octet == 0; })) return true;
  constexpr std::array<std::uint8_t, 7> kReserved{0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  return std::equal(kReserved.begin(), kReserved.end(), identifier_begin) && address.octets.back() >= 0x80;
}

}  // namespace

const MobileNodeAuthorization* HomeRegistration::mobile_node_of(const RegistrationRequest& request) const {
  return request.spi == 0 ? nullptr : parts_.authorizations.find(request.primary_home_address, request.spi);
}

// A security association speaks for its own home addresses only (RFC 6275 §10.3.1). To its owner the address is simply
// taken, so that is what the other one is told; nothing about the binding itself.
std::optional<HomeRegistration::Refusal> HomeRegistration::check_owner(const RegistrationRequest& request,
                                                                       const Binding* known) const {
  if (known == nullptr || known->state == BindingState::Deleted) return std::nullopt;
  if (known->primary_home_address == request.primary_home_address) return std::nullopt;
  if (request.asks_to_deregister())
    return Refusal{BindingStatus::NotHomeAgentForThisMobileNode, "the binding is another mobile node's"};
  return Refusal{BindingStatus::DuplicateAddressDetectionFailed, "another mobile node has the home address"};
}

std::optional<HomeRegistration::Refusal> HomeRegistration::check_registration(const RegistrationRequest& request,
                                                                              const Binding* known,
                                                                              TimePoint now) const {
  if (auto refusal = check_home_address(request, now)) return refusal;
  if ((known == nullptr || known->state != BindingState::Bound) && parts_.tunnels.contains(request.home_address))
    return Refusal{BindingStatus::NotHomeAgentForThisMobileNode, "its home agent has delegated the home address to this one"};
  if (auto refusal = check_care_of_address(request)) return refusal;
  if (auto refusal = check_resources(request, known)) return refusal;
  return check_link_local(request, known);
}

std::optional<HomeRegistration::Refusal> HomeRegistration::check_home_address(const RegistrationRequest& request,
                                                                              TimePoint now) const {
  if (parts_.prefixes.configured().empty())
    return Refusal{BindingStatus::HomeRegistrationNotSupported, "no home prefix is configured"};
  if (!parts_.prefixes.find(request.home_address, now))
    return Refusal{BindingStatus::NotHomeSubnet, "the home address is below no valid home prefix"};
  if (request.home_address == parts_.configuration.home_agent_address)
    return Refusal{BindingStatus::DuplicateAddressDetectionFailed, "the home address is the home agent's own"};
  if (is_reserved_for_anycast(request.home_address))
    return Refusal{BindingStatus::AdministrativelyProhibited, "the home address is an anycast address"};
  if (request.home_address != request.primary_home_address) {
    if (parts_.authorizations.is_primary(request.home_address))
      return Refusal{BindingStatus::AdministrativelyProhibited, "the home address is another mobile node's primary one"};
    const GivenLease* lease = parts_.leases.find(request.home_address);
    if (lease != nullptr && lease->mobile_node != request.primary_home_address)
      return Refusal{BindingStatus::DuplicateAddressDetectionFailed, "the home address was given to another mobile node"};
    const auto* mobile_node = mobile_node_of(request);
    if (mobile_node == nullptr || !mobile_node->may_allocate_home_addresses)
      return Refusal{BindingStatus::AdministrativelyProhibited, "the mobile node may use its primary home address only"};
  }
  return std::nullopt;
}

// No rule of RFC 6275 says when status 174 is due. A care-of address that is itself bound here, or is ours, would send
// tunnelled packets back to us, and two such bindings round in a circle (§15.1).
std::optional<HomeRegistration::Refusal> HomeRegistration::check_care_of_address(
    const RegistrationRequest& request) const {
  if (request.care_of_address == request.home_address)
    return Refusal{BindingStatus::InvalidCareOfAddress, "the care-of address is the home address"};
  if (request.care_of_address == parts_.configuration.home_agent_address)
    return Refusal{BindingStatus::InvalidCareOfAddress, "the care-of address is the home agent's own"};
  const Binding* other = parts_.cache.find(request.care_of_address);
  if (other != nullptr && other->state != BindingState::Deleted)
    return Refusal{BindingStatus::InvalidCareOfAddress, "the care-of address is a registered home address"};
  return std::nullopt;
}

std::optional<HomeRegistration::Refusal> HomeRegistration::check_resources(const RegistrationRequest& request,
                                                                           const Binding* known) const {
  if (known != nullptr && known->state != BindingState::Deleted) return std::nullopt;
  if (const auto* mobile_node = mobile_node_of(request)) {
    if (parts_.cache.live_count(request.primary_home_address) >= mobile_node->home_address_cap)
      return Refusal{BindingStatus::InsufficientResources, "the mobile node has as many home addresses as it may"};
    // Those that were given back are remembered for a while; going through addresses quickly must not fill the cache.
    if (known == nullptr && parts_.cache.home_addresses_of(request.primary_home_address).size() >=
                                2 * std::size_t{mobile_node->home_address_cap})
      return Refusal{BindingStatus::InsufficientResources, "the mobile node changes its home addresses too quickly"};
  }
  if (known == nullptr && parts_.cache.size() >= parts_.configuration.binding_cache_capacity)
    return Refusal{BindingStatus::InsufficientResources, "the binding cache is full"};
  return std::nullopt;
}

// With L the link-local address made from the home address is claimed too. Duplicates on the link are found by DAD; these
// are the ones that would not answer us: ourselves.
std::optional<HomeRegistration::Refusal> HomeRegistration::check_link_local(const RegistrationRequest& request,
                                                                            const Binding* known) const {
  if (!request.link_local_address_compatibility || parts_.configuration.home_interface == 0) return std::nullopt;
  if (known != nullptr && known->state == BindingState::Bound) return std::nullopt;
  const Address link_local = link_local_with_same_interface_identifier(request.home_address);
  if (link_local == link_local_with_same_interface_identifier(parts_.configuration.home_agent_address))
    return Refusal{BindingStatus::DuplicateAddressDetectionFailed, "the link-local address would be the home agent's"};
  for (const Address& other : parts_.defence.home_addresses_with(link_local)) {
    const Binding* binding = parts_.cache.find_bound(other);
    if (binding != nullptr && binding->primary_home_address != request.primary_home_address)
      return Refusal{BindingStatus::DuplicateAddressDetectionFailed, "another mobile node has the link-local address"};
  }
  return std::nullopt;
}

bool HomeRegistration::configuration_allows(const Binding& binding, TimePoint now) const {
  RegistrationRequest request;
  request.home_address = binding.home_address;
  request.care_of_address = binding.care_of_address;
  request.primary_home_address = binding.primary_home_address;
  request.spi = binding.spi;
  if (binding.spi == 0) {
    if (!parts_.configuration.accept_unauthenticated_insecure) return false;
    if (parts_.authorizations.is_primary(binding.home_address)) return false;
  } else if (mobile_node_of(request) == nullptr) {
    return false;
  }
  return !check_home_address(request, now) &&
         binding.care_of_address != parts_.configuration.home_agent_address;
}

}  // namespace mipflow::home_agent
