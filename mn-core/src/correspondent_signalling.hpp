// SPDX-License-Identifier: GPL-3.0-or-later
// The messages between the mobile node and a correspondent node: building what leaves, judging what arrives.
#pragma once

#include <cstdint>
#include <optional>

#include "correspondent.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::mobile_node {

// RFC 6275 §11.6.1: from the home address through the tunnel, or plainly on the home link (`tunnel_from` is empty then).
// Never with a Home Address option.
OutgoingPacket home_test_init(const HomeAddressAndCorrespondent& pair, wire::Cookie cookie,
                              const std::optional<CareOf>& tunnel_from, const Address& home_agent, InterfaceIndex at_home_on);
// RFC 6275 §11.6.1: from the care-of address itself.
OutgoingPacket care_of_test_init(const CareOf& care_of, const Address& correspondent, wire::Cookie cookie);

// RFC 6275 §11.7.2, §5.2.6: registers `care_of`.
struct UpdateWithTokens {
  OutgoingPacket packet;
  OutstandingCorrespondentUpdate outstanding;
};
UpdateWithTokens binding_update(const HomeAddressAndCorrespondent& pair, const CareOf& care_of, const HeldToken& home,
                                const HeldToken& care_of_token, std::uint16_t sequence, std::uint16_t lifetime_units,
                                TimePoint now);
// The same with lifetime 0: the key is made of the home keygen token alone. `from` is a care-of address, or the home
// address on the home link. Away from home it names the home address as Alternate Care-of Address, without which there
// are correspondent nodes that do not take it.
UpdateWithTokens binding_deletion(const HomeAddressAndCorrespondent& pair, const CareOf& from, const HeldToken& home,
                                  std::uint16_t sequence, TimePoint now);

// RFC 6275 §11.7.3: the Binding Update that an acknowledgement answers, nullptr when it must be ignored. Statuses 136 to
// 138 come without an authenticator.
const OutstandingCorrespondentUpdate* answered_update(const CorrespondentRegistration& registration,
                                                      const wire::PacketView& view,
                                                      const wire::BindingAcknowledgement& acknowledgement);

}  // namespace mipflow::mobile_node
