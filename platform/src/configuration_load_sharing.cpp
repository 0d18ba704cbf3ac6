// SPDX-License-Identifier: GPL-3.0-or-later
// Home agents that share the load: docs/operations.md, "Several home agents".
#include "configuration_load_sharing.hpp"

#include <algorithm>
#include <cctype>

#include "configuration_common.hpp"

namespace mipflow::platform {

namespace {

using home_agent::AnswerMoment;
using home_agent::Division;
using home_agent::LoadSharing;
using home_agent::PrimaryAgent;
using home_agent::SecondaryAgent;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kLongestName = 63;
constexpr unsigned kLargestWeight = 1'000;
constexpr int kFewestHeartbeats = 3;  // that have to be lost before an agent counts as dead: one or two get lost

void read_how(const toml::table& table, LoadSharing& out, ConfigurationErrors& errors) {
  TomlReader reader(table, "[load-sharing]", errors);
  take(out.port, reader.number("port", 1, 65'535));
  take(out.division, reader.word("division", {"manual", "equal", "load"}));
  take(out.answer, reader.word("answer", {"after-secondary", "at-once"}));
  take(out.own_weight, reader.number("own-weight", 0, kLargestWeight));
  if (const auto source = reader.word("tunnel-source", {"primary", "own"})) out.tunnel_from_primary = *source == 0;
  take(out.load_threshold, reader.number("load-threshold", 1, 1'000'000'000));
  take(out.load_tolerance, reader.number("load-tolerance", 1, 100));
  take(out.rest, reader.duration("rest", seconds{0}, hours{24}));
  take(out.heartbeat, reader.duration("heartbeat", milliseconds{10}, seconds{10}));
  take(out.dead_after, reader.duration("dead-after", milliseconds{30}, seconds{60}));
  take(out.linger, reader.duration("linger", seconds{0}, minutes{5}));
  if (out.dead_after < out.heartbeat * kFewestHeartbeats)
    reader.refuse("dead-after", "is shorter than three times heartbeat: a lost heartbeat or two would count as a death");
  reader.refuse_unknown_keys();
}

// As it can stand in a command line, a log and a label of a metric.
bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kLongestName && text.front() != '-' && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

// What secondaries and primaries have in common.
template <class Agent>
void read_agent(TomlReader& reader, const AgentKeysFile& keys, const Address& home_agent_address, const LoadSharing& before, Agent& out) {
  const auto anybody = [&](const auto& is_it) { return std::ranges::any_of(before.secondaries, is_it) || std::ranges::any_of(before.primaries, is_it); };
  if (reader.require("name", "what you call this home agent, like \"ha2\"")) {
    out.name = reader.text("name").value_or("");
    if (!is_name(out.name))
      reader.refuse("name", "expected 1 to 63 letters, digits and characters of -_. that do not begin with -");
    else if (anybody([&](const auto& other) { return other.name == out.name; }))
      reader.refuse("name", "\"" + out.name + "\" is the name of another one");
  }
  if (!reader.require("address", "the home-agent-address of that home agent")) return;
  const auto address = reader.address("address");
  if (!address) return;
  out.address = *address;
  if (*address == home_agent_address)
    reader.refuse("address", to_string(*address) + " is this home agent itself");
  else if (anybody([&](const auto& other) { return other.address == *address; }))
    reader.refuse("address", to_string(*address) + " stands there already; a home agent is a secondary or a primary of this one, and that once");
  if (!keys.keys) return;
  const auto key = keys.keys->find(*address);
  if (key != keys.keys->end())
    out.key = key->second;
  else
    reader.refuse("address", to_string(*address) + " has no key in " + keys.file.string() + "; add an [[agent]] with this address and the key that both have");
}

SecondaryAgent read_secondary(const toml::table& table, const AgentKeysFile& keys, const Address& home_agent_address, const LoadSharing& before,
                              ConfigurationErrors& errors) {
  TomlReader reader(table, "[[secondary]]", errors);
  SecondaryAgent out;
  read_agent(reader, keys, home_agent_address, before, out);
  take(out.weight, reader.number("weight", 0, kLargestWeight));
  reader.refuse_unknown_keys();
  return out;
}

std::vector<Prefix> read_prefixes(TomlReader& reader) {
  std::vector<Prefix> out;
  for (const auto& text : reader.texts("prefixes").value_or(std::vector<std::string>{})) {
    const auto prefix = Prefix::parse(text);
    if (!prefix)
      reader.refuse("prefixes", "\"" + text + "\" is no prefix; expected ones like \"2001:db8:1::/64\" with no bits set behind their length");
    else if (prefix->length() == 0)
      reader.refuse("prefixes", "\"" + text + "\" would let that home agent draw every address here; name its home prefixes");
    else
      out.push_back(*prefix);
  }
  return out;
}

PrimaryAgent read_primary(const toml::table& table, const AgentKeysFile& keys, const Address& home_agent_address, const LoadSharing& before,
                          ConfigurationErrors& errors) {
  TomlReader reader(table, "[[primary]]", errors);
  PrimaryAgent out;
  read_agent(reader, keys, home_agent_address, before, out);
  const std::size_t mistakes = errors.size();
  if (reader.require("prefixes", "the home prefixes that it may delegate addresses of, like [\"2001:db8:1::/64\"]")) {
    out.prefixes = read_prefixes(reader);
    if (out.prefixes.empty() && errors.size() == mistakes) reader.refuse("prefixes", "is empty; expected at least one home prefix");
  }
  take(out.capacity, reader.number("capacity", 1, 16'777'216));
  reader.refuse_unknown_keys();
  return out;
}

}  // namespace

void read_load_sharing(TomlReader& top, const AgentKeysFile& keys, const Address& home_agent_address, LoadSharing& out, ConfigurationErrors& errors) {
  if (const auto* table = top.table("load-sharing")) read_how(*table, out, errors);
  for (const auto* table : top.tables("secondary")) out.secondaries.push_back(read_secondary(*table, keys, home_agent_address, out, errors));
  for (const auto* table : top.tables("primary")) out.primaries.push_back(read_primary(*table, keys, home_agent_address, out, errors));
}

}  // namespace mipflow::platform
