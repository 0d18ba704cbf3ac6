// SPDX-License-Identifier: GPL-3.0-or-later
#include <net/if.h>

#include <algorithm>
#include <set>

#include "configuration_common.hpp"
#include "configuration_load_sharing.hpp"
#include "configuration_services.hpp"
#include "mipflow/platform/configuration.hpp"

namespace mipflow::platform {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kForever{0xffff'ffff};

void read_prefix(const toml::table& table, home_agent::Configuration& out, ConfigurationErrors& errors) {
  TomlReader reader(table, "[[prefix]]", errors);
  home_agent::HomePrefix item;
  if (reader.require("prefix", "a prefix of the home link, like \"2001:db8:1::/64\"")) take(item.prefix, reader.prefix("prefix"));
  take(item.valid_lifetime, reader.duration("valid", seconds{0}, kForever));
  const auto preferred = reader.duration("preferred", seconds{0}, kForever);
  item.preferred_lifetime = preferred.value_or(std::min(item.preferred_lifetime, item.valid_lifetime));
  take(item.lifetimes_count_down, reader.boolean("count-down"));
  if (item.preferred_lifetime > item.valid_lifetime) reader.refuse("preferred", "is longer than valid (RFC 4861 §4.6.2)");
  for (const auto& other : out.home_prefixes)
    if (other.prefix == item.prefix) reader.refuse("prefix", to_string(item.prefix) + " stands there already");
  reader.refuse_unknown_keys();
  out.home_prefixes.push_back(item);
}

// What a [[mobile-node]] may refer to.
struct Surroundings {
  const std::filesystem::path& configuration;
  const std::filesystem::path& associations_file;
  const std::vector<wire::SecurityAssociation>* associations;  // nullptr: none are needed, or they could not be read
  ServedPolicies& policies;
  std::shared_ptr<const std::string> policy_for_all;
};

void read_mobile_node(const toml::table& table, const Surroundings& around, home_agent::Configuration& out, ConfigurationErrors& errors) {
  TomlReader reader(table, "[[mobile-node]]", errors);
  home_agent::MobileNodeAuthorization item;
  if (reader.require("home-address", "the mobile node's Primary Home Address")) {
    const auto address = reader.address("home-address");
    if (address) item.primary_home_address = *address;
    const bool below = std::any_of(out.home_prefixes.begin(), out.home_prefixes.end(),
                                   [&](const auto& prefix) { return address && prefix.prefix.contains(*address); });
    if (address && !below) reader.refuse("home-address", to_string(*address) + " is below no [[prefix]]");
  }
  if (reader.require("identifier", "the mobile node's name, like \"alice@example.org\"")) {
    const auto identifier = reader.text("identifier");
    if (identifier && around.associations) {
      if (const auto* found = choose_association(reader, *around.associations, around.associations_file, *identifier)) item.security_association = *found;
    } else {
      reader.number("spi", wire::kSmallestSpi, 0xffff'ffff);
      if (identifier) item.security_association.network_access_identifier = *identifier;
    }
  }
  take(item.may_allocate_home_addresses, reader.boolean("may-allocate-home-addresses"));
  take(item.home_address_cap, reader.number("cap", 1, 65'536));
  take(item.timestamps_required, reader.boolean("timestamps-required"));
  item.policy = around.policies.read(reader, around.configuration);
  if (!item.policy) item.policy = around.policy_for_all;
  reader.refuse_unknown_keys();
  out.mobile_nodes.push_back(std::move(item));
}

void refuse_shared_home_addresses(TomlReader& reader, const home_agent::Configuration& agent) {
  std::set<Address> seen;
  for (const auto& node : agent.mobile_nodes)
    if (!node.primary_home_address.is_unspecified() && !seen.insert(node.primary_home_address).second)
      reader.refuse("mobile-node", "two mobile nodes have the home address " + to_string(node.primary_home_address));
}

void read_timers(const toml::table& table, home_agent::Configuration& out, ConfigurationErrors& errors) {
  TomlReader reader(table, "[timers]", errors);
  take(out.longest_binding_lifetime, reader.duration("longest-binding-lifetime", seconds{8}, seconds{262'140}));
  take(out.timestamp_window, reader.duration("timestamp-window", milliseconds{500}, seconds{3600}));
  take(out.duplicate_address_detection_wait, reader.duration("duplicate-address-detection", milliseconds{100}, seconds{60}));
  take(out.previous_care_of_address_grace, reader.duration("previous-care-of-address-grace", milliseconds{0}, seconds{60}));
  reader.refuse_unknown_keys();
}

}  // namespace

Expected<HomeAgentSettings, ConfigurationErrors> load_home_agent_settings(const std::filesystem::path& file, const UnwrittenFiles& instead) {
  ConfigurationErrors errors;
  const auto top = load_toml(file, errors, instead);
  if (!top) return Unexpected{errors};
  HomeAgentSettings out;
  home_agent::Configuration& agent = out.agent;
  TomlReader reader(*top, "", errors);

  if (reader.require("home-agent-address", "the global address of this home agent"))
    take(agent.home_agent_address, reader.address("home-agent-address"));
  if (reader.require("home-link", "an interface name, or \"virtual\" for a home network without a link")) {
    const auto link = reader.text("home-link").value_or("virtual");
    if (link.empty() || link.size() >= IF_NAMESIZE) {
      if (link != "virtual") reader.refuse("home-link", "is no interface name; expected 1 to 15 characters");
    } else if (link != "virtual") {
      out.home_link = link;
    }
  }
  if (reader.require("prefix", "at least one [[prefix]] of the home link"))
    for (const auto* table : reader.tables("prefix")) read_prefix(*table, agent, errors);

  read_home_agents(reader, agent, errors);

  agent.accept_unauthenticated_insecure = read_authentication_is_insecure(reader);
  const auto associations_file = read_path(reader, "security-associations", file, kAssociationsFile);
  std::optional<SecretKeys> keys;
  const bool shares_load = top->contains("secondary") || top->contains("primary");
  if (!agent.accept_unauthenticated_insecure || shares_load) {
    auto loaded = load_secret_keys(associations_file, instead);
    if (loaded)
      keys = std::move(*loaded);
    else
      errors.insert(errors.end(), loaded.error().begin(), loaded.error().end());
  }
  const auto* associations = keys && !agent.accept_unauthenticated_insecure ? &keys->associations : nullptr;
  ServedPolicies policies(errors);
  const Surroundings around{file, associations_file, associations, policies, policies.read(reader, file)};
  for (const auto* table : reader.tables("mobile-node")) read_mobile_node(*table, around, agent, errors);
  refuse_shared_home_addresses(reader, agent);

  if (const auto* table = reader.table("timers")) read_timers(*table, agent, errors);
  if (const auto* table = reader.table("binding-cache")) {
    TomlReader cache(*table, "[binding-cache]", errors);
    take(agent.binding_cache_capacity, cache.number("capacity", 1, 16'777'216));
    cache.refuse_unknown_keys();
  }
  if (const auto* table = reader.table("address-service")) read_address_service(*table, agent.address_service, errors);
  if (const auto* table = reader.table("correspondent-node")) {
    TomlReader correspondent_node(*table, "[correspondent-node]", errors);
    read_correspondent_node(correspondent_node, agent.correspondent_node);
    correspondent_node.refuse_unknown_keys();
  }
  read_load_sharing(reader, {associations_file, keys ? &keys->agents : nullptr}, agent.home_agent_address, agent.load_sharing, errors);
  out.state_directory = read_path(reader, "state-directory", file, out.state_directory);
  out.log_level = read_log_level(reader);
  reader.refuse_unknown_keys();
  if (!errors.empty()) return Unexpected{in_order(std::move(errors))};
  return out;
}

}  // namespace mipflow::platform
