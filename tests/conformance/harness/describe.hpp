// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "mipflow/base/bytes.hpp"

namespace mipflow::conformance {

// A packet in one line, for the message of a failing case: "binding-acknowledgement 135 sequence 7 to 2001:db8:a::10 with
// type 2 routing header 2001:db8:100::100".
std::string describe(BytesView packet);
std::string describe(const std::vector<Bytes>& packets);  // "nothing" when there are none

}  // namespace mipflow::conformance
