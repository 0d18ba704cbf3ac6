// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/error.hpp"

namespace mipflow::wire {

const char* to_string(MobilityType type) {
  switch (type) {
    case MobilityType::BindingRefreshRequest: return "binding-refresh-request";
    case MobilityType::HomeTestInit: return "home-test-init";
    case MobilityType::CareOfTestInit: return "care-of-test-init";
    case MobilityType::HomeTest: return "home-test";
    case MobilityType::CareOfTest: return "care-of-test";
    case MobilityType::BindingUpdate: return "binding-update";
    case MobilityType::BindingAcknowledgement: return "binding-acknowledgement";
    case MobilityType::BindingError: return "binding-error";
    case MobilityType::Experimental: return "experimental";
  }
  return "unknown";
}

std::string to_string(BindingStatus status) {
  switch (status) {
    case BindingStatus::Accepted: return "accepted";
    case BindingStatus::AcceptedPrefixDiscoveryNecessary: return "accepted-prefix-discovery-necessary";
    case BindingStatus::ReasonUnspecified: return "reason-unspecified";
    case BindingStatus::AdministrativelyProhibited: return "administratively-prohibited";
    case BindingStatus::InsufficientResources: return "insufficient-resources";
    case BindingStatus::HomeRegistrationNotSupported: return "home-registration-not-supported";
    case BindingStatus::NotHomeSubnet: return "not-home-subnet";
    case BindingStatus::NotHomeAgentForThisMobileNode: return "not-home-agent-for-this-mobile-node";
    case BindingStatus::DuplicateAddressDetectionFailed: return "duplicate-address-detection-failed";
    case BindingStatus::SequenceNumberOutOfWindow: return "sequence-number-out-of-window";
    case BindingStatus::ExpiredHomeNonceIndex: return "expired-home-nonce-index";
    case BindingStatus::ExpiredCareOfNonceIndex: return "expired-care-of-nonce-index";
    case BindingStatus::ExpiredNonces: return "expired-nonces";
    case BindingStatus::RegistrationTypeChangeDisallowed: return "registration-type-change-disallowed";
    case BindingStatus::MobileRouterOperationNotPermitted: return "mobile-router-operation-not-permitted";
    case BindingStatus::MipV6IdMismatch: return "mipv6-id-mismatch";
    case BindingStatus::MipV6MesgIdReqd: return "mipv6-mesg-id-reqd";
    case BindingStatus::MipV6AuthFail: return "mipv6-auth-fail";
    case BindingStatus::InvalidCareOfAddress: return "invalid-care-of-address";
  }
  return "status-" + std::to_string(static_cast<unsigned>(status));
}

std::string to_string(BindingErrorStatus status) {
  switch (status) {
    case BindingErrorStatus::UnknownBinding: return "unknown-binding";
    case BindingErrorStatus::UnrecognizedMobilityType: return "unrecognized-mobility-type";
  }
  return "status-" + std::to_string(static_cast<unsigned>(status));
}

const char* to_string(DecodeErrorKind kind) {
  switch (kind) {
    case DecodeErrorKind::Truncated: return "truncated";
    case DecodeErrorKind::ChecksumWrong: return "checksum-wrong";
    case DecodeErrorKind::UnknownMobilityType: return "unknown-mobility-type";
    case DecodeErrorKind::PayloadProtoWrong: return "payload-proto-wrong";
    case DecodeErrorKind::HeaderLenTooSmall: return "header-len-too-small";
    case DecodeErrorKind::OptionOverrun: return "option-overrun";
    case DecodeErrorKind::OptionLengthWrong: return "option-length-wrong";
    case DecodeErrorKind::ServiceBodyWrong: return "service-body-wrong";
    case DecodeErrorKind::OptionMisplaced: return "option-misplaced";
    case DecodeErrorKind::HomeAddressOptionWrong: return "home-address-option-wrong";
    case DecodeErrorKind::RoutingHeaderWrong: return "routing-header-wrong";
    case DecodeErrorKind::NeighborDiscoveryWrong: return "neighbor-discovery-wrong";
    case DecodeErrorKind::NotIpv6: return "not-ipv6";
    case DecodeErrorKind::NotMobileIpv6: return "not-mobile-ipv6";
  }
  return "unknown";
}

}  // namespace mipflow::wire
