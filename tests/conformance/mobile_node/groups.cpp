// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/mobile_node/groups.hpp"

#include <iterator>

namespace mipflow::conformance::mobile {

std::vector<Group> mobile_node_groups() {
  std::vector<Group> out;
  for (const auto group : {home_walk_cases, walk_cases, home_address_cases, movement_cases, home_update_cases,
                           home_acknowledgement_cases, home_refresh_cases, returning_home_cases, home_test_init_cases,
                           home_test_cases, care_of_test_init_cases, care_of_test_cases, update_cases, acknowledgement_cases,
                           re_registration_cases, shrinking_prefix_cases, agent_discovery_cases, prefix_discovery_cases,
                           home_error_cases, binding_error_cases, malformed_message_cases, icmpv6_error_cases, payload_cases,
                           security_cases, mobile_peer_cases, further_cases, home_further_cases, authentication_cases})
    out.push_back(group());
  return out;
}

}  // namespace mipflow::conformance::mobile
