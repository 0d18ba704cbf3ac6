// SPDX-License-Identifier: GPL-3.0-or-later
// What the mobile node makes of what correspondent nodes, and others in their name, say: answers, errors, silence.
#pragma once

#include <chrono>
#include <cstdint>
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

enum class Shortcoming : std::uint8_t {
  Silent,
  Refuses,
  Incapable,  // it knows nothing of mobility: there is nothing to tell it
};
// How long somebody is left alone at first, and at most.
constexpr Duration left_alone_for(Shortcoming what) {
  return what == Shortcoming::Incapable ? Duration{std::chrono::hours{1}} : std::chrono::minutes{5};
}
inline constexpr Duration kAvoidAtMost = std::chrono::hours{4};

// Uses the tunnel with this correspondent node for a while, longer each time in a row, and has it delete the bindings that it may
// have; `reason` is half a sentence about it.
void avoid(Node& node, const Address& correspondent, Shortcoming what, std::string reason, Now now, Outputs& outputs);

}  // namespace mipflow::mobile_node
