// SPDX-License-Identifier: GPL-3.0-or-later
// What a home agent offers its mobile nodes beyond bindings: home addresses, and the operator's policy.
#include "configuration_services.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "configuration_common.hpp"

namespace mipflow::platform {

using std::chrono::hours;
using std::chrono::seconds;
using wire::HomeAddressSource;

void read_address_service(const toml::table& table, home_agent::AddressServiceConfiguration& out, ConfigurationErrors& errors) {
  TomlReader reader(table, "[address-service]", errors);
  if (const auto words = reader.texts("sources")) {
    out.sources.clear();
    for (const auto& word : *words) {
      constexpr std::array kKnown{HomeAddressSource::Agent, HomeAddressSource::Dhcpv6};
      const auto known = std::find_if(kKnown.begin(), kKnown.end(), [&](auto source) { return to_string(source) == word; });
      if (known == kKnown.end())
        reader.refuse("sources", "expected \"agent\" and \"dhcpv6\", found \"" + word + "\"");
      else if (std::find(out.sources.begin(), out.sources.end(), *known) != out.sources.end())
        reader.refuse("sources", "\"" + word + "\" is named twice");
      else
        out.sources.push_back(*known);
    }
  }
  take(out.unbound_lease, reader.duration("unbound-lease", seconds{60}, hours{24 * 30}));
  take(out.rest, reader.duration("rest", seconds{0}, hours{24 * 30}));
  reader.refuse_unknown_keys();
}

void read_home_agents(TomlReader& reader, home_agent::Configuration& out, ConfigurationErrors& errors) {
  take(out.home_agent_preference, reader.number("preference", 0, 65'535));
  for (const auto* table : reader.tables("home-agent")) {
    TomlReader entry(*table, "[[home-agent]]", errors);
    home_agent::OtherHomeAgent other;
    if (entry.require("address", "the global address of another home agent of the home network")) take(other.address, entry.address("address"));
    if (!other.address.is_unspecified() && other.address == out.home_agent_address)
      entry.refuse("address", to_string(other.address) + " is this home agent; its preference stands at the top of the file");
    if (std::ranges::find(out.other_home_agents, other.address, &home_agent::OtherHomeAgent::address) != out.other_home_agents.end())
      entry.refuse("address", to_string(other.address) + " stands there already");
    take(other.preference, entry.number("preference", 0, 65'535));
    entry.refuse_unknown_keys();
    out.other_home_agents.push_back(other);
  }
}

std::shared_ptr<const std::string> ServedPolicies::read(TomlReader& reader, const std::filesystem::path& beside) {
  const auto file = read_path(reader, "policy", beside, {});
  if (file.empty()) return nullptr;
  if (const auto known = texts_.find(file); known != texts_.end()) return known->second;
  return texts_.emplace(file, load(reader, file)).first->second;
}

std::shared_ptr<const std::string> ServedPolicies::load(TomlReader& reader, const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open()) {
    reader.refuse("policy", "cannot read " + file.string());
    return nullptr;
  }
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad() || text.size() > wire::kLargestPolicy) {
    reader.refuse("policy", file.string() + (stream.bad() ? " cannot be read" : " is larger than 256 KiB"));
    return nullptr;
  }
  // Users and groups are those of the mobile node; here they need only be names.
  const auto anybody = [](std::string_view) { return std::optional<std::uint32_t>{0}; };
  const std::array files{flow_separator::PolicyFile{file.string(), text, flow_separator::PolicyLayer::Network, std::nullopt}};
  const auto policy = flow_separator::Policy::parse(files, {.user = anybody, .group = anybody});
  if (policy) return std::make_shared<const std::string>(std::move(text));
  for (const auto& mistake : policy.error()) errors_.push_back({mistake.file, mistake.line, mistake.column, mistake.reason});
  return nullptr;
}

}  // namespace mipflow::platform
