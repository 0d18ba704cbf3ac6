// SPDX-License-Identifier: GPL-3.0-or-later
// What correspondent nodes answer: RFC 6275 §11.6.2, §11.7.3, §11.7.4, §11.3.5, §11.3.6.
#pragma once

#include "mipflow/wire/packet.hpp"
#include "node.hpp"

namespace mipflow::mobile_node {

// These return why the message was ignored, as half a sentence, or nullptr.
const char* receive_home_test(Node& node, const PacketReceived& event, const wire::PacketView& view,
                              const wire::HomeTest& message, Now now, Outputs& outputs);
const char* receive_care_of_test(Node& node, const PacketReceived& event, const wire::PacketView& view,
                                 const wire::CareOfTest& message, Now now, Outputs& outputs);
const char* receive_correspondent_acknowledgement(Node& node, const wire::PacketView& view,
                                                  const wire::BindingAcknowledgement& message, Now now, Outputs& outputs);
const char* receive_correspondent_refresh_request(Node& node, const wire::PacketView& view, Now now, Outputs& outputs);
const char* receive_correspondent_error(Node& node, const wire::PacketView& view, const wire::BindingError& message, Now now,
                                        Outputs& outputs);
// An ICMPv6 error that quotes a packet of ours to a correspondent node, with a Mobility Header or a Home Address option.
// False when it quotes something else.
bool receive_error_about_correspondent(Node& node, const wire::PacketView& view, const wire::Icmpv6Error& error, Now now,
                                       Outputs& outputs);

}  // namespace mipflow::mobile_node
