// SPDX-License-Identifier: GPL-3.0-or-later
#include "acknowledgement_reaction.hpp"

namespace mipflow::mobile_node {

Reaction reaction_to(wire::BindingStatus status, bool releasing) {
  switch (status) {
    case wire::BindingStatus::Accepted: return Reaction::Accept;
    case wire::BindingStatus::AcceptedPrefixDiscoveryNecessary: return Reaction::AcceptAndSolicitPrefixes;
    case wire::BindingStatus::ReasonUnspecified:
    case wire::BindingStatus::InsufficientResources:
    // Only correspondent nodes know nonces; from a home agent these mean nothing.
    case wire::BindingStatus::ExpiredHomeNonceIndex:
    case wire::BindingStatus::ExpiredCareOfNonceIndex:
    case wire::BindingStatus::ExpiredNonces: return Reaction::RetrySoon;
    case wire::BindingStatus::NotHomeAgentForThisMobileNode:
      return releasing ? Reaction::AlreadyReleased : Reaction::RetryLate;
    case wire::BindingStatus::AdministrativelyProhibited:
    case wire::BindingStatus::HomeRegistrationNotSupported:
    case wire::BindingStatus::NotHomeSubnet:
    case wire::BindingStatus::RegistrationTypeChangeDisallowed:
    case wire::BindingStatus::MobileRouterOperationNotPermitted: return Reaction::RetryLate;
    case wire::BindingStatus::DuplicateAddressDetectionFailed: return Reaction::AbandonAddress;
    case wire::BindingStatus::SequenceNumberOutOfWindow: return Reaction::Resynchronise;
    case wire::BindingStatus::MipV6IdMismatch: return Reaction::AdjustClock;
    case wire::BindingStatus::MipV6MesgIdReqd:
    case wire::BindingStatus::MipV6AuthFail: return Reaction::RetrySeldom;
    case wire::BindingStatus::InvalidCareOfAddress: return Reaction::AvoidCareOfAddress;
  }
  return wire::accepts(status) ? Reaction::Accept : Reaction::RetrySoon;
}

const char* advice_about(wire::BindingStatus status) {
  switch (status) {
    case wire::BindingStatus::AdministrativelyProhibited:
      return "let the home agent's operator allow this mobile node";
    case wire::BindingStatus::InsufficientResources:
      return "raise the cap of this mobile node at the home agent, or lower cap in [home-addresses]";
    case wire::BindingStatus::HomeRegistrationNotSupported:
      return "check home-agent: the node there is no home agent";
    case wire::BindingStatus::NotHomeSubnet:
      return "check home-prefix and home-address against the home agent's prefixes";
    case wire::BindingStatus::NotHomeAgentForThisMobileNode:
      return "check home-agent, and that the configuration there names this mobile node";
    case wire::BindingStatus::DuplicateAddressDetectionFailed:
      return "another node on the home link has the address; configure another one";
    case wire::BindingStatus::RegistrationTypeChangeDisallowed:
      return "the home agent holds a binding of another kind, which has to expire or be removed there";
    case wire::BindingStatus::MipV6MesgIdReqd:
      return "let the home agent accept the timestamp option of RFC 4285";
    case wire::BindingStatus::MipV6AuthFail:
      return "check that key and SPI are the same at the home agent";
    case wire::BindingStatus::Accepted:
    case wire::BindingStatus::AcceptedPrefixDiscoveryNecessary:
    case wire::BindingStatus::ReasonUnspecified:
    case wire::BindingStatus::SequenceNumberOutOfWindow:
    case wire::BindingStatus::ExpiredHomeNonceIndex:
    case wire::BindingStatus::ExpiredCareOfNonceIndex:
    case wire::BindingStatus::ExpiredNonces:
    case wire::BindingStatus::MobileRouterOperationNotPermitted:
    case wire::BindingStatus::MipV6IdMismatch:
    case wire::BindingStatus::InvalidCareOfAddress: break;
  }
  return "";
}

}  // namespace mipflow::mobile_node
