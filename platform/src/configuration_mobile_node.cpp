// SPDX-License-Identifier: GPL-3.0-or-later
#include "configuration_common.hpp"
#include "mipflow/platform/configuration.hpp"

namespace mipflow::platform {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kAssociationsFile = "/etc/mipflow/security-associations.toml";

template <class Value, class Read>
void take(Value& out, const Read& read) {
  if (read) out = static_cast<Value>(*read);
}

void read_home_addresses(const toml::table& table, mobile_node::Configuration& out, ConfigurationErrors& errors) {
  TomlReader reader(table, "[home-addresses]", errors);
  take(out.home_address_cap, reader.number("cap", 1, 1024));
  take(out.warm_pool_size, reader.number("warm-pool", 0, 64));
  take(out.avoid_primary, reader.boolean("avoid-primary"));
  take(out.strict_primary, reader.boolean("strict-primary"));
  take(out.anchor_per_interface, reader.boolean("anchor-per-interface"));
  take(out.wait_for_own_address, reader.boolean("wait-for-own-address"));
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

void read_authentication(TomlReader& reader, const std::filesystem::path& file, mobile_node::Configuration& out, ConfigurationErrors& errors) {
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
  const auto associations = load_security_associations(associations_file);
  if (!associations) {
    errors.insert(errors.end(), associations.error().begin(), associations.error().end());
    reader.number("spi", wire::kSmallestSpi, 0xffff'ffff);
    return;
  }
  if (!identifier) return;
  if (const auto* found = choose_association(reader, *associations, associations_file, *identifier)) out.security_association = *found;
}

}  // namespace

Expected<MobileNodeSettings, ConfigurationErrors> load_mobile_node_settings(const std::filesystem::path& file) {
  ConfigurationErrors errors;
  const auto top = load_toml(file, errors);
  if (!top) return Unexpected{errors};
  MobileNodeSettings out;
  mobile_node::Configuration& node = out.node;
  TomlReader reader(*top, "", errors);

  if (reader.require("home-agent", "the home agent's address")) take(node.home_agent, reader.address("home-agent"));
  if (reader.require("home-address", "the Primary Home Address of this node")) take(node.primary_home_address, reader.address("home-address"));
  if (reader.require("home-prefix", "the prefix of the home link, like \"2001:db8:1::/64\"")) {
    const auto prefix = reader.prefix("home-prefix");
    if (prefix) node.home_prefix = *prefix;
    if (prefix && !node.primary_home_address.is_unspecified() && !prefix->contains(node.primary_home_address))
      reader.refuse("home-address", to_string(node.primary_home_address) + " is not below home-prefix " + to_string(*prefix));
  }
  read_authentication(reader, file, node, errors);
  if (const auto* table = reader.table("home-addresses")) read_home_addresses(*table, node, errors);
  if (const auto* table = reader.table("timers")) read_timers(*table, node, errors);
  if (const auto* table = reader.table("flows")) {
    TomlReader flows(*table, "[flows]", errors);
    take(node.flow_capacity, flows.number("capacity", 16, 4'194'304));
    flows.refuse_unknown_keys();
  }
  if (const auto* table = reader.table("interfaces")) {
    TomlReader interfaces(*table, "[interfaces]", errors);
    if (auto ignored = interfaces.texts("ignore")) out.ignored_interfaces = std::move(*ignored);
    interfaces.refuse_unknown_keys();
  }
  out.policy_directory = read_path(reader, "policy-directory", file, out.policy_directory);
  out.log_level = read_log_level(reader);
  reader.refuse_unknown_keys();
  if (!errors.empty()) return Unexpected{in_order(std::move(errors))};
  return out;
}

}  // namespace mipflow::platform
