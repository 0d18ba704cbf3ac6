// SPDX-License-Identifier: GPL-3.0-or-later
// Registrations that are accepted, and those that are not.
#include "conformance/home_agent/bench.hpp"
#include "conformance/home_agent/groups.hpp"

namespace mipflow::conformance::home {

namespace {

using enum wire::BindingStatus;

constexpr Duration kUnit = 4s;

void plain(HomeAgentBench& bench) {
  bench.accept({});
  bench.probe_answered();
}
void without_acknowledge(HomeAgentBench& bench) {
  bench.accept({.flags = kHomeRegistration});
  bench.probe_answered();
}
void reserved(HomeAgentBench& bench) {
  bench.accept({.flags = kAcknowledge | kHomeRegistration | 0x00ff, .reserved = 0xff});
  bench.probe_answered();
}
void shorter(HomeAgentBench& bench) {
  const auto granted = bench.accept({}).lifetime_units;
  bench.probe_answered();
  Update half = Update{}.from(kCareOf1);
  half.lifetime = granted / 2;
  bench.accept(half);
  bench.probe_answered();
  bench.wait(half.lifetime * kUnit);
  bench.probe_refused();
}
void ends(HomeAgentBench& bench) {
  const auto granted = bench.accept({.lifetime = 8});
  const TimePoint end = bench.last_arrival + granted.lifetime_units * kUnit;
  bench.probe_answered();
  bench.wait_until(end - 1s);
  bench.probe_answered();
  bench.wait_until(end);
  bench.probe_refused();
}
void no_longer_than_the_prefix(HomeAgentBench& bench) {
  bench.send(Update{.lifetime = 0xffff});
  const auto granted = bench.expect_acknowledgement({.lifetime = 0xffff}, AcceptedPrefixDiscoveryNecessary);
  require(granted.lifetime_units == 250, "wanted 250 units, the prefix's 1000 s, got " + std::to_string(granted.lifetime_units));
  bench.saw("250 units");
  bench.probe_answered();
}

void unprotected(HomeAgentBench& bench) {
  bench.ignore({.authentication = Update::Authentication::Missing}, "a Binding Update without protection");
  bench.probe_refused();
}
void with_nonce_indices(HomeAgentBench& bench) {
  bench.ignore({.nonce_indices = true}, "a home registration with Nonce Indices");
  bench.probe_refused();
}
void other_home_address(HomeAgentBench& bench, const Address& home_address, std::uint16_t flags) {
  bench.accept({.flags = flags});
  bench.probe_answered();
  bench.ignore({.home_address = home_address, .source = kCareOf2, .sequence = 16, .flags = flags},
               "a Binding Update for " + to_string(home_address));
  bench.probe_answered();
}
void multicast(HomeAgentBench& bench) { other_home_address(bench, kMulticast, kAcknowledge | kHomeRegistration); }
void link_local(HomeAgentBench& bench) { other_home_address(bench, kHomeLinkLocal, kAcknowledge | kHomeRegistration); }
void link_local_compatible(HomeAgentBench& bench) {
  other_home_address(bench, kHomeLinkLocal, kAcknowledge | kHomeRegistration | kLinkLocalCompatibility);
}
void elsewhere(HomeAgentBench& bench) {
  bench.refuse({.home_address = kElsewhere}, NotHomeSubnet);
  bench.probe_refused(kCareOf1, kElsewhere);
}
void elsewhere_without_acknowledge(HomeAgentBench& bench) {
  bench.refuse({.home_address = kElsewhere, .flags = kHomeRegistration}, NotHomeSubnet);
  bench.probe_refused(kCareOf1, kElsewhere);
}

}  // namespace

std::vector<Group> registration_cases() {
  constexpr const char* kKeys = "Needs keys by IKE, which mipflow leaves to others: K is always answered with 0 (§10.3.1)";
  Group accepted{"Registrations that are accepted", {}};
  add_twins(accepted, "HA_2_1_1", "HA_2_1_5", "REG", "10.3.1, 9.5.4, 6.1.8", plain);
  add_twins(accepted, "HA_2_1_2", "HA_2_1_6", "A = 0 is acknowledged too", "10.3.1", without_acknowledge);
  add_twins(accepted, "HA_2_1_14", "HA_2_1_15", "reserved bits", "6.1.1, 6.1.7", reserved);
  add_twins(accepted, "HA_2_1_3", "HA_2_1_7", "again with half the lifetime", "10.3.1", shorter);
  add_twins(accepted, "HA_2_1_4", "HA_2_1_8", "a binding ends with its lifetime", "10.3.1, 9.6", ends);
  accepted.cases.push_back(home_agent_case(
      "HA_2_1_9", "no longer than the home prefix is valid", "10.3.1, 10.6.4", Link::Real, no_longer_than_the_prefix,
      "The prefix's lifetime is the configured one: Router Advertisements are the router's",
      [](home_agent::Configuration& configuration) { configuration.home_prefixes.front().valid_lifetime = 1000s; }));
  for (const char* id : {"HA_2_1_10", "HA_2_1_11", "HA_2_1_12", "HA_2_1_13"})
    accepted.cases.push_back(not_applicable(id, "K with dynamic keying", "10.3.1", kKeys));

  Group refused{"Registrations that are refused", {}};
  add_twins(refused, "HA_2_2_3", "HA_2_2_6", "without the protection that is demanded", "10.3.1, 5.1", unprotected);
  add_twins(refused, "HA_2_2_7", "HA_2_2_8", "with Nonce Indices", "9.5.1", with_nonce_indices);
  add_twins(refused, "HA_2_2_13", "HA_2_2_14", "a multicast home address", "9.3.1, 9.5.1", multicast);
  add_twins(refused, "HA_2_2_9", "HA_2_2_11", "a link-local home address", "9.3.1, 9.5.1", link_local);
  add_twins(refused, "HA_2_2_10", "HA_2_2_12", "a link-local home address with L", "9.3.1, 9.5.1", link_local_compatible);
  add_twins(refused, "HA_2_2_1", "HA_2_2_4", "a home address below no home prefix", "10.3.1", elsewhere);
  add_twins(refused, "HA_2_2_2", "HA_2_2_5", "a home address below no home prefix, A = 0", "10.3.1",
            elsewhere_without_acknowledge);
  return {accepted, refused};
}

}  // namespace mipflow::conformance::home
