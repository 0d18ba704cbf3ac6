// SPDX-License-Identifier: GPL-3.0-or-later
// What the mobile node makes of what correspondent nodes, and others in their name, say: answers, errors, silence.
#pragma once

#include <chrono>
#include <string>

#include "node.hpp"

namespace mipflow::mobile_node {

// `answered` as answered_update() found it.
void correspondent_acknowledged(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                                const wire::BindingAcknowledgement& acknowledgement,
                                const OutstandingCorrespondentUpdate& answered, Now now, Outputs& outputs);

// RFC 6275 §11.3.6, status 1: the correspondent node does not know the binding. The tunnel, and everything anew.
void binding_doubted(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                     const Address& care_of_address, Now now, Outputs& outputs);
// The correspondent node itself says by ICMPv6 that it does not understand the Home Address option of a packet. RFC 6275
// §11.3.5 has that logged and discarded, as whoever acknowledges Binding Updates understands it; unless its daemon has
// gone: some such errors in a row count as a Binding Error.
void option_refused(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                    const Address& care_of_address, Now now, Outputs& outputs);
// What the data path reports of a flow that takes the direct path. Without an answer where there always was one, the
// direct path is given up.
void judge_progress(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration,
                    const flow_separator::FlowCounters& before, const flow_separator::FlowCounters& after, Now now,
                    Outputs& outputs);
// RFC 6275 §11.7.4: a Binding Refresh Request.
void refresh_requested(Node& node, const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration, Now now,
                       Outputs& outputs);

// Uses the tunnel with this correspondent node for a while; `reason` is half a sentence about it. Longer each time in a row.
void avoid(Node& node, const Address& correspondent, std::string reason, Duration first_time, Now now, Outputs& outputs);
// How long somebody is left alone at first, and at most.
inline constexpr Duration kAvoidSilent = std::chrono::minutes{5};
inline constexpr Duration kAvoidRefusing = std::chrono::minutes{5};
inline constexpr Duration kAvoidIncapable = std::chrono::hours{1};
inline constexpr Duration kAvoidAtMost = std::chrono::hours{4};

}  // namespace mipflow::mobile_node
