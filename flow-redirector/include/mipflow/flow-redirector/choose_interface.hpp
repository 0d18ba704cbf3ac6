// SPDX-License-Identifier: GPL-3.0-or-later
// Which interface a flow uses: WO 2004/057826, Figure 4, step 23 ("a Care-of Address may then be chosen").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/interface_preference.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/flow-redirector/interface_table.hpp"

namespace mipflow::flow_redirector {

// What is known of a flow. The views must live as long as the call.
struct ChoiceRequest {
  std::string_view class_name;             // of its policy class, for the reason
  const InterfaceWish& wish;               // the class's
  std::optional<InterfaceIndex> commanded = std::nullopt;  // the operator moved the flow there
  InterfaceIndex current = 0;              // that it uses now; 0 for a new flow
  TimePoint now{};
};

struct InterfaceChoice {
  InterfaceIndex interface = 0;  // 0: none can be used
  bool by_command = false;
  std::string reason{};          // for the operator: "moved by command", "policy class 'voice'", "only usable interface", or
                                 // why there is none
  // When time alone may change the answer: a better interface has been good for InterfaceWish::return_after then.
  TimePoint look_again_at = kNever;
};

// An operator's command decides as long as its interface is usable. Else, of the usable interfaces that fit nothing in
// InterfaceWish::never:
//  1. the flow's own, and others that are online, before one of which nothing is known, that before one that is not online:
//     what is up but does not reach the home agent is taken only when the class permits no other that works;
//  2. the first preference that one of them fits, its condition included;
//  3. of several that fit it, the kind (wired, Wi-Fi, cellular, other), then where the flow is, then the name.
// A flow whose interface still fits some preference, and is not worse by rule 1, leaves it for a better one only when that
// has been fulfilling everything for return_after without a break. The same table and request always give the same answer.
InterfaceChoice choose_interface(const InterfaceTable& table, const ChoiceRequest& request);

// What choose_interface() would say of one interface.
struct InterfaceReason {
  InterfaceIndex index = 0;
  std::string name;
  bool chosen = false;
  // Half a sentence. Chosen: InterfaceChoice::reason. Else "has no carrier", "never (policy class 'voice')", "is metered",
  // "round trip 180 ms is not below 100 ms", "is not online: the home agent does not answer over it", "less preferred",
  // "good for 12 s of 30 s", ...
  std::string reason{};
};
// Of every interface that has been reported, by name. For people; costs more than the choice.
std::vector<InterfaceReason> explain_choice(const InterfaceTable& table, const ChoiceRequest& request);

}  // namespace mipflow::flow_redirector
