// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>

#include "describe.hpp"
#include "describe_forwarding.hpp"
#include "mipflow/wire/checksum.hpp"

namespace mipflow::tools {

namespace {

// Deeper than any real nesting; each level is a call of describe_at().
constexpr unsigned kDeepestTunnel = 8;

// What the packet is looked at with, and how deep we are.
struct Look {
  std::uint16_t forwarding_port;
  unsigned depth = 0;
  Look deeper() const { return {forwarding_port, depth + 1}; }
};

Report describe_at(BytesView packet, Look look);

// Home and care-of address: from the headers, and from the message where it says more.
struct AddressesOf {
  Report& report;

  void operator()(const wire::HomeTestInit&) const {
    if (!report.home_address) report.home_address = report.source;
  }
  void operator()(const wire::HomeTest&) const {
    if (!report.home_address) report.home_address = report.destination;
  }
  void operator()(const wire::CareOfTestInit&) const { report.care_of_address = report.source; }
  void operator()(const wire::CareOfTest&) const { report.care_of_address = report.destination; }
  void operator()(const wire::BindingRefreshRequest&) const {
    if (!report.home_address) report.home_address = report.destination;
  }
  void operator()(const wire::BindingUpdate& update) const {
    if (!report.home_address) report.home_address = report.source;
    const auto* alternate = wire::find_option<wire::AlternateCareOfAddress>(update.options);
    if (alternate != nullptr) report.care_of_address = alternate->care_of_address;
  }
  void operator()(const wire::BindingAcknowledgement&) const {
    if (!report.home_address) report.home_address = report.destination;
  }
  // Always with a Home Address option or a type 2 routing header, which say both.
  void operator()(const wire::AgentServiceMessage&) const {}
  void operator()(const wire::BindingError& error) const {
    if (!error.home_address.is_unspecified()) report.home_address = error.home_address;
  }
};

void take_headers(Report& report, const wire::PacketView& view) {
  report.has_addresses = true;
  report.source = view.source;
  report.destination = view.destination;
  report.home_address_option = view.home_address_option;
  report.routing_header_home_address = view.routing_header_home_address;
  report.protocol = view.protocol;
  // Between two mobile nodes both are there; the sender's is the one that the packet is sent for.
  if (view.home_address_option) {
    report.home_address = view.home_address_option;
    report.care_of_address = view.source;
  } else if (view.routing_header_home_address) {
    report.home_address = view.routing_header_home_address;
    report.care_of_address = view.destination;
  }
}

// Of the Mobility Header, or of ICMPv6; nullopt when there are too few octets for one.
std::optional<Checksum> checksum_of(const wire::PacketView& view) {
  const bool is_mobility_header = view.protocol == kProtocolMobilityHeader;
  const std::size_t field_offset = is_mobility_header ? 4 : 2;
  BytesView covered = view.payload;
  if (covered.size() < 8 || view.truncated) return std::nullopt;
  if (is_mobility_header) {
    const std::size_t length = (std::size_t{covered[1]} + 1) * 8;
    if (length > covered.size()) return std::nullopt;
    covered = covered.first(length);
  }
  Writer without;
  without.bytes(covered);
  without.patch_u16(field_offset, 0);
  Reader field_reader(covered.subspan(field_offset));
  return Checksum{field_reader.u16(),
                  wire::upper_layer_checksum(view.protocol, view.logical_source(), view.logical_destination(), without.view()),
                  view.logical_source(), view.logical_destination()};
}

// What an invalid Mobility Header would say if its checksum were right, so that a report of a broken sender shows more
// than "wrong"; at least its type.
std::optional<Message> message_of_broken_header(const wire::PacketView& view) {
  if (view.payload.size() < 8) return std::nullopt;
  const std::size_t length = std::min(view.payload.size(), (std::size_t{view.payload[1]} + 1) * 8);
  Bytes header(view.payload.begin(), view.payload.begin() + static_cast<std::ptrdiff_t>(length));
  wire::fill_checksum(header, view.logical_source(), view.logical_destination());
  const auto decoded = wire::decode_mobility_header(header, view.logical_source(), view.logical_destination());
  return decoded ? describe(*decoded) : describe_unknown_mobility_type(header[2]);
}

bool is_mobile_icmpv6(std::uint8_t type) {
  return type >= wire::kIcmpv6HomeAgentAddressDiscoveryRequest && type <= wire::kIcmpv6MobilePrefixAdvertisement;
}

void add_expected_checksum(Report& report) {
  if (report.problem && report.checksum && !report.checksum->right())
    report.problem->explanation += fmt::format("; it is {} and should be {}", hex_number(report.checksum->value, 4),
                                               hex_number(report.checksum->expected, 4));
}

void describe_signalling(Report& report, const wire::SignallingPacket& packet, Look look) {
  if (const auto* message = std::get_if<wire::MobilityMessage>(&packet.message)) {
    report.message = describe(*message);
    std::visit(AddressesOf{report}, *message);
    report.is_signalling = true;
  } else {
    const auto& icmpv6 = std::get<wire::Icmpv6Message>(packet.message);
    report.message = describe(icmpv6);
    report.is_signalling = is_mobile_icmpv6(packet.view.payload[0]);
    if (const auto* advertisement = std::get_if<wire::RouterAdvertisement>(&icmpv6))
      report.is_signalling = advertisement->home_agent;
    if (const auto* error = std::get_if<wire::Icmpv6Error>(&icmpv6); error != nullptr && look.depth < kDeepestTunnel) {
      report.quoted = std::make_unique<Report>(describe_at(error->invoking_packet, look.deeper()));
      report.is_signalling = report.quoted->is_mobile_ipv6;
    }
  }
  report.problem = broken_rule(packet);
}

Report describe_at(BytesView packet, Look look) {
  Report report;
  report.length = packet.size();
  const auto view = wire::parse_packet(packet);
  report.headers_are_readable = view.has_value();
  if (!view) {
    report.problem = Problem{to_string(view.error().kind), view.error().offset, explain(view.error().kind)};
    // The addresses help to find the sender even where the headers behind them are broken.
    Reader reader(packet);
    reader.skip(8);
    report.source = reader.address();
    report.destination = reader.address();
    report.has_addresses = !reader.failed() && view.error().kind != wire::DecodeErrorKind::NotIpv6;
    report.is_mobile_ipv6 = view.error().kind == wire::DecodeErrorKind::HomeAddressOptionWrong ||
                            view.error().kind == wire::DecodeErrorKind::RoutingHeaderWrong;
    return report;
  }

  take_headers(report, *view);
  const bool is_fragment = view->more_fragments || view->fragment_offset.value_or(0) != 0;
  const bool has_checksum = view->protocol == kProtocolMobilityHeader || view->protocol == kProtocolIcmpv6;
  if (has_checksum && !is_fragment) report.checksum = checksum_of(*view);

  const auto signalling = wire::decode_packet(packet);
  if (signalling) {
    describe_signalling(report, *signalling, look);
  } else if (signalling.error().kind != wire::DecodeErrorKind::NotMobileIpv6) {
    const wire::DecodeError& error = signalling.error();
    report.problem = Problem{to_string(error.kind), error.offset, explain(error.kind)};
    report.is_signalling = view->protocol == kProtocolMobilityHeader ||
                           (!view->payload.empty() && is_mobile_icmpv6(view->payload[0]));
    if (view->protocol == kProtocolMobilityHeader) report.message = message_of_broken_header(*view);
    add_expected_checksum(report);
  } else if (auto forwarding = describe_forwarding(*view, look.forwarding_port)) {
    report.message = std::move(forwarding->message);
    report.checksum = forwarding->checksum;
    report.problem = std::move(forwarding->problem);
    report.is_signalling = true;
    add_expected_checksum(report);
  } else {
    report.problem = broken_rule(*view);
    if (view->protocol == kProtocolIpv6 && !is_fragment && look.depth < kDeepestTunnel)
      report.inner = std::make_unique<Report>(describe_at(view->payload, look.deeper()));
  }
  if (report.inner) report.is_signalling = report.inner->is_signalling;
  report.is_mobile_ipv6 = report.is_signalling || report.inner || view->home_address_option || view->routing_header_home_address;
  return report;
}

}  // namespace

Report describe_packet(BytesView packet, std::uint16_t forwarding_port) { return describe_at(packet, {forwarding_port}); }

}  // namespace mipflow::tools
