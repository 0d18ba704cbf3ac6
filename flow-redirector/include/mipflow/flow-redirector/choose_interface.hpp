// SPDX-License-Identifier: GPL-3.0-or-later
// Which interface a flow uses: WO 2004/057826, Figure 4, step 23 ("a Care-of Address may then be chosen").
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mipflow/base/address.hpp"
#include "mipflow/flow-redirector/interface_table.hpp"

namespace mipflow::flow_redirector {

// What is known of a flow. The views must live as long as the call.
struct ChoiceRequest {
  std::string_view class_name;             // of its policy class, for the reason
  std::span<const std::string> interfaces; // the class's patterns, most preferred first
  std::optional<InterfaceIndex> commanded = std::nullopt;  // the operator moved the flow there
  InterfaceIndex current = 0;              // that it uses now; 0 for a new flow
};

struct InterfaceChoice {
  InterfaceIndex interface = 0;  // 0: none can be used
  bool by_command = false;
  std::string reason;            // for the operator: "moved by command", "policy class 'voice'", "only usable interface", or
                                 // why there is none
};

// An operator's command decides as long as its interface is usable. Else the first pattern of the policy class that a usable
// interface matches; among several that match it the kind decides (wired, Wi-Fi, cellular, other), then the flow stays where
// it is, then the name. The same table and request always give the same answer.
InterfaceChoice choose_interface(const InterfaceTable& table, const ChoiceRequest& request);

// `*` stands for any number of characters, `?` for one; everything else for itself.
bool matches_interface_pattern(std::string_view pattern, std::string_view name);

}  // namespace mipflow::flow_redirector
