// SPDX-License-Identifier: GPL-3.0-or-later
#include "match_reader.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "policy_quantities.hpp"

namespace mipflow::flow_separator {
namespace {

constexpr std::uint32_t kLargestFlowLabel = 0xfffff;
// 2^32-1 means "nobody" to the kernel.
constexpr std::uint32_t kLargestId = std::numeric_limits<std::uint32_t>::max() - 1;

template <class Value>
Range<Value> single(Value value) {
  return {value, value};
}

template <class Value>
Range<Value> narrowed(const Range<std::uint32_t>& range) {
  return {static_cast<Value>(range.first), static_cast<Value>(range.last)};
}

// A number, a range of numbers or a name.
Parsed<Range<std::uint8_t>> named_number(const toml::node& element, std::uint32_t largest,
                                         Parsed<std::uint8_t> (*parse)(std::string_view), const char* expected) {
  if (element.is_string()) {
    const std::string& text = element.as_string()->get();
    if (const auto range = parse_number_range(text, largest)) {
      if (!*range) return Unexpected{range->error()};
      return narrowed<std::uint8_t>(**range);
    }
    const auto number = parse(text);
    if (!number) return Unexpected{number.error()};
    return single(*number);
  }
  if (const auto number = integer(element, largest)) return single(static_cast<std::uint8_t>(*number));
  return Unexpected{std::string("expected ") + expected + ", found " + describe(element)};
}

Parsed<Range<std::uint16_t>> port_range(const toml::node& element) {
  if (element.is_string()) return parse_port_range(element.as_string()->get());
  if (const auto number = integer(element, 65'535)) return single(static_cast<std::uint16_t>(*number));
  return Unexpected{"expected a port 0-65535 or a range like \"1024-2047\", found " + describe(element)};
}

Parsed<Range<std::uint32_t>> flow_label(const toml::node& element) {
  if (element.is_string())
    if (const auto range = parse_number_range(element.as_string()->get(), kLargestFlowLabel)) return *range;
  if (const auto number = integer(element, kLargestFlowLabel)) return single(*number);
  return Unexpected{"expected a flow label 0-0xfffff, found " + describe(element)};
}

// The sets of extension headers that have this one.
std::vector<Range<std::uint8_t>> sets_with(ExtensionHeader header) {
  std::vector<Range<std::uint8_t>> out;
  for (std::uint8_t set = 0; set < kExtensionHeaderSets; ++set)
    if ((set & static_cast<std::uint8_t>(header)) != 0) out.push_back(single(set));
  return out;
}

}  // namespace

void MatchReader::read_match(const toml::node& node, FlowMatch& match) {
  if (const toml::table* table = node.as_table()) return read(*table, "[class.match]", match);
  fail(node, "\"match\" has to be a table written as [class.match], found " + describe(node));
}

void MatchReader::read_exceptions(const toml::node& node, std::vector<FlowMatch>& exceptions) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return read_exception(node, exceptions);
  for (const toml::node& element : *list) read_exception(element, exceptions);
}

void MatchReader::read_exception(const toml::node& node, std::vector<FlowMatch>& exceptions) {
  const toml::table* table = node.as_table();
  if (table == nullptr)
    return fail(node, "\"except\" has to be a table written as [class.except] or a list of tables, found " + describe(node));
  if (table->empty()) return fail(node, "\"except\" without a key would except every flow; say which ones");
  if (draft_.volume.exceptions >= Policy::kMaxClasses)
    return fail(node, "too many exceptions; at most " + std::to_string(Policy::kMaxClasses) + " are possible");
  ++draft_.volume.exceptions;
  read(*table, "[class.except]", exceptions.emplace_back());
}

void MatchReader::read(const toml::table& table, std::string_view where, FlowMatch& match) {
  refuse_unknown_keys(table, kMatchKeys, where);
  read_packet(table, match);
  read_owner(table, match);
  read_times(table, match);
  refuse_what_never_matches(table, match);
}

void MatchReader::read_packet(const toml::table& table, FlowMatch& match) {
  read_values(table, "protocol", match.protocols, [](const toml::node& element) -> Parsed<Range<std::uint8_t>> {
    return named_number(element, 255, parse_protocol, "a protocol like \"udp\" or a number 0-255");
  });
  read_values(table, "peer", match.peers, [](const toml::node& element) -> Parsed<Range<Address>> {
    if (element.is_string()) return parse_peer(element.as_string()->get());
    return Unexpected{"expected an IPv6 prefix or address as a text, found " + describe(element)};
  });
  read_values(table, "port", match.ports, port_range);
  read_values(table, "local-port", match.local_ports, port_range);
  read_values(table, "dscp", match.dscps, [](const toml::node& element) -> Parsed<Range<std::uint8_t>> {
    return named_number(element, 63, parse_dscp, "a DSCP like \"ef\" or a number 0-63");
  });
  read_values(table, "flow-label", match.flow_labels, flow_label);
  read_values(table, "icmp-type", match.icmp_types, [](const toml::node& element) -> Parsed<Range<std::uint8_t>> {
    return named_number(element, 255, parse_icmp_type, "an ICMPv6 type like \"echo-request\" or a number 0-255");
  });
  std::vector<ExtensionHeader> headers;
  read_values(table, "extension-header", headers, [](const toml::node& element) -> Parsed<ExtensionHeader> {
    if (element.is_string()) return parse_extension_header(element.as_string()->get());
    return Unexpected{"expected an extension header like \"routing\", found " + describe(element)};
  });
  for (const ExtensionHeader header : headers) {
    const auto sets = sets_with(header);
    match.extension_headers.insert(match.extension_headers.end(), sets.begin(), sets.end());
  }
}

void MatchReader::read_owner(const toml::table& table, FlowMatch& match) {
  const bool of_user = file_.layer == PolicyLayer::User;
  read_values(table, "user", match.users, [&](const toml::node& element) {
    return of_user ? read_own_user(element) : read_id(element, "user", names_.user);
  });
  if (const toml::node* group = table.get("group"); group != nullptr && of_user)
    fail(*group, "\"group\" can only stand in files of the operator and the network");
  else
    read_values(table, "group", match.groups,
                [&](const toml::node& element) { return read_id(element, "group", names_.group); });
  read_texts(table, "program", "the path of a program like \"/usr/bin/ssh\"", parse_program, match.programs);
  read_texts(table, "cgroup", "the path of a control group like \"/user.slice\"", parse_cgroup, match.cgroups);
  read_texts(table, "unit", "the name of a systemd unit like \"ssh.service\"", parse_unit, match.units);
}

void MatchReader::read_times(const toml::table& table, FlowMatch& match) {
  std::vector<std::vector<Range<std::uint16_t>>> times;
  read_values(table, "time", times, [](const toml::node& element) -> Parsed<std::vector<Range<std::uint16_t>>> {
    if (element.is_string()) return flow_separator::parse_times(element.as_string()->get());
    return Unexpected{"expected a time like \"mon-fri 08:00-18:00\" as a text, found " + describe(element)};
  });
  for (const auto& each : times) match.times.insert(match.times.end(), each.begin(), each.end());
}

void MatchReader::refuse_what_never_matches(const toml::table& table, const FlowMatch& match) {
  for (const char* key : {"port", "local-port"}) {
    const toml::node* ports = table.get(key);
    if (ports == nullptr) continue;
    for (const auto& protocol : match.protocols)
      if (protocol.first == protocol.last && !has_ports(protocol.first)) {
        fail(*ports, quoted(key) + " would never match: protocol " + std::to_string(protocol.first) +
                         " has no ports; only tcp, udp and sctp have");
        break;
      }
  }
  const toml::node* types = table.get("icmp-type");
  if (types == nullptr) return;
  for (const auto& protocol : match.protocols)
    if (protocol.first > kProtocolIcmpv6 || protocol.last < kProtocolIcmpv6)
      return fail(*types, "\"icmp-type\" would never match: protocol " + std::to_string(protocol.first) + " is not icmpv6");
  if (table.contains("port") || table.contains("local-port"))
    fail(*types, "\"icmp-type\" would never match: what has ports is not icmpv6");
}

template <class Value, class Parse>
void MatchReader::read_values(const toml::table& table, std::string_view key, std::vector<Value>& values, Parse&& parse) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return;
  read_list(*node, key, [&](const toml::node& element) -> Parsed<bool> {
    if (auto full = take_room_for_value()) return Unexpected{std::move(*full)};
    Parsed<Value> value = parse(element);
    if (!value) return Unexpected{value.error()};
    values.push_back(std::move(*value));
    return true;
  });
}

void MatchReader::read_texts(const toml::table& table, const char* key, const char* expected,
                             Parsed<std::string> (*parse)(std::string_view), std::vector<std::string>& texts) {
  read_values(table, key, texts, [&](const toml::node& element) -> Parsed<std::string> {
    if (!element.is_string()) return Unexpected{std::string("expected ") + expected + ", found " + describe(element)};
    auto text = parse(element.as_string()->get());
    if (!text) return text;
    if (auto full = take_room_for_pattern(*text)) return Unexpected{std::move(*full)};
    return text;
  });
}

Parsed<Range<std::uint32_t>> MatchReader::read_id(const toml::node& element, const char* what,
                                                  const NameResolver::Resolver& resolve) const {
  if (const auto number = integer(element, kLargestId)) return single(*number);
  if (!element.is_string())
    return Unexpected{std::string("expected the name or the number of a ") + what + ", found " + describe(element)};
  const std::string& name = element.as_string()->get();
  if (const auto number = parse_number(name, kLargestId)) return single(*number);
  if (const auto range = parse_number_range(name, kLargestId)) return *range;
  if (const auto number = resolve ? resolve(name) : std::nullopt) return single(*number);
  return Unexpected{std::string("there is no ") + what + ' ' + quoted(name) + " on this host"};
}

// Nobody is asked for other names: that would let a user find out about them, and may take long.
Parsed<Range<std::uint32_t>> MatchReader::read_own_user(const toml::node& element) const {
  if (const auto number = integer(element, kLargestId); number && number == file_.user) return single(*number);
  if (element.is_string()) {
    const std::string& name = element.as_string()->get();
    if ((!name.empty() && name == file_.user_name) || parse_number(name, kLargestId) == file_.user) return single(*file_.user);
  }
  return Unexpected{std::string("the classes of a user's file are for flows of this user alone; leave the key out")};
}

std::optional<std::string> MatchReader::take_room_for_value() {
  const auto full = [](std::size_t most) {
    return "too many values to match; at most " + std::to_string(most) + " are possible";
  };
  if (draft_.volume.ranges >= Policy::kMaxRanges) return full(Policy::kMaxRanges);
  if (file_.layer == PolicyLayer::User) {
    auto& used = draft_.of_users[*file_.user].ranges;
    if (used >= Policy::kMaxUserRanges) return full(Policy::kMaxUserRanges) + " for a user";
    ++used;
  }
  ++draft_.volume.ranges;
  return std::nullopt;
}

std::optional<std::string> MatchReader::take_room_for_pattern(std::string_view text) {
  if (file_.layer != PolicyLayer::User || text.find_first_of("*?") == std::string_view::npos) return std::nullopt;
  auto& used = draft_.of_users[*file_.user].pattern_text;
  if (used + text.size() > Policy::kMaxUserPatternText)
    return "too many patterns; those of a user may have " + std::to_string(Policy::kMaxUserPatternText) + " octets together";
  used += text.size();
  return std::nullopt;
}

}  // namespace mipflow::flow_separator
