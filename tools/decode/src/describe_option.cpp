// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "describe.hpp"
#include "mipflow/wire/authentication.hpp"

namespace mipflow::tools {

namespace {

// IANA "Mobility Options". The ones without a decoder here are shown by name and octets.
struct KnownType {
  std::uint8_t type;
  const char* name;
  const char* title;
};
constexpr KnownType kKnownTypes[] = {
    {6, "mobile-network-prefix", "Mobile Network Prefix (RFC 3963)"},
    {7, "link-layer-address", "Link-Layer Address (RFC 5568)"},
    {11, "cga-parameters-request", "CGA Parameters Request (RFC 4866)"},
    {12, "cga-parameters", "CGA Parameters (RFC 4866)"},
    {13, "signature", "Signature (RFC 4866)"},
    {14, "permanent-home-keygen-token", "Permanent Home Keygen Token (RFC 4866)"},
    {15, "care-of-test-init", "Care-of Test Init (RFC 4866)"},
    {16, "care-of-test", "Care-of Test (RFC 4866)"},
    {17, "dns-update", "DNS Update (RFC 5026)"},
    {18, "experimental", "Experimental (RFC 5096)"},
    {19, "vendor-specific", "Vendor Specific (RFC 5094)"},
    {20, "service-selection", "Service Selection (RFC 5149)"},
    {29, "ipv4-home-address", "IPv4 Home Address (RFC 5555)"},
    {30, "ipv4-address-acknowledgement", "IPv4 Address Acknowledgement (RFC 5555)"},
    {31, "nat-detection", "NAT Detection (RFC 5555)"},
    {32, "ipv4-care-of-address", "IPv4 Care-of Address (RFC 5555)"},
    {35, "binding-identifier", "Binding Identifier (RFC 5648)"},
    {44, "flow-summary", "Flow Summary (RFC 6089)"},
    {45, "flow-identification", "Flow Identification (RFC 6089)"},
};

struct OptionDescriber {
  Item operator()(const wire::BindingRefreshAdvice& option) const {
    const unsigned seconds = option.interval_units * 4u;
    return {2, "binding-refresh-advice", "Binding Refresh Advice",
            {field("interval_units", option.interval_units, ""), field("interval_seconds", seconds, fmt::format("interval {} s", seconds))}};
  }
  Item operator()(const wire::AlternateCareOfAddress& option) const {
    return {3, "alternate-care-of-address", "Alternate Care-of Address", {field("care_of_address", to_string(option.care_of_address), to_string(option.care_of_address))}};
  }
  Item operator()(const wire::NonceIndices& option) const {
    return {4, "nonce-indices", "Nonce Indices",
            {field("home_nonce_index", option.home_nonce_index), field("care_of_nonce_index", option.care_of_nonce_index)}};
  }
  Item operator()(const wire::BindingAuthorizationData& option) const {
    return {5, "binding-authorization-data", "Binding Authorization Data", {field("authenticator", hex_digits(option.authenticator))}};
  }
  Item operator()(const wire::MobileNodeIdentifier& option) const {
    Item item{8, "mobile-node-identifier", "Mobile Node Identifier", {field("subtype", option.subtype)}};
    if (option.subtype == wire::MobileNodeIdentifier::kNai)
      item.fields.push_back(field("network_access_identifier", printable(option.identifier)));
    else
      item.fields.push_back(field("identifier", hex_digits(option.identifier)));
    return item;
  }
  Item operator()(const wire::MessageAuthentication& option) const {
    const char* kind = option.subtype == wire::MessageAuthentication::kMobileNodeHomeAgent ? " (mobile node - home agent)"
                       : option.subtype == wire::MessageAuthentication::kMobileNodeAaa     ? " (mobile node - AAA)"
                                                                                           : "";
    return {9, "message-authentication", "Mobility Message Authentication",
            {field("subtype", option.subtype, fmt::format("subtype {}{}", option.subtype, kind)),
             field("spi", option.spi, fmt::format("SPI {}", option.spi)),
             field("authenticator", hex_digits(option.authenticator))}};
  }
  Item operator()(const wire::ReplayProtection& option) const {
    return {10, "replay-protection", "Replay Protection",
            {field("ntp_timestamp", hex_number(option.ntp_timestamp, 16)),
             field("time", utc(wire::wall_of_ntp(option.ntp_timestamp)))}};
  }
  Item operator()(const wire::UnknownOption& option) const {
    const auto* known = std::ranges::find(kKnownTypes, option.type, &KnownType::type);
    Item item{option.type, "unknown", fmt::format("unknown option {}", option.type), {}};
    if (known != std::end(kKnownTypes)) {
      item.name = known->name;
      item.title = known->title;
    }
    item.fields.push_back(field("data", hex_digits(option.data), fmt::format("{} octets {}", option.data.size(), hex_digits(option.data))));
    return item;
  }

  static std::string utc(Duration wall) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(wall);
    const auto days = std::chrono::floor<std::chrono::days>(seconds);
    const std::chrono::year_month_day date{std::chrono::sys_days{days}};
    const std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::microseconds>(wall - days)};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                       time.minutes().count(), time.seconds().count(), time.subseconds().count());
  }
};

}  // namespace

Item describe(const wire::MobilityOption& option) { return std::visit(OptionDescriber{}, option); }

}  // namespace mipflow::tools
