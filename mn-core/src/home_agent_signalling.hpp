// SPDX-License-Identifier: GPL-3.0-or-later
// The messages between the mobile node and its home agent: building what leaves, judging what arrives.
#pragma once

#include <cstdint>
#include <optional>

#include "binding_update_list.hpp"
#include "care_of.hpp"
#include "home_agent_security.hpp"
#include "mipflow/base/expected.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/mn-core/configuration.hpp"
#include "mipflow/wire/packet.hpp"
#include "movement.hpp"

namespace mipflow::mobile_node {

class HomeAgentSignalling {
 public:
  // `configuration` and `movement` must outlive the object.
  HomeAgentSignalling(const Configuration& configuration, const Movement& movement)
      : configuration_(configuration), movement_(movement), home_agent_(configuration.home_agent), security_(configuration) {}

  // The one that serves: whom prefixes and addresses are asked of.
  void set_home_agent(const Address& home_agent) { home_agent_ = home_agent; }

  // RFC 6275 §11.7.1; `lifetime_units` 0 de-registers. On the home link (the care-of address is the home address,
  // §11.5.5) it goes straight to the home agent's link-layer address, when that is known.
  // Returns what an acknowledgement has to match.
  OutstandingUpdate send_binding_update(const BindingUpdateListEntry& entry, const CareOf& care_of, std::uint16_t sequence,
                                        std::uint16_t lifetime_units, Now now, Outputs& outputs);

  // RFC 6275 §11.4.2, with the Home Address option of the primary home address, signed under its association.
  void send_mobile_prefix_solicitation(std::uint16_t identifier, const CareOf& care_of, Now now, Outputs& outputs);

  // A message of the address and policy service, with the Home Address option of the primary home address, authenticated
  // like a Binding Update. Returns the timestamp that an answer has to return; 0 without authentication.
  std::uint64_t send_agent_service(wire::AgentServiceMessage message, const CareOf& care_of, Now now, Outputs& outputs);

  // RFC 6275 §11.7.3 and RFC 4285 §5: whether a Binding Acknowledgement may be acted upon. Returns the Binding Update that
  // it answers (for status 135 the newest one that it can answer), or the name of the notice that counts it.
  struct Judged {
    OutstandingUpdate update;
    std::uint64_t returned_timestamp = 0;  // 0 when there is none
  };
  Expected<Judged, const char*> judge(const wire::PacketView& view, const wire::BindingAcknowledgement& acknowledgement,
                                      const BindingUpdateListEntry& entry);
  // The same for a Mobile Prefix Advertisement to one of our home addresses, but for the identifier, which its asker knows.
  // nullptr: it is right.
  const char* judge(const wire::PacketView& view, const wire::MobilePrefixAdvertisement& advertisement);
  // The same for a message of the service, but for its transaction and timestamp.
  const char* judge(const wire::PacketView& view, const wire::AgentServiceMessage& message);
  // How long the next binding may last, in units of 4 s: what is configured, bounded by the home address and the care-of
  // address (RFC 6275 §11.7.1). 0 when one of them ends within the next unit.
  std::uint16_t lifetime_units(TimePoint home_address_valid_until, const CareOf& care_of, TimePoint now) const;

  HomeAgentSecurity& security() { return security_; }
  const HomeAgentSecurity& security() const { return security_; }
  void set_home_agent_link_layer_address(std::optional<LinkLayerAddress> address) { home_agent_link_layer_ = address; }

 private:
  const Configuration& configuration_;
  const Movement& movement_;
  Address home_agent_;
  HomeAgentSecurity security_;
  std::optional<LinkLayerAddress> home_agent_link_layer_;
};

}  // namespace mipflow::mobile_node
