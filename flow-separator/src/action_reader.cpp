// SPDX-License-Identifier: GPL-3.0-or-later
#include "action_reader.hpp"

#include <chrono>
#include <limits>
#include <utility>

#include "policy_quantities.hpp"

namespace mipflow::flow_separator {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 3> kInterfaceKeys{"kind", "name", "when"};
constexpr std::array<std::string_view, 4> kConditionKeys{"online", "metered", "round-trip-below", "loss-below"};

constexpr std::size_t kMostInterfaces = 64;
constexpr const char* kExpectedInterfaces =
    "names of interfaces like \"wlan0\" or \"ww*\", kinds like \"wifi\", or tables like "
    "{ kind = \"cellular\", when = { online = true } }";

}  // namespace

void ActionReader::read(const toml::table& table, PolicyClass& result) {
  result.bypass = read_truth(table, "bypass").value_or(false);
  if (result.bypass) {
    for (const std::string_view key : kActionKeys)
      if (const toml::node* node = table.get(key))
        fail(*node, quoted(key) + " means nothing with bypass = true, which leaves the flows to the host's own routes");
    return;
  }
  read_interfaces(table, "interfaces", result.interfaces.preferences);
  read_interfaces(table, "never", result.interfaces.never);
  if (const auto after = read_duration(table, "return-after", 0s, 24h, "at most 24 h")) result.interfaces.return_after = *after;
  read_word(table, "home-address", "\"figure-6\", \"primary\", \"own\", \"class\" or an IPv6 address", parse_home_address,
            [&](const HomeAddressChoice& choice) {
              result.home_address = choice.rule;
              result.fixed_home_address = choice.fixed;
            });
  read_word(table, "route-optimization", "\"yes\", \"prefer\" or \"no\"", parse_route_optimization,
            [&](RouteOptimization choice) { result.route_optimization = choice; });
}

void ActionReader::read_interfaces(const toml::table& table, const char* key, std::vector<InterfacePreference>& preferences) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return;
  std::vector<InterfacePreference> read;
  read_list(*node, key, [&](const toml::node& element) -> Parsed<bool> {
    if (read.size() >= kMostInterfaces)
      return Unexpected{"too many interfaces; at most " + std::to_string(kMostInterfaces) + " are possible"};
    auto preference = read_interface(element);
    if (!preference) return Unexpected{preference.error()};
    read.push_back(std::move(*preference));
    return true;
  });
  if (!read.empty()) preferences = std::move(read);
}

Parsed<InterfacePreference> ActionReader::read_interface(const toml::node& element) {
  if (element.is_string()) return parse_interface(element.as_string()->get());
  const toml::table* table = element.as_table();
  if (table == nullptr) return Unexpected{std::string("expected ") + kExpectedInterfaces + ", found " + describe(element)};

  refuse_unknown_keys(*table, kInterfaceKeys, "an interface", kConditionKeys, "\"when\"");
  InterfacePreference out;
  if (table->contains("kind") && table->contains("name"))
    return Unexpected{std::string("expected \"kind\" or \"name\", found both")};
  read_word(*table, "kind", "\"wired\", \"wifi\", \"cellular\" or \"other\"", parse_interface_kind,
            [&](InterfaceKind kind) { out.kind = kind; });
  read_word(*table, "name", "the name of an interface like \"wlan0\" or a pattern like \"ww*\"", parse_interface_pattern,
            [&](const std::string& pattern) { out.pattern = pattern; });
  if (const toml::node* when = table->get("when")) read_condition(*when, out.condition);
  return out;
}

void ActionReader::read_condition(const toml::node& node, InterfaceCondition& condition) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return fail(node, "\"when\" has to be a table like { online = true }, found " + describe(node));
  if (table->empty()) return fail(node, "\"when\" without a condition; leave it out when there is none");
  refuse_unknown_keys(*table, kConditionKeys, "\"when\"");
  condition.online = read_truth(*table, "online");
  condition.metered = read_truth(*table, "metered");
  condition.round_trip_below = read_duration(*table, "round-trip-below", 1ms, 60s, "1 ms to 60 s");
  read_word(*table, "loss-below", "a share like \"2 %\"", parse_share, [&](unsigned share) { condition.loss_below = share; });
}

// A text with a unit, or a whole number of seconds.
std::optional<Duration> ActionReader::read_duration(const toml::table& table, const char* key, Duration least, Duration most,
                                                    const char* bounds) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return std::nullopt;
  Parsed<Duration> duration = Unexpected{"expected a duration like \"30 s\" or a number of seconds, found " + describe(*node)};
  if (node->is_string())
    duration = parse_duration(node->as_string()->get());
  else if (const auto seconds = integer(*node, std::numeric_limits<std::uint32_t>::max()))
    duration = Duration{std::chrono::seconds{*seconds}};
  if (duration && (*duration < least || *duration > most))
    duration = Unexpected{"expected " + std::string(bounds) + ", found " + describe(*node)};
  if (duration) return *duration;
  fail(*node, quoted(key) + ": " + duration.error());
  return std::nullopt;
}

}  // namespace mipflow::flow_separator
