// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <array>

#include "configuration_common.hpp"
#include "mipflow/platform/configuration.hpp"

namespace mipflow::platform {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

void read_mechanisms(TomlReader& reader, mobile_node::Configuration& out) {
  const auto words = reader.texts("mechanisms");
  if (!words) return;
  constexpr std::array kKnown{hoa_alloc::Origin::Prefix, hoa_alloc::Origin::Agent, hoa_alloc::Origin::Dhcpv6};
  std::vector<hoa_alloc::Origin> mechanisms;
  for (const auto& word : *words) {
    const auto known = std::find_if(kKnown.begin(), kKnown.end(), [&](auto each) { return word == to_string(each); });
    if (known == kKnown.end()) return reader.refuse("mechanisms", "expected \"prefix\", \"agent\" and \"dhcpv6\" in the order of preference, found \"" + word + "\"");
    if (std::find(mechanisms.begin(), mechanisms.end(), *known) != mechanisms.end())
      return reader.refuse("mechanisms", "\"" + word + "\" is named twice");
    mechanisms.push_back(*known);
  }
  if (mechanisms.empty()) return reader.refuse("mechanisms", "the list is empty; expected at least one of \"prefix\", \"agent\" and \"dhcpv6\"");
  out.allocation_mechanisms = std::move(mechanisms);
}

void read_home_addresses(const toml::table& table, mobile_node::Configuration& out, ConfigurationErrors& errors) {
  TomlReader reader(table, "[home-addresses]", errors);
  take(out.home_address_cap, reader.number("cap", 1, 1024));
  take(out.warm_pool_size, reader.number("warm-pool", 0, 64));
  take(out.avoid_primary, reader.boolean("avoid-primary"));
  take(out.strict_primary, reader.boolean("strict-primary"));
  take(out.anchor_per_interface, reader.boolean("anchor-per-interface"));
  take(out.wait_for_own_address, reader.boolean("wait-for-own-address"));
  take(out.home_address_rest, reader.duration("rest", seconds{0}, hours{24}));
  read_mechanisms(reader, out);
  if (out.strict_primary && out.home_address_cap == 1)
    reader.refuse("strict-primary", "leaves no home address for flows when cap is 1; expected a cap of 2 or more");
  reader.refuse_unknown_keys();
}

void read_timers(const toml::table& table, mobile_node::Configuration& out, ConfigurationErrors& errors) {
  TomlReader reader(table, "[timers]", errors);
  take(out.requested_lifetime, reader.duration("binding-lifetime", seconds{8}, seconds{262'140}));
  take(out.initial_bindack_timeout_first_reg, reader.duration("first-registration-timeout", milliseconds{100}, seconds{32}));
  take(out.hold_limit, reader.duration("hold-limit", milliseconds{0}, seconds{5}));
  take(out.udp_idle_timeout, reader.duration("udp-idle", seconds{1}, hours{24 * 7}));
  take(out.tcp_idle_timeout, reader.duration("tcp-idle", seconds{1}, hours{24 * 30}));
  take(out.icmp_idle_timeout, reader.duration("icmp-idle", seconds{1}, hours{24}));
  take(out.other_idle_timeout, reader.duration("other-idle", seconds{1}, hours{24 * 7}));
  take(out.closed_linger, reader.duration("closed-linger", milliseconds{0}, seconds{300}));
  reader.refuse_unknown_keys();
}

void read_authentication(TomlReader& reader, const std::filesystem::path& file, const UnwrittenFiles& instead, mobile_node::Configuration& out,
                         ConfigurationErrors& errors) {
  if (read_authentication_is_insecure(reader)) {
    out.authentication = mobile_node::Authentication::NoneInsecure;
    // The keys stay known, so that trying without authentication is one changed word.
    reader.text("identifier");
    reader.text("security-associations");
    reader.number("spi", wire::kSmallestSpi, 0xffff'ffff);
    return;
  }
  const auto associations_file = read_path(reader, "security-associations", file, kAssociationsFile);
  if (!reader.require("identifier", "the name of this mobile node at the home agent, like \"alice@example.org\"")) return;
  const auto identifier = reader.text("identifier");
  const auto associations = load_security_associations(associations_file, instead);
  if (!associations) {
    errors.insert(errors.end(), associations.error().begin(), associations.error().end());
    reader.number("spi", wire::kSmallestSpi, 0xffff'ffff);
    return;
  }
  if (!identifier) return;
  if (const auto* found = choose_association(reader, *associations, associations_file, *identifier)) out.security_association = *found;
}

std::vector<Address> read_addresses(TomlReader& reader, const char* key) {
  constexpr std::size_t kMost = 32;
  const auto texts = reader.texts(key);
  if (!texts) return {};
  std::vector<Address> out;
  if (texts->empty() || texts->size() > kMost)
    reader.refuse(key, "has " + std::to_string(texts->size()) + " addresses; expected 1 to " + std::to_string(kMost));
  for (const auto& text : *texts) {
    const auto address = Address::parse(text);
    if (!address || !address->is_unicast_routable())
      reader.refuse(key, "\"" + text + "\" is no global unicast IPv6 address; expected ones like \"2001:db8::1\"");
    else if (std::find(out.begin(), out.end(), *address) != out.end())
      reader.refuse(key, to_string(*address) + " is named twice");
    else
      out.push_back(*address);
  }
  return out;
}

// Behind home-prefix.
void read_which_home_agent(TomlReader& reader, mobile_node::Configuration& out) {
  out.other_home_agents = read_addresses(reader, "home-agents");
  out.tunnel_sources = read_addresses(reader, "tunnel-sources");
  const auto which = reader.text("home-agent");
  if (!which) return;
  if (*which == "auto") {
    if (out.home_prefix.length() != 64 && out.home_prefix != Prefix())
      reader.refuse("home-agent", "\"auto\" asks at the home agents' anycast address of a /64 (RFC 2526), home-prefix is " +
                                      to_string(out.home_prefix) + "; expected an address");
    return;
  }
  take(out.home_agent, reader.address("home-agent"));
  if (std::find(out.other_home_agents.begin(), out.other_home_agents.end(), out.home_agent) != out.other_home_agents.end())
    reader.refuse("home-agents", to_string(out.home_agent) + " stands in home-agent already");
}

}  // namespace

Expected<MobileNodeSettings, ConfigurationErrors> load_mobile_node_settings(const std::filesystem::path& file, const UnwrittenFiles& instead) {
  ConfigurationErrors errors;
  const auto top = load_toml(file, errors, instead);
  if (!top) return Unexpected{errors};
  MobileNodeSettings out;
  mobile_node::Configuration& node = out.node;
  TomlReader reader(*top, "", errors);

  reader.require("home-agent", "the home agent's address, or \"auto\"");
  if (reader.require("home-address", "the Primary Home Address of this node")) take(node.primary_home_address, reader.address("home-address"));
  if (reader.require("home-prefix", "the prefix of the home link, like \"2001:db8:1::/64\"")) {
    const auto prefix = reader.prefix("home-prefix");
    if (prefix) node.home_prefix = *prefix;
    if (prefix && !node.primary_home_address.is_unspecified() && !prefix->contains(node.primary_home_address))
      reader.refuse("home-address", to_string(node.primary_home_address) + " is not below home-prefix " + to_string(*prefix));
  }
  read_which_home_agent(reader, node);
  read_authentication(reader, file, instead, node, errors);
  take(node.route_optimization, reader.boolean("route-optimization"));
  node.network_policy = reader.boolean("network-policy").value_or(true);
  if (const auto* table = reader.table("home-addresses")) read_home_addresses(*table, node, errors);
  if (const auto* table = reader.table("timers")) read_timers(*table, node, errors);
  if (const auto* table = reader.table("flows")) {
    TomlReader flows(*table, "[flows]", errors);
    take(node.flow_capacity, flows.number("capacity", 16, 4'194'304));
    take(node.correspondent_registration_cap, flows.number("correspondent-registration-cap", 1, 65'536));
    take(node.socket_addresses, flows.boolean("socket-addresses"));
    flows.refuse_unknown_keys();
  }
  if (const auto* table = reader.table("interfaces")) {
    TomlReader interfaces(*table, "[interfaces]", errors);
    if (auto ignored = interfaces.texts("ignore")) out.ignored_interfaces = std::move(*ignored);
    if (auto metered = interfaces.texts("metered")) node.metered_interfaces = std::move(*metered);
    take(node.probe_home_agent, interfaces.boolean("probe"));
    interfaces.refuse_unknown_keys();
  }
  out.policy_directory = read_path(reader, "policy-directory", file, out.policy_directory);
  out.state_directory = read_path(reader, "state-directory", file, out.state_directory);
  out.log_level = read_log_level(reader);
  reader.refuse_unknown_keys();
  if (!errors.empty()) return Unexpected{in_order(std::move(errors))};
  return out;
}

}  // namespace mipflow::platform
