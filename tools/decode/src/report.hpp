// SPDX-License-Identifier: GPL-3.0-or-later
// What there is to say about one packet, before it becomes text or JSON.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"

namespace mipflow::tools {

// One value of a message or option: for JSON `name` and `value`, for humans `text`, which says both.
struct Field {
  std::string name;
  nlohmann::ordered_json value;
  std::string text;
};

// A message or an option: its number on the wire, the name that scripts see, the title that humans see.
struct Item {
  unsigned type = 0;
  std::string name;
  std::string title;
  std::vector<Field> fields{};
};

// One of several entries of a message that are all of the same kind.
struct Record {
  std::vector<Field> fields{};
};

struct Message {
  const char* protocol;  // "mobility-header", "icmpv6" or "load-sharing"
  Item item;
  std::vector<Item> options{};    // not of "load-sharing"
  std::vector<Record> records{};  // of "load-sharing" alone
};

// `offset`: from the start of the IPv6 header of the packet that the report is about.
struct Problem {
  std::string kind;
  std::size_t offset;
  std::string explanation;
};

struct Checksum {
  std::uint16_t value;     // as received
  std::uint16_t expected;
  Address source;          // of the pseudo-header
  Address destination;
  bool right() const { return value == expected; }
};

struct Report {
  std::size_t length = 0;
  std::optional<Problem> problem{};
  // The IPv6 header was there; what follows means something only then.
  bool has_addresses = false;
  bool headers_are_readable = false;  // up to the upper layer, whose number is `protocol`
  Address source{};
  Address destination{};
  std::optional<Address> home_address_option{};
  std::optional<Address> routing_header_home_address{};
  std::optional<Address> home_address{};     // whose flow or binding the packet is about
  std::optional<Address> care_of_address{};  // where that home address is, or wants to be, reached
  std::uint8_t protocol = 59;
  std::optional<Message> message{};
  std::optional<Checksum> checksum{};
  std::unique_ptr<Report> inner{};    // the packet in the tunnel
  std::unique_ptr<Report> quoted{};   // the packet that an ICMPv6 error is about, as much of it as the error has

  // Nothing is wrong with the packet nor with the one in the tunnel. A quoted packet may be wrong: that is often what
  // the error is about.
  bool valid() const { return !problem && (!inner || inner->valid()); }
  // Signalling of Mobile IPv6, here or in the tunnel.
  bool is_signalling = false;
  // Signalling, or data with a Home Address option or type 2 routing header or in a tunnel.
  bool is_mobile_ipv6 = false;
};

// Where the packet came from. Left empty for hex digits.
struct Origin {
  std::uint64_t number = 0;             // counted from 1, of all packets that were read
  std::optional<std::string> time{};    // UTC
  std::string carried_in{};             // what was taken off outside of the IPv6 header
};

// `packet` from its IPv6 header on. `forwarding_port`: UDP, between home agents that share the load.
Report describe_packet(BytesView packet, std::uint16_t forwarding_port);

std::string to_json(const Report& report, const Origin& origin);
std::string to_text(const Report& report, const Origin& origin);

// Printable ASCII as it is, everything else as \xNN: names come from the network and go to terminals.
std::string printable(BytesView bytes);
std::string hex_digits(BytesView bytes);

}  // namespace mipflow::tools
