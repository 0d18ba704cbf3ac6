// SPDX-License-Identifier: GPL-3.0-or-later
// Movement detection, RFC 6275 §11.5.1, by what the kernel reports. A new router or prefix alone moves nothing; an
// interface that stops being usable does.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "care_of.hpp"
#include "mipflow/base/address.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/flow-redirector/interface_table.hpp"
#include "mipflow/mn-core/events.hpp"

namespace mipflow::mobile_node {

class Movement {
 public:
  explicit Movement(const Prefix& home_prefix) : home_prefix_(home_prefix) {}

  // These return true when something that concerns flows is different now.
  bool handle(const InterfaceChanged& event, TimePoint now);
  bool handle(const InterfaceRemoved& event);
  bool handle(const AddressChanged& event, TimePoint now);
  bool handle(const AddressRemoved& event, TimePoint now);
  bool handle(const RouterChanged& event, TimePoint now);
  bool handle(const RouterRemoved& event, TimePoint now);
  // The home agent refused it as care-of address (status 174): as if the address were not there before `until`.
  bool refuse_care_of_address(const CareOf& care_of, TimePoint until, TimePoint now);
  // What was measured of an interface, for the choice among those that can carry.
  bool set_quality(InterfaceIndex interface, const flow_redirector::InterfaceQuality& quality, TimePoint now) {
    return table_.set_quality(interface, quality, now);
  }
  bool on_deadline(TimePoint now);
  TimePoint next_deadline() const;

  const flow_redirector::InterfaceTable& table() const { return table_; }
  // The care-of address of an interface; nullopt while it is not usable.
  std::optional<CareOf> care_of(InterfaceIndex interface) const;
  // In the order of preference when nothing else decides.
  std::vector<CareOf> usable() const;
  // Those of them that are not known as leading nowhere; all when that is said of each.
  std::vector<CareOf> online() const;
  // True while packets may leave from this address: its interface works and still has it, chosen or not.
  bool still_works(const CareOf& care_of) const;
  // True when the address belongs to the home link (RFC 6275 §11.5.1: the home prefix is on-link there).
  bool on_home_link(const CareOf& care_of) const { return home_prefix_.contains(care_of.address); }
  // When the address stops being valid; kNever when it is unknown or has no end.
  TimePoint valid_until(const CareOf& care_of) const;
  std::optional<Address> link_local(InterfaceIndex interface) const;
  std::optional<LinkLayerAddress> link_layer_address(InterfaceIndex interface) const;
  // Every address that packets may arrive at: what the data path and the rules have to know as care-of addresses.
  std::vector<CareOf> addresses() const;

 private:
  struct Refused {
    CareOf care_of;
    TimePoint until;
    std::optional<flow_redirector::CandidateAddress> hidden;  // as the kernel reported it last
  };

  Prefix home_prefix_;
  flow_redirector::InterfaceTable table_;
  std::map<InterfaceIndex, Address> link_local_;
  std::map<InterfaceIndex, LinkLayerAddress> link_layer_;
  std::vector<Refused> refused_;
};

}  // namespace mipflow::mobile_node
