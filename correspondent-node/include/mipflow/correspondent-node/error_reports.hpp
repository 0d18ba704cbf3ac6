// SPDX-License-Identifier: GPL-3.0-or-later
// Answers to packets that are wrong: Binding Errors and ICMPv6 Parameter Problems, RFC 6275 §9.2 and §9.3. Both the
// correspondent node and the home agent give them.
#pragma once

#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/base/token_bucket.hpp"
#include "mipflow/wire/error.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::correspondent_node {

class ErrorReports {
 public:
  // RFC 6275 §9.3.3: to the source on the wire, never by a routing header, a binding or a tunnel. `home_address` is the
  // one of the Home Address option, `::` when there was none.
  void send_binding_error(wire::BindingErrorStatus status, const wire::PacketView& offender, InterfaceIndex interface,
                          TimePoint now, Outputs& outputs);

  // RFC 6275 §9.2: a packet to one of our addresses that decode_packet() refused. Most kinds of error are dropped without
  // an answer.
  void answer_undecodable(const wire::DecodeError& error, const PacketReceived& packet, TimePoint now, Outputs& outputs);

 private:
  void send_parameter_problem(const wire::DecodeError& error, const wire::PacketView& offender,
                              const PacketReceived& packet, TimePoint now, Outputs& outputs);

  TokenBucket bucket_;  // one for all kinds: RFC 4443 §2.4 (f)
};

}  // namespace mipflow::correspondent_node
