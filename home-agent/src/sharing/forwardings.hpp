// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>

#include "mipflow/base/address.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/forwarding_messages.hpp"
#include "sharing/association.hpp"
#include "sharing/interception.hpp"
#include "tunnels.hpp"

namespace mipflow::home_agent {

// A home address that a primary delegated to us.
struct Forwarding {
  wire::StartForwarding start;  // the latest one
  Address primary;
  wire::DelegationNumber number = 0;      // of the latest word, which may be a Stop
  bool lingering = false;                 // no longer intercepted, still tunnelled
  TimePoint ends{};                       // of the duration; of the lingering
  std::uint64_t conversation = 0;         // with the primary, in which a Start for it came last; 0: none yet, restored
  std::uint64_t packets = 0, octets = 0;  // tunnelled since it is here
  double packets_per_second = 0;          // in the report `measured`
  std::uint64_t measured = 0;
};

// All of them, with what they mean for the plan. State and plan change here and together; who may change them, and when,
// is the Secondary's business.
class Forwardings {
 public:
  struct Parts {
    const LoadSharing& configuration;
    const OwnEnd& own;
    Interception& interception;
    Tunnels& tunnels;
  };
  explicit Forwardings(Parts parts) : parts_(parts) {}

  const Forwarding* find(const Address& home_address) const;
  const std::unordered_map<Address, Forwarding>& all() const { return all_; }
  // Of one primary.
  struct Held {
    std::size_t forwarding = 0, lingering = 0;
  };
  Held held(const Address& primary) const;

  // What a Start says: intercepts and tunnels from `now` on, or goes on with another care-of address or duration. `first` as for
  // Interception::start(), for what was not intercepted.
  struct Terms {
    Address primary;
    TimePoint ends{};
    std::uint64_t conversation = 0;
    TimePoint first = kNever;
  };
  void take(const wire::StartForwarding& start, const Terms& terms, TimePoint now);
  // Stops to intercept; tunnels until `until`.
  void linger(const Address& home_address, TimePoint until);
  void end(const Address& home_address);
  // A later word about what lingers.
  void set_number(const Address& home_address, wire::DelegationNumber number);
  // The primary has said in this conversation that it shall go on as it is.
  void confirm(const Address& home_address, std::uint64_t conversation);
  // Our own address changed, which is the source of tunnels.
  void tunnel_again(TimePoint now);

  // Counts packets; nullptr: it is not forwarded here.
  const Forwarding* count(const Address& home_address, std::uint64_t packets, std::uint64_t octets, double packets_per_second,
                          std::uint64_t report);

  TimePoint next_deadline() const { return ends_.next(); }
  std::optional<Address> take_ended(TimePoint now) { return ends_.take_due(now); }

 private:
  void tunnel(const Forwarding& forwarding, TimePoint now);

  Parts parts_;
  std::unordered_map<Address, Forwarding> all_;
  std::map<Address, Held> held_;  // by primary
  DeadlineQueue<Address> ends_;
};

}  // namespace mipflow::home_agent
