// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include "describe.hpp"
#include "mipflow/base/flow_key.hpp"
#include "report.hpp"

namespace mipflow::tools {

namespace {

std::string upper_layer(std::uint8_t protocol) {
  constexpr std::uint8_t kEsp = 50;
  switch (protocol) {
    case kProtocolTcp: return "TCP data";
    case kProtocolUdp: return "UDP data";
    case kProtocolIcmpv6: return "ICMPv6";
    case kProtocolSctp: return "SCTP data";
    case kProtocolMobilityHeader: return "Mobility Header";
    case kEsp: return "ESP";
    default: return fmt::format("data of protocol {}", protocol);
  }
}

std::string title_of(const Report& report) {
  if (report.message) return report.message->item.title;
  if (report.inner) return "IPv6 in IPv6";
  if (!report.has_addresses) return "no IPv6 packet";
  if (!report.headers_are_readable) return "unreadable headers";
  return upper_layer(report.protocol);
}

// What brought the packet's home addresses, because tools that overlook it call the checksum wrong.
std::string headers_of(const Report& report) {
  std::string out;
  if (report.routing_header_home_address) out += ", type 2 routing header";
  if (report.home_address_option) out += ", Home Address option";
  return out;
}

std::string text_of(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& field : fields) {
    if (field.text.empty()) continue;
    out += (out.empty() ? "" : ", ") + field.text;
  }
  return out;
}

std::string checksum_line(const Report& report) {
  const Checksum& checksum = *report.checksum;
  std::string out = fmt::format("checksum {} ", hex_number(checksum.value, 4));
  out += checksum.right() ? "right" : fmt::format("WRONG, should be {},", hex_number(checksum.expected, 4));
  if (report.home_address_option) out += fmt::format(" over source {}", to_string(checksum.source));
  if (report.home_address_option && report.routing_header_home_address) out += " and";
  if (report.routing_header_home_address) out += fmt::format(" over destination {}", to_string(checksum.destination));
  return out;
}

void add_report(std::string& out, const Report& report, const std::string& indent) {
  const auto line = [&](const std::string& text) { out += indent + text + '\n'; };
  if (report.has_addresses) {
    line(fmt::format("{} -> {}{}", to_string(report.source), to_string(report.destination), headers_of(report)));
    std::string bindings;
    if (report.home_address) bindings += "home address " + to_string(*report.home_address);
    if (report.care_of_address)
      bindings += (bindings.empty() ? "" : ", ") + ("care-of address " + to_string(*report.care_of_address));
    if (!bindings.empty()) line(bindings);
  }
  if (report.message) {
    const std::string fields = text_of(report.message->item.fields);
    if (!fields.empty()) line(fields);
    for (const Item& option : report.message->options)
      line(fmt::format("option {}{}{}", option.title, option.fields.empty() ? "" : ": ", text_of(option.fields)));
    for (const Record& record : report.message->records) line(text_of(record.fields));
  }
  if (report.checksum) line(checksum_line(report));
  if (report.problem)
    line(fmt::format("INVALID {} at octet {}: {}", report.problem->kind, report.problem->offset, report.problem->explanation));
  if (report.inner) {
    line(fmt::format("inside: {} ({} octets)", title_of(*report.inner), report.inner->length));
    add_report(out, *report.inner, indent + "    ");
  }
  if (report.quoted) {
    line(fmt::format("about: {} ({} octets of it)", title_of(*report.quoted), report.quoted->length));
    add_report(out, *report.quoted, indent + "    ");
  }
}

}  // namespace

std::string to_text(const Report& report, const Origin& origin) {
  std::string out = fmt::format("#{}", origin.number);
  if (origin.time) out += "  " + *origin.time;
  out += fmt::format("  {} ({} octets)", title_of(report), report.length);
  if (!origin.carried_in.empty()) out += " in " + origin.carried_in;
  out += '\n';
  add_report(out, report, "    ");
  return out;
}

}  // namespace mipflow::tools
