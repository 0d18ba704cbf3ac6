// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "conformance/harness/case.hpp"

namespace mipflow::conformance {

Group exchange_cases();
Group home_test_init_cases();
Group care_of_test_init_cases();
Group update_format_cases();
Group unknown_type_cases();
Group acknowledge_bit_cases();
Group bad_address_cases();
Group alternate_address_cases();
Group refresh_cases();
Group deletion_cases();
Group handover_cases();
Group nonce_cases();
Group sequence_cases();
Group lifetime_cases();
Group home_registration_bit_cases();
Group replay_cases();
Group home_address_option_cases();
Group further_correspondent_cases();

// RFC 6275 §8.2, §9: everything above in the order of the suite.
std::vector<Group> correspondent_node_groups();

}  // namespace mipflow::conformance
