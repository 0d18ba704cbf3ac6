// SPDX-License-Identifier: GPL-3.0-or-later
// The cases of the home agent, one function for each subject.
#pragma once

#include <vector>

#include "conformance/harness/case.hpp"

namespace mipflow::conformance::home {

std::vector<Group> mobility_header_cases();     // bring-up, RFC 6275 §9.2
std::vector<Group> registration_cases();        // §10.3.1: accepted and refused
std::vector<Group> detection_cases();           // §10.3.1: duplicate address detection
std::vector<Group> sequence_cases();            // §9.5.1
std::vector<Group> deregistration_cases();      // §10.3.2
std::vector<Group> neighbour_cases();           // §10.4.1
std::vector<Group> tunnel_cases();              // §10.4.2, §10.4.5
std::vector<Group> return_routability_cases();  // §10.4.6
std::vector<Group> discovery_cases();           // §10.5.1
std::vector<Group> prefix_cases();              // §10.6
std::vector<Group> further_cases();             // of no suite
std::vector<Group> authentication_cases();      // RFC 4285

// All of them in this order.
std::vector<Group> home_agent_groups();

}  // namespace mipflow::conformance::home
