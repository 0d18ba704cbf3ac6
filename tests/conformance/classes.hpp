// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace mipflow::conformance {

// The class of a case in its suite: basic, or the function that it needs (RHL: a real home link, RR: return routability, MPD and
// DHAAD: mobile prefix and home agent address discovery, M2M: two mobile nodes, BRR: Binding Refresh Requests, IKE, IPsec; with +
// between two of them); "further" for cases that are in no suite.
std::string_view class_of(std::string_view id);

}  // namespace mipflow::conformance
