// SPDX-License-Identifier: GPL-3.0-or-later
// What the mobile node knows about correspondent nodes: one Correspondent per node, with the care-of tests that all home
// addresses share, and one CorrespondentRegistration per home address and correspondent node.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "binding_update_list.hpp"
#include "care_of.hpp"
#include "mipflow/base/crypto.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/base/token_bucket.hpp"
#include "mipflow/flow-separator/policy.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"
#include "routability_test.hpp"

namespace mipflow::mobile_node {

using forwarding::HomeAddressAndCorrespondent;

// Route optimisation with a node was given up for a while; packets go through the tunnel.
struct Avoidance {
  TimePoint until{};
  std::string reason;  // half a sentence about the node: "does not understand Mobility Headers"
};

struct Correspondent {
  // By care-of address: one test serves every home address (RFC 6275 §11.6.1).
  std::map<Address, RoutabilityTest> care_of_tests;
  // RFC 6275 §11.8: MAX_UPDATE_RATE messages of one type per second and correspondent node.
  UpdateRateLimit home_test_rate;
  UpdateRateLimit care_of_test_rate;
  UpdateRateLimit update_rate;
  std::optional<Avoidance> avoided;
  unsigned disappointments = 0;  // in a row; the next one is avoided longer
  // It takes no packets from a care-of address that it has just been told to forget, and said so by a Binding Error.
  bool refuses_former_care_of_address = false;
  bool has_bound = false;        // it accepted a binding since the last disappointment

  // nullptr when nothing speaks against trying.
  const Avoidance* avoidance(TimePoint now) const { return avoided && now < avoided->until ? &*avoided : nullptr; }
};

// A Binding Update to a correspondent node that may still be acknowledged, and what its acknowledgement is verified with.
struct OutstandingCorrespondentUpdate {
  std::uint16_t sequence = 0;
  TimePoint sent_at{};
  CareOf care_of;                 // where it asked the packets to go; from where it was sent when it deletes
  Address authenticated_care_of;  // in the authenticator: the home address when it deletes
  std::uint16_t lifetime_units = 0;
  Sha1Digest key{};
  TimePoint peer_bound_before = TimePoint::min();  // until when the correspondent node could have had a binding when this one left
};

// A registration whose flows carried no packet for so long is not kept fresh: neither tests nor refreshing Binding Updates.
inline constexpr Duration kActiveFor = std::chrono::seconds{60};

// The registration of one home address with one correspondent node, RFC 6275 §11.7.2.
struct CorrespondentRegistration {
  enum class Phase : std::uint8_t {
    Binding,    // flows want the direct path: tests are done, Binding Updates sent and refreshed
    Releasing,  // nobody wants it any more: the binding is deleted, or ends, and then the registration is forgotten
  };

  explicit CorrespondentRegistration(BindingUpdateListEntry& list_entry) : entry(list_entry) {}

  BindingUpdateListEntry& entry;  // state, acknowledged care-of address, times; its `outstanding` and `rate` are not used
  Phase phase = Phase::Binding;
  RoutabilityTest home_test;
  TimePoint paused_until = TimePoint::min();  // no Home Test came, from a node that others have a binding with; not asked before
  std::optional<CareOf> target;   // where the flows should be; nullopt while no interface can carry them
  std::vector<OutstandingCorrespondentUpdate> outstanding;  // newest last
  Backoff backoff{wire::kInitialBindackTimeout, wire::kMaxBindackTimeout};
  unsigned corrections = 0;       // answers 135 to 138 in a row
  // Until when the correspondent node can have a binding, whether it told us or not.
  TimePoint peer_bound_until = TimePoint::min();
  // Where it sends until then, while no binding of it is acknowledged any more; nullopt: nobody knows.
  std::optional<CareOf> peer_sends_to;

  forwarding::BindingId binding = 0;  // its item in the forwarding plan
  std::optional<CareOf> path;         // of the flows' packets, as planned; nullopt is the tunnel
  std::string interface_reason;       // why the target, for the operator
  // A Binding Update for another care-of address has left, and the former one is lost: packets follow it from this time
  // on. Not before: one that overtakes it comes from an address that the correspondent node does not know yet.
  TimePoint follow_at = kNever;
  // The acknowledgement of that Binding Update does not come: from this time on packets take the tunnel until it does.
  TimePoint patience_ends = kNever;
  bool following = false;          // the time of follow_at has come, and the Binding Update has left
  TimePoint accepted_at{};         // when the last acknowledgement came
  unsigned option_refusals = 0;    // by the correspondent node itself, since then
  // A path that was not used before has to show that it carries data in both directions: somebody on it may let Mobility
  // Headers pass and nothing else with such headers. Reports of the data path since it is used, packets sent since the
  // first of them; none while there is nothing to show any more.
  std::optional<unsigned> reports_on_probation;
  std::uint64_t sent_on_probation = 0;

  std::map<FlowId, flow_separator::RouteOptimization> flows;  // what their classes want
  unsigned forbidding = 0;                                    // flows of classes that forbid it
  TimePoint last_active{};                                    // when one of the flows carried a packet
  bool is_active(TimePoint now) const { return !flows.empty() && now < last_active + kActiveFor; }
  TimePoint unused_since = kNever;                            // since when there are no flows

  // As filed in Correspondents.
  TimePoint due = kNever;
  TimePoint active_when_filed{};
};

// The direct path is not wanted any more; what is left to do is to delete the binding.
void begin_release(CorrespondentRegistration& registration);
// Nothing is under way any more.
void end_exchange(CorrespondentRegistration& registration);
// As far as we know the correspondent node has no binding now.
void unbind(CorrespondentRegistration& registration, RegistrationState state);

class Correspondents {
 public:
  // A flood of correspondents must not grow what is remembered of them.
  static constexpr std::size_t kRemembered = 4'096;

  // The entry, made when there is none. References stay valid until it is forgotten.
  Correspondent& correspondent(const Address& address) { return correspondents_[address]; }
  Correspondent* find(const Address& address) {
    const auto found = correspondents_.find(address);
    return found == correspondents_.end() ? nullptr : &found->second;
  }
  const Correspondent* find(const Address& address) const {
    const auto found = correspondents_.find(address);
    return found == correspondents_.end() ? nullptr : &found->second;
  }

  using Registrations = std::unordered_map<HomeAddressAndCorrespondent, CorrespondentRegistration>;
  CorrespondentRegistration& add(const HomeAddressAndCorrespondent& pair, BindingUpdateListEntry& entry);
  CorrespondentRegistration* find(const HomeAddressAndCorrespondent& pair) {
    const auto found = registrations_.find(pair);
    return found == registrations_.end() ? nullptr : &found->second;
  }
  const CorrespondentRegistration* find(const HomeAddressAndCorrespondent& pair) const {
    const auto found = registrations_.find(pair);
    return found == registrations_.end() ? nullptr : &found->second;
  }
  void erase(const HomeAddressAndCorrespondent& pair, TimePoint now);
  const Registrations& registrations() const { return registrations_; }
  // Those with this correspondent node, or of this home address. Costs one step per registration.
  std::vector<HomeAddressAndCorrespondent> with(const Address& correspondent) const;
  template <class Predicate>
  bool any_with(const Address& correspondent, Predicate&& holds) const {
    return std::ranges::any_of(registrations_, [&](const auto& item) { return item.first.correspondent == correspondent && holds(item.second); });
  }
  std::vector<HomeAddressAndCorrespondent> of(const Address& home_address) const;

  // Registrations are looked at when they say so; the earliest first, and of those of one time the one whose flows were active last:
  // they wait together for the next message that MAX_UPDATE_RATE permits.
  void schedule(const HomeAddressAndCorrespondent& pair, CorrespondentRegistration& registration, TimePoint due);
  std::optional<HomeAddressAndCorrespondent> take_due(TimePoint now);
  TimePoint next_due() const { return due_.empty() ? kNever : due_.begin()->time; }

  // Registrations that correspondent nodes bring about are begun at a bounded rate: each sends packets to an address
  // that somebody else wrote into a packet.
  bool may_begin_for_stranger(TimePoint now) { return beginnings_.take(now); }

 private:
  void forget_when_unused(const Address& correspondent, TimePoint now);

  std::unordered_map<Address, Correspondent> correspondents_;
  std::unordered_map<Address, std::size_t> uses_;  // registrations by correspondent node
  Registrations registrations_;
  struct Due {
    TimePoint time;
    TimePoint active;
    std::pair<Address, Address> pair;

    bool operator<(const Due& other) const { return std::tie(time, other.active, pair) < std::tie(other.time, active, other.pair); }
  };
  std::set<Due> due_;
  TokenBucket beginnings_{20, 20};
};

}  // namespace mipflow::mobile_node
