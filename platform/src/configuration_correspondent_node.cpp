// SPDX-License-Identifier: GPL-3.0-or-later
#include "configuration_common.hpp"
#include "mipflow/platform/configuration.hpp"

namespace mipflow::platform {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

void read_correspondent_node(TomlReader& reader, correspondent_node::Configuration& out) {
  take(out.route_optimization, reader.boolean("route-optimization"));
  take(out.binding_cache_capacity, reader.number("binding-cache-capacity", 1, 1'048'576));
  take(out.busy_for, reader.duration("busy-for", seconds{1}, hours{1}));
  take(out.longest_binding_lifetime, reader.duration("longest-binding-lifetime", seconds{8}, wire::kMaxRrBindingLifetime));
  take(out.refresh_request_before_expiry, reader.duration("refresh-request-before-expiry", seconds{1}, wire::kMaxRrBindingLifetime));
  take(out.previous_care_of_address_grace, reader.duration("previous-care-of-address-grace", milliseconds{0}, seconds{60}));
}

Expected<CorrespondentNodeSettings, ConfigurationErrors> load_correspondent_node_settings(const std::filesystem::path& file) {
  ConfigurationErrors errors;
  const auto top = load_toml(file, errors);
  if (!top) return Unexpected{errors};
  CorrespondentNodeSettings out;
  TomlReader reader(*top, "", errors);
  read_correspondent_node(reader, out.node);
  out.log_level = read_log_level(reader);
  reader.refuse_unknown_keys();
  if (!errors.empty()) return Unexpected{in_order(std::move(errors))};
  return out;
}

}  // namespace mipflow::platform
