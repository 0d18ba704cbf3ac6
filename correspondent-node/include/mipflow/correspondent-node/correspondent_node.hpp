// SPDX-License-Identifier: GPL-3.0-or-later
// The correspondent node role, RFC 6275 §9. It only dispatches; see base/role.hpp for the contract. The home agent role
// has one inside, because RFC 6275 §10 builds on §9.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "mipflow/base/random.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/correspondent-node/binding_request.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/packet.hpp"

namespace mipflow::correspondent_node {

struct Configuration {
  // false: answers no test and takes no Binding Update. Home Address options are refused with a Binding Error then.
  bool route_optimization = true;
  // Bindings at the same time. When the cache is full the one that was used least recently makes room, but never one that
  // was used within the last `busy_for`: so a flood of new bindings does not push out those that carry traffic.
  std::size_t binding_cache_capacity = 65'536;
  Duration busy_for = std::chrono::seconds{30};
  Duration longest_binding_lifetime = wire::kMaxRrBindingLifetime;  // at most MAX_RR_BINDING_LIFETIME
  // A Binding Refresh Request goes out that long before an active binding ends.
  Duration refresh_request_before_expiry = std::chrono::seconds{10};
  // How long packets with a Home Address option are still accepted from the care-of address before the present one: those
  // that were under way when the mobile node moved. It had passed return routability too. Zero: not at all.
  Duration previous_care_of_address_grace = std::chrono::seconds{2};
};

// What the data path saw of the bindings since the last such event: time since the last packet in either direction.
struct BindingActivities {
  std::unordered_map<forwarding::HomeAddressAndCorrespondent, Duration> idle;
};

// PacketReceived: signalling to one of our addresses; ICMPv6 errors about packets with a type 2 routing header; and packets
// with a Home Address option that the data path dropped because no binding permits it (anything that is no signalling).
using Event = std::variant<PacketReceived, BindingActivities>;

struct BindingSnapshot {
  Address home_address;
  Address care_of_address;
  Address correspondent;  // our address
  std::string state;      // "bound", "deleted" (only its sequence number is kept)
  std::uint16_t sequence = 0;
  std::optional<Duration> lifetime;
  std::optional<Duration> idle;
};

// A binding as it is kept for the daemon that comes next. It was authorised, and stays so for the rest of its lifetime
// (RFC 6275 §9.5.2); nonces are not kept, so that no Binding Update from before can be used again.
struct KeptBinding {
  forwarding::HomeAddressAndCorrespondent pair;
  Address care_of_address;
  Address previous_care_of_address;  // `::`: none
  std::uint16_t sequence = 0;
  TimePoint ends{};
  friend bool operator==(const KeptBinding&, const KeptBinding&) = default;
};

struct Counters {
  std::uint64_t home_test_inits = 0, care_of_test_inits = 0, binding_updates = 0, accepted = 0, refused = 0,
                dropped_unauthenticated = 0, dropped_malformed = 0, binding_errors = 0, refresh_requests = 0, expired = 0,
                replaced = 0;
};

struct Refusal {
  wire::BindingStatus status;
  const char* reason;  // for the operator
};
// What speaks against a Binding Update that is authentic, nullopt when nothing does: for a home agent, who knows more
// about some home addresses than a correspondent node can.
using Objection = std::function<std::optional<Refusal>(const BindingRequest&, TimePoint now)>;

class CorrespondentNode {
 public:
  // `random`, `plan` and what `objection` refers to must outlive the role; it writes plan.correspondent_bindings and
  // nothing else.
  CorrespondentNode(Configuration configuration, RandomSource& random, forwarding::ForwardingPlan& plan, Now now,
                    Objection objection = {});
  ~CorrespondentNode();
  CorrespondentNode(const CorrespondentNode&) = delete;
  CorrespondentNode& operator=(const CorrespondentNode&) = delete;

  void handle(const Event& event, Now now, Outputs& outputs);
  // The same for signalling that a role which has one inside decoded already; `interface` is where it arrived. Home Address
  // options are that role's business then.
  void handle_decoded(const wire::SignallingPacket& decoded, InterfaceIndex interface, Now now, Outputs& outputs);
  void on_deadline(Now now, Outputs& outputs);
  TimePoint next_deadline() const;
  forwarding::ForwardingPlan& plan();
  const forwarding::ForwardingPlan& plan() const;

  // Bindings that the new configuration no longer allows end.
  void set_configuration(Configuration configuration, Now now, Outputs& outputs);

  // RFC 6275 §9.3.1: may a packet from `source` to `correspondent` carry a Home Address option with this home address?
  bool permits(const forwarding::HomeAddressAndCorrespondent& pair, const Address& source) const;
  bool is_bound(const forwarding::HomeAddressAndCorrespondent& pair) const;

  // nullopt: it is not bound. To be kept again whenever plan.correspondent_bindings hands the pair out, which it does with every
  // Binding Update that was accepted.
  std::optional<KeptBinding> kept(const forwarding::HomeAddressAndCorrespondent& pair) const;
  // To be called before the first event. What has ended, or is not allowed any more, is left out.
  void restore(const std::vector<KeptBinding>& bindings, Now now);

  std::vector<BindingSnapshot> bindings(Now now) const;
  const Counters& counters() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mipflow::correspondent_node
