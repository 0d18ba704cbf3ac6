// SPDX-License-Identifier: GPL-3.0-or-later
// Home addresses that stay the mobile node's over a restart, as they are kept meanwhile (Outputs::kept with the name
// kKeptHomeAddresses): pinned ones, and leases that the policy has given to a class for good.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/hoa-alloc/home_address_table.hpp"

namespace mipflow::mobile_node {

inline constexpr const char* kKeptHomeAddresses = "home-addresses";
inline constexpr std::size_t kLongestKeptHomeAddresses = 1024 * 1024;  // octets of the document

struct KeptHomeAddress {
  Address home_address;
  bool pinned = true;  // false: a class has it for good, as long as the policy says so
  hoa_alloc::Origin origin = hoa_alloc::Origin::Prefix;
  // Ends of the lifetimes, since 1970, in whole seconds; Duration::max() is no end.
  Duration wall_preferred = Duration::max();
  Duration wall_valid = Duration::max();
  friend bool operator==(const KeptHomeAddress&, const KeptHomeAddress&) = default;
};

// The document: a line "mipflow-home-addresses 1", then one for each: "ADDRESS pinned|fixed ORIGIN PREFERRED VALID", the last two
// in seconds since 1970 or "forever".
std::string write_kept_home_addresses(const std::vector<KeptHomeAddress>& addresses);

// What was kept; else half a sentence that names the line and says what is wrong with it.
Expected<std::vector<KeptHomeAddress>, std::string> read_kept_home_addresses(std::string_view document);

}  // namespace mipflow::mobile_node
