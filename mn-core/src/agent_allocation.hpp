// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mipflow/base/backoff.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/hoa-alloc/home_address_allocation.hpp"
#include "mipflow/wire/agent_service.hpp"

namespace mipflow::mobile_node {

// Home addresses that the home agent provides: chosen by itself (Origin::Agent) or leased from a DHCPv6 server
// (Origin::Dhcpv6). State only; AgentService asks and releases.
//
//            allocate() finds none           addresses arrived
//   Idle ─────────────────────────► Asking ────────────────────► Idle
//     ▲                                │ refused, unanswered, not offered
//     └──────── retry_at() ── Waiting ◄┘
class AgentAllocation final : public hoa_alloc::HomeAddressAllocation {
 public:
  // An address that arrived and that nobody took that long is given back.
  static constexpr Duration kUnclaimed = std::chrono::minutes{1};

  explicit AgentAllocation(hoa_alloc::Origin origin) : origin_(origin) {}

  // HomeAddressAllocation. Asked in vain several times at the same time point, it asks for as many.
  Expected<hoa_alloc::AllocatedHomeAddress, hoa_alloc::AllocationRefusal> allocate(TimePoint now) override;
  void adopt(const hoa_alloc::AllocatedHomeAddress& address) override { given_.insert_or_assign(address.home_address, address); }
  void free(const Address& home_address) override;
  void duplicate(const Address& home_address) override;

  hoa_alloc::Origin origin() const { return origin_; }
  wire::HomeAddressSource source() const;
  // How many the home agent is to be asked for; 0 when it is not. `since`: from when on.
  unsigned wanted() const { return state_ == State::Asking ? wanted_ : 0; }
  TimePoint asked_at() const { return state_ == State::Asking ? asked_at_ : kNever; }

  void arrived(const std::vector<wire::HomeAddressLifetimes>& addresses, TimePoint now);
  // The home agent has none, or does not answer; allocate() fails until `retry_at`.
  void failed(std::string reason, TimePoint retry_at);
  // The same, with a wait that doubles with every time in a row.
  void refused(std::string reason, TimePoint now);
  // The home agent works on it.
  void pending(std::string note) { note_ = std::move(note); }

  // Takes the new lifetimes over; false when the address is none of ours.
  bool change(const wire::HomeAddressLifetimes& lifetimes, TimePoint now);
  bool knows(const Address& home_address) const;
  bool has_given() const { return !given_.empty(); }

  // Asks no more, and gives back what nobody took.
  void stop();

  // True, once, when what failed may be tried again.
  bool take_retry(TimePoint now);
  // Gives back what nobody took; returns the addresses that have ended.
  std::vector<hoa_alloc::AllocatedHomeAddress> on_deadline(TimePoint now);
  TimePoint next_deadline() const;

  // Addresses to be given back, with the reason, since the last call.
  using Returned = std::vector<std::pair<Address, wire::HomeAddressReleaseReason>>;
  Returned take_returned() { return std::exchange(returned_, {}); }
  bool has_returned() const { return !returned_.empty(); }

  // Half a sentence for the operator: what is not as it should be, and when it is tried again; empty when nothing is.
  std::string trouble(TimePoint now) const override;

 private:
  enum class State : std::uint8_t { Idle, Asking, Waiting };
  struct Arrived {
    hoa_alloc::AllocatedHomeAddress address;
    TimePoint at{};
  };
  hoa_alloc::AllocatedHomeAddress allocated(const wire::HomeAddressLifetimes& lifetimes, TimePoint now) const;

  hoa_alloc::Origin origin_;
  State state_ = State::Idle;
  unsigned wanted_ = 0;
  unsigned in_vain_ = 0;      // calls of allocate() at asked_last_
  TimePoint asked_last_ = TimePoint::min();
  TimePoint asked_at_ = kNever;
  std::string note_;          // why it waits, or what it waits for
  TimePoint retry_at_ = kNever;
  Backoff retry_{std::chrono::seconds{8}, std::chrono::minutes{10}};
  std::deque<Arrived> arrived_;                                            // oldest first
  std::unordered_map<Address, hoa_alloc::AllocatedHomeAddress> given_;     // by allocate()
  Returned returned_;
};

// The end of a lifetime in seconds from now on.
TimePoint end_of_lifetime(std::uint32_t seconds, TimePoint now);

}  // namespace mipflow::mobile_node
