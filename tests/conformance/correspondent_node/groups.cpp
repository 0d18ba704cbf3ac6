// SPDX-License-Identifier: GPL-3.0-or-later
#include "conformance/correspondent_node/groups.hpp"

namespace mipflow::conformance {

std::vector<Group> correspondent_node_groups() {
  return {exchange_cases(), home_test_init_cases(), care_of_test_init_cases(), update_format_cases(),
          unknown_type_cases(), acknowledge_bit_cases(), bad_address_cases(), alternate_address_cases(),
          refresh_cases(), deletion_cases(), handover_cases(), nonce_cases(),
          sequence_cases(), lifetime_cases(), home_registration_bit_cases(),
          replay_cases(), home_address_option_cases(), further_correspondent_cases()};
}

}  // namespace mipflow::conformance
