// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>

#include <algorithm>

#include "describe.hpp"

namespace mipflow::tools {

std::string explain(wire::DecodeErrorKind kind) {
  using Kind = wire::DecodeErrorKind;
  switch (kind) {
    case Kind::Truncated: return "the packet ends here, in the middle of a header or message; a receiver drops it silently";
    case Kind::ChecksumWrong: return "the checksum does not fit; a receiver drops it silently (RFC 6275 §9.2)";
    case Kind::UnknownMobilityType:
      return "no message of RFC 6275 has this MH Type; a receiver drops it and answers with a Binding Error of status 2 (§9.2)";
    case Kind::PayloadProtoWrong:
      return "Payload Proto is not 59; a receiver drops it and answers with an ICMPv6 Parameter Problem, code 0, that points "
             "here (RFC 6275 §9.2)";
    case Kind::HeaderLenTooSmall:
      return "Header Len is too small for this MH Type; a receiver drops it and answers with an ICMPv6 Parameter Problem, "
             "code 0, that points here (RFC 6275 §9.2)";
    case Kind::OptionOverrun: return "the option with this length runs past the end of its header; a receiver drops the packet";
    case Kind::OptionLengthWrong: return "the definition of this option does not allow this length; a receiver drops the packet";
    case Kind::ServiceBodyWrong:
      return "the body of the address and policy service's message is longer than its header, or shorter than what it says; "
             "a receiver drops the packet silently";
    case Kind::OptionMisplaced:
      return "something follows Binding Authorization Data, which has to be the last option (RFC 6275 §6.2.7); a receiver "
             "drops the packet silently";
    case Kind::HomeAddressOptionWrong:
      return "the Home Address option has a wrong length, stands behind a Fragment header or is there twice (RFC 6275 §6.3); "
             "a receiver drops the packet";
    case Kind::RoutingHeaderWrong:
      return "a type 2 routing header has Hdr Ext Len 2 and Segments Left 1 and is there once (RFC 6275 §6.4); a receiver "
             "drops the packet silently";
    case Kind::NeighborDiscoveryWrong:
      return "this can not be in a valid neighbour discovery packet (RFC 4861 §6.1, §7.1: hop limit 255, code 0, whole "
             "options, targets and flags that fit the addresses); a receiver drops it silently";
    case Kind::NotIpv6: return "there is no IPv6 header here";
    case Kind::NotMobileIpv6: return "nothing that Mobile IPv6 defines";
  }
  return "unknown error";
}

Field field(std::string name, nlohmann::ordered_json value) {
  std::string text = name;
  std::ranges::replace(text, '_', ' ');
  if (const std::size_t at = text.find("care of"); at != std::string::npos) text[at + 4] = '-';
  text += " " + (value.is_string() ? value.get<std::string>() : value.dump());
  return {std::move(name), std::move(value), std::move(text)};
}

Field field(std::string name, const Address& value) { return field(std::move(name), nlohmann::ordered_json(to_string(value))); }

Field field(std::string name, nlohmann::ordered_json value, std::string text) {
  return {std::move(name), std::move(value), std::move(text)};
}

std::string hex_number(std::uint64_t value, int digits) { return fmt::format("0x{:0{}x}", value, digits); }

std::string hex_digits(BytesView bytes) { return fmt::format("{:02x}", fmt::join(bytes, "")); }

std::string printable(BytesView bytes) {
  std::string out;
  for (const std::uint8_t octet : bytes) {
    if (octet >= 0x20 && octet < 0x7f && octet != '\\')
      out += static_cast<char>(octet);
    else
      out += fmt::format("\\x{:02x}", octet);
  }
  return out;
}

}  // namespace mipflow::tools
