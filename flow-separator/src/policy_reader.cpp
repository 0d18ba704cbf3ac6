// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_reader.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "mipflow/base/toml_text.hpp"
#include "policy_values.hpp"

// The folder throws nothing because of input; without exceptions toml++ hands out its errors as values. Its assertions fail
// on malformed files such as "[[[" and "[[}", behind which it reports the error properly, so a debug build goes without them
// as a release does.
#define TOML_EXCEPTIONS 0
#define TOML_ASSERT(expr) static_assert(true)
#include <toml++/toml.h>

namespace mipflow::flow_separator {
namespace {

constexpr std::array<std::string_view, 2> kFileKeys{"class", "default"};
constexpr std::array<std::string_view, 4> kClassKeys{"name", "interfaces", "home-address", "match"};
constexpr std::array<std::string_view, 2> kDefaultKeys{"interfaces", "home-address"};
constexpr std::array<std::string_view, 7> kMatchKeys{"protocol", "peer", "port", "local-port", "dscp", "flow-label", "user"};

constexpr std::size_t kLongestName = 64;
constexpr std::uint32_t kLargestFlowLabel = 0xfffff;
// 2^32-1 means "no user" to the kernel.
constexpr std::uint32_t kLargestUser = std::numeric_limits<std::uint32_t>::max() - 1;

// What a value is, for "expected ..., found ...".
std::string describe(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return quoted(node.as_string()->get());
    case toml::node_type::integer: return std::to_string(node.as_integer()->get());
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return node.as_boolean()->get() ? "true" : "false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return "a date or time";
    case toml::node_type::none: break;
  }
  return "nothing";
}

template <class Value>
Range<Value> single(Value value) {
  return {value, value};
}

class FileReader {
 public:
  FileReader(const PolicyFile& file, const UserResolver& users, PolicyDraft& draft)
      : file_(file), users_(users), draft_(draft) {}

  void read() {
    if (const auto stray = find_stray_character(file_.text)) {
      draft_.errors.push_back({file_.name, stray->line, stray->column,
                               "a character that is not ASCII can only stand in a text in quotation marks or in a comment"});
      return;
    }
    const toml::parse_result parsed = toml::parse(file_.text, std::string_view(file_.name));
    if (!parsed) {
      const toml::source_position at = parsed.error().source().begin;
      errors_.push_back({file_.name, at.line, at.column, std::string(parsed.error().description())});
    } else {
      read_root(parsed.table());
    }
    std::stable_sort(errors_.begin(), errors_.end(), [](const PolicyError& a, const PolicyError& b) {
      return std::pair{a.line, a.column} < std::pair{b.line, b.column};
    });
    draft_.errors.insert(draft_.errors.end(), errors_.begin(), errors_.end());
  }

 private:
  void fail(const toml::source_region& at, std::string reason) {
    errors_.push_back({file_.name, at.begin.line, at.begin.column, std::move(reason)});
  }

  std::string origin(const toml::source_region& at) const { return file_.name + ':' + std::to_string(at.begin.line); }

  void read_root(const toml::table& root) {
    refuse_unknown_keys(root, kFileKeys, "the file");
    if (const toml::node* classes = root.get("class")) {
      const toml::array* list = classes->as_array();
      if (list == nullptr)
        fail(classes->source(), "\"class\" has to be a list of tables; write [[class]] instead of [class]");
      else
        for (const toml::node& element : *list) read_class(element);
    }
    if (const toml::node* node = root.get("default")) read_default(*node);
  }

  void read_class(const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return fail(node.source(), "expected a table written as [[class]], found " + describe(node));
    if (draft_.classes.size() >= Policy::kMaxClasses)
      return fail(node.source(), "too many classes; at most " + std::to_string(Policy::kMaxClasses) + " are possible");
    refuse_unknown_keys(*table, kClassKeys, "a class");

    PolicyClass result{.name = "class-" + std::to_string(draft_.classes.size() + 1), .origin = origin(node.source())};
    if (const toml::node* name = table->get("name")) read_name(*name, result.name);
    refuse_second_use_of_name(result.name, table->get("name") != nullptr ? *table->get("name") : node);
    read_action(*table, result);

    ClassMatch match;
    if (const toml::node* node_of_match = table->get("match")) read_match(*node_of_match, match);
    draft_.classes.push_back(std::move(result));
    draft_.matches.push_back(std::move(match));
  }

  void read_default(const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return fail(node.source(), "\"default\" has to be a table written as [default], found " + describe(node));
    if (draft_.default_class)
      return fail(node.source(), "a second [default]; the first one is at " + draft_.default_class->origin);
    refuse_unknown_keys(*table, kDefaultKeys, "[default]");
    PolicyClass result{.name = "default", .origin = origin(node.source())};
    read_action(*table, result);
    draft_.default_class = std::move(result);
  }

  void read_name(const toml::node& node, std::string& name) {
    const auto* text = node.as_string();
    if (text == nullptr) return fail(node.source(), "\"name\" has to be a text, found " + describe(node));
    const std::string& value = text->get();
    const bool odd = std::any_of(value.begin(), value.end(), [](char c) {
      return static_cast<unsigned char>(c) <= ' ' || c == '\'' || c == '"' || c == '\x7f';
    });
    if (value.empty() || value.size() > kLongestName || odd)
      return fail(node.source(), "the name " + quoted(value) + " is not possible; expected 1 to " +
                                     std::to_string(kLongestName) + " characters without blanks and quotation marks");
    if (value == "default") return fail(node.source(), "the name \"default\" belongs to what no class matches; write [default]");
    name = value;
  }

  void refuse_second_use_of_name(const std::string& name, const toml::node& at) {
    for (const PolicyClass& other : draft_.classes)
      if (other.name == name)
        return fail(at.source(), "a second class with the name " + quoted(name) + "; the first one is at " + other.origin);
  }

  void read_action(const toml::table& table, PolicyClass& result) {
    if (const toml::node* node = table.get("interfaces")) {
      std::vector<std::string> patterns;
      read_list(*node, "interfaces", [&](const toml::node& element) -> Parsed<bool> {
        if (!element.is_string())
          return Unexpected{"expected names of interfaces like \"wlan0\" or \"ww*\", found " + describe(element)};
        auto pattern = parse_interface_pattern(element.as_string()->get());
        if (!pattern) return Unexpected{pattern.error()};
        patterns.push_back(std::move(*pattern));
        return true;
      });
      if (!patterns.empty()) result.interfaces = std::move(patterns);
    }
    if (const toml::node* node = table.get("home-address")) {
      const auto text = node->value<std::string>();
      if (text == "figure-6")
        result.home_address = HomeAddressRule::Figure6;
      else if (text == "primary")
        result.home_address = HomeAddressRule::Primary;
      else
        fail(node->source(), "\"home-address\": expected \"figure-6\" or \"primary\", found " + describe(*node));
    }
  }

  void read_match(const toml::node& node, ClassMatch& match) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return fail(node.source(), "\"match\" has to be a table written as [class.match], found " + describe(node));
    refuse_unknown_keys(*table, kMatchKeys, "[class.match]");

    read_ranges(*table, "protocol", match.protocols, [](const toml::node& element) -> Parsed<Range<std::uint8_t>> {
      return named_number(element, 255, parse_protocol, "a protocol like \"udp\" or a number 0-255");
    });
    read_ranges(*table, "peer", match.peers, [](const toml::node& element) -> Parsed<Range<Address>> {
      if (element.is_string()) return parse_peer(element.as_string()->get());
      return Unexpected{"expected an IPv6 prefix or address as a text, found " + describe(element)};
    });
    read_ranges(*table, "port", match.ports, port_range);
    read_ranges(*table, "local-port", match.local_ports, port_range);
    read_ranges(*table, "dscp", match.dscps, [](const toml::node& element) -> Parsed<Range<std::uint8_t>> {
      return named_number(element, 63, parse_dscp, "a DSCP like \"ef\" or a number 0-63");
    });
    read_ranges(*table, "flow-label", match.flow_labels, [](const toml::node& element) -> Parsed<Range<std::uint32_t>> {
      if (const auto number = integer(element, kLargestFlowLabel)) return single(*number);
      return Unexpected{"expected a flow label 0-0xfffff, found " + describe(element)};
    });
    read_ranges(*table, "user", match.users, [this](const toml::node& element) { return user(element); });
    for (const char* key : {"port", "local-port"})
      if (const toml::node* ports = table->get(key)) refuse_ports_without_protocol(*ports, key, match.protocols);
  }

  void refuse_ports_without_protocol(const toml::node& at, std::string_view key,
                                     const std::vector<Range<std::uint8_t>>& protocols) {
    for (const auto& protocol : protocols)
      if (!has_ports(protocol.first))
        return fail(at.source(), quoted(key) + " would never match: protocol " + std::to_string(protocol.first) +
                                     " has no ports; only tcp, udp and sctp have");
  }

  // Hands every element of a list, or the value itself when it is no list, to `element`, and reports what it refuses.
  template <class Element>
  void read_list(const toml::node& node, std::string_view key, Element&& element) {
    const auto one = [&](const toml::node& value) {
      if (const auto parsed = element(value); !parsed) fail(value.source(), quoted(key) + ": " + parsed.error());
    };
    const toml::array* list = node.as_array();
    if (list == nullptr) return one(node);
    if (list->empty()) fail(node.source(), quoted(key) + ": the list is empty; leave the key out when everything is meant");
    for (const toml::node& value : *list) one(value);
  }

  template <class Value, class Element>
  void read_ranges(const toml::table& table, std::string_view key, std::vector<Range<Value>>& ranges, Element&& element) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return;
    read_list(*node, key, [&](const toml::node& value) -> Parsed<bool> {
      const Parsed<Range<Value>> range = element(value);
      if (!range) return Unexpected{range.error()};
      if (draft_.ranges >= Policy::kMaxRanges)
        return Unexpected{"too many values to match; at most " + std::to_string(Policy::kMaxRanges) + " are possible"};
      ++draft_.ranges;
      ranges.push_back(*range);
      return true;
    });
  }

  static std::optional<std::uint32_t> integer(const toml::node& node, std::uint32_t largest) {
    const auto* number = node.as_integer();
    if (number == nullptr || number->get() < 0 || number->get() > static_cast<std::int64_t>(largest)) return std::nullopt;
    return static_cast<std::uint32_t>(number->get());
  }

  static Parsed<Range<std::uint8_t>> named_number(const toml::node& element, std::uint32_t largest,
                                                  Parsed<std::uint8_t> (*parse)(std::string_view), const char* expected) {
    if (element.is_string()) {
      const auto number = parse(element.as_string()->get());
      if (!number) return Unexpected{number.error()};
      return single(*number);
    }
    if (const auto number = integer(element, largest)) return single(static_cast<std::uint8_t>(*number));
    return Unexpected{std::string("expected ") + expected + ", found " + describe(element)};
  }

  static Parsed<Range<std::uint16_t>> port_range(const toml::node& element) {
    if (element.is_string()) return parse_port_range(element.as_string()->get());
    if (const auto number = integer(element, 65'535)) return single(static_cast<std::uint16_t>(*number));
    return Unexpected{"expected a port 0-65535 or a range like \"1024-2047\", found " + describe(element)};
  }

  Parsed<Range<std::uint32_t>> user(const toml::node& element) const {
    if (const auto number = integer(element, kLargestUser)) return single(*number);
    if (!element.is_string()) return Unexpected{"expected the name or the number of a user, found " + describe(element)};
    const std::string& name = element.as_string()->get();
    if (const auto number = parse_number(name, kLargestUser)) return single(*number);
    if (const auto number = users_ ? users_(name) : std::nullopt) return single(*number);
    return Unexpected{"there is no user " + quoted(name) + " on this host"};
  }

  void refuse_unknown_keys(const toml::table& table, std::span<const std::string_view> known, std::string_view where) {
    for (const auto& [key, value] : table) {
      const std::string_view text = key.str();
      if (std::find(known.begin(), known.end(), text) != known.end()) continue;
      std::string reason = "unknown key " + quoted(text) + " in " + std::string(where);
      if (known.data() == kClassKeys.data() && std::find(kMatchKeys.begin(), kMatchKeys.end(), text) != kMatchKeys.end()) {
        reason += "; it belongs into [class.match]";
      } else if (const auto meant = nearest(text, known)) {
        reason += "; did you mean " + quoted(*meant) + '?';
      } else {
        reason += "; possible are";
        for (const std::string_view each : known) reason += (each == known.front() ? " " : ", ") + std::string(each);
      }
      fail(key.source(), std::move(reason));
    }
  }

  const PolicyFile& file_;
  const UserResolver& users_;
  PolicyDraft& draft_;
  std::vector<PolicyError> errors_;
};

}  // namespace

void read_policy_file(const PolicyFile& file, const UserResolver& users, PolicyDraft& draft) {
  FileReader(file, users, draft).read();
}

}  // namespace mipflow::flow_separator
