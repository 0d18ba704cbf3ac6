// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/home_agent/groups.hpp"

#include <iterator>

namespace mipflow::conformance::home {

std::vector<Group> home_agent_groups() {
  std::vector<Group> out;
  for (const auto& groups : {mobility_header_cases, registration_cases, detection_cases, sequence_cases, deregistration_cases,
                             neighbour_cases, tunnel_cases, return_routability_cases, discovery_cases, prefix_cases,
                             further_cases, authentication_cases}) {
    auto some = groups();
    std::move(some.begin(), some.end(), std::back_inserter(out));
  }
  return out;
}

}  // namespace mipflow::conformance::home
