// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"
#include "mipflow/wire/icmpv6.hpp"
#include "registration_request.hpp"

namespace mipflow::home_agent {

// Duplicate Address Detection on behalf of mobile nodes, RFC 6275 §10.3.1 and RFC 4862 §5.4: one Neighbor Solicitation
// from `::` for the home address (with L also for the link-local address made from it), then a second of silence. The
// registration waits here meanwhile; a newer Binding Update takes the place of the one that waits, so that the newest is
// answered.
class DuplicateAddressDetection {
 public:
  explicit DuplicateAddressDetection(forwarding::ForwardingPlan& plan) : plan_(plan) {}

  void start(const RegistrationRequest& request, InterfaceIndex home_interface, TimePoint until, Outputs& outputs);
  // The registration that waits for this home address; nullptr when none does.
  const RegistrationRequest* waiting(const Address& home_address) const;
  void replace(const RegistrationRequest& newer);
  // Ends the detection; the registration is handed back.
  std::optional<RegistrationRequest> take(const Address& home_address);

  // Somebody on the home link uses, or wants to use, the address: the home addresses whose detection fails by it.
  std::vector<Address> conflicting(const Address& target) const;

  TimePoint next_deadline() const { return ends_.next(); }
  // A home address that nobody else uses.
  std::optional<Address> take_finished(TimePoint now) { return ends_.take_due(now); }

 private:
  struct Detection {
    RegistrationRequest request;
    InterfaceIndex home_interface;
    std::vector<Address> targets;
  };
  void solicit(const Address& target, InterfaceIndex home_interface, Outputs& outputs);

  forwarding::ForwardingPlan& plan_;
  std::unordered_map<Address, Detection> detections_;               // by home address
  std::unordered_multimap<Address, Address> home_addresses_of_;     // by address that is looked for
  DeadlineQueue<Address> ends_;
};

// Does this neighbour discovery message show that somebody else has the target or is about to take it? Every
// advertisement does; a solicitation does when its source is `::`, otherwise its sender is only looking for the target.
bool shows_duplicate(const wire::NeighborSolicitation& solicitation, const Address& source);

}  // namespace mipflow::home_agent
