// SPDX-License-Identifier: GPL-3.0-or-later
// Returning home, RFC 6275 §11.5.5.
//
//  Away       the primary home address should be bound to an address of the home link
//             -> Resolving: ask for the home agent's link-layer address, from `::`, as the home address is not ours yet
//  Resolving  answer, or three questions without one -> Announcing. Without a binding that we know of the questions are duplicate
//             address detection, RFC 4862 §5.4, and an answer is the home agent's when it has one of before a restart: it is asked
//             to delete that as well
//  Announcing a Binding Update with lifetime 0 per home address, straight to the home agent; Neighbor Solicitations for the
//             home addresses are answered from now on, or it could not deliver its answer. Data stays in the tunnel.
//             Per answer: three Neighbor Advertisements, 1 s apart; that home address takes the kernel's way from now on.
//  InUse      the home agent has nothing to delete (133), and yet somebody answers again: the home address is another node's. It is
//             not used; a minute later -> Resolving
//  any of them, when the home link is no longer where the primary home address should be -> Away
//
// It waits until no flow has another home address than the one its socket is bound to: at home packets take the kernel's
// way and nobody rewrites them. As long as there are such flows, the home link is used like any other link and new flows
// stay on the primary home address, so the wait ends.
#pragma once

#include <optional>
#include <vector>

#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/icmpv6.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::mobile_node {

struct Node;
struct ManagedHomeAddress;

struct ReturningHome {
  enum class Phase : std::uint8_t { Away, Resolving, Announcing, InUse };

  Phase phase = Phase::Away;
  InterfaceIndex interface = 0;  // on the home link
  unsigned solicitations = 0;
  TimePoint next_solicitation = kNever;
  bool answered = false;  // the last questions were

  struct Announcement {
    Address address;
    unsigned left = 0;
    TimePoint next = kNever;
  };
  std::vector<Announcement> announcements;

  TimePoint next_deadline() const;
};

// True when the primary home address is meant to be on the home link, at home or not.
bool is_on_home_link(const Node& node);
// Starts to return home, goes on with it, or leaves home again, as targets and flows are now.
void check_returning_home(Node& node, Now now, Outputs& outputs);
void returning_home_deadline(Node& node, Now now, Outputs& outputs);
// The home agent has taken its binding away: from now on the address is here.
void arrived_home(Node& node, ManagedHomeAddress& address, Now now, Outputs& outputs);

void handle_neighbour_advertisement(Node& node, const wire::NeighborAdvertisement& advertisement, InterfaceIndex interface,
                                    Now now, Outputs& outputs);
void handle_neighbour_solicitation(Node& node, const wire::PacketView& view, const wire::NeighborSolicitation& solicitation,
                                   const PacketReceived& event, Outputs& outputs);

}  // namespace mipflow::mobile_node
