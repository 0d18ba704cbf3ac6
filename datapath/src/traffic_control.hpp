// SPDX-License-Identifier: GPL-3.0-or-later
// Our programs on the clsact queueing discipline of interfaces.
#pragma once

#include <string>

#include "error.hpp"
#include "mipflow/base/address.hpp"

namespace mipflow::datapath {

enum class Hook : std::uint8_t { Ingress, Egress };

// Filters of a role have priorities of their own, so that they are found again after a crash and do not meet others'.
// The program has this one, what stands behind it the next.
std::uint32_t filter_priority(Role role);
// Whether packets that arrive for the role go on in mip0's ingress; a correspondent node's stay where they arrived.
bool leads_into_mip0(Role role);

// Replaces the role's program on the hook, without a moment in which there is none.
Result attach(InterfaceIndex interface, Hook hook, Role role, int program_fd);
// Behind the role's program: what `program_fd` matches continues in the ingress of `target`.
Result lead_into(InterfaceIndex target, InterfaceIndex interface, Hook hook, Role role, int program_fd);
// Takes the role's program and what belongs to it away, and the clsact when nobody's filter is left on it. Nothing there is no error.
Result detach(InterfaceIndex interface, Hook hook, Role role);
// At the ingress: with what stands behind it, if the role has something there.
bool is_attached(InterfaceIndex interface, Hook hook, Role role);

}  // namespace mipflow::datapath
