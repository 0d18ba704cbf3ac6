// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "conformance/harness/case.hpp"

namespace mipflow::conformance::mobile {

Group walk_cases();
Group home_walk_cases();
Group home_address_cases();
Group movement_cases();
Group home_update_cases();
Group home_acknowledgement_cases();
Group home_refresh_cases();
Group home_error_cases();
Group returning_home_cases();
Group shrinking_prefix_cases();
Group prefix_discovery_cases();
Group mobile_peer_cases();
Group security_cases();
Group authentication_cases();
Group home_further_cases();
Group home_test_init_cases();
Group home_test_cases();
Group care_of_test_init_cases();
Group care_of_test_cases();
Group update_cases();
Group acknowledgement_cases();
Group re_registration_cases();
Group binding_error_cases();
Group malformed_message_cases();
Group icmpv6_error_cases();
Group payload_cases();
Group agent_discovery_cases();
Group further_cases();

// Everything above in the order of the suite.
std::vector<Group> mobile_node_groups();

}  // namespace mipflow::conformance::mobile
