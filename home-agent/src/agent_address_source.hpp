// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "address_source.hpp"
#include "declined_addresses.hpp"
#include "home_prefixes.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/base/random.hpp"

namespace mipflow::home_agent {

// The home agent chooses the address itself (WO 2004/057826): a random interface identifier below the home prefix that is
// preferred longest. An address that was given back rests before it is given out again, so that packets for its former
// owner are not another one's. Leases last as long as their prefix: one whose lifetimes are advertised anew
// all the time is extended at half of its preferred lifetime, one that ends takes its leases with it.
class AgentAddressSource final : public AddressSource {
 public:
  static constexpr std::size_t kMostResting = 65'536;   // further ones push out those that have rested longest
  // At most that often a lease is extended.
  static constexpr Duration kShortestRenewal = std::chrono::seconds{10};

  struct Parts {
    const Configuration& configuration;
    const HomePrefixes& prefixes;
    RandomSource& random;
    // Is somebody known to use the address, or entitled to?
    std::function<bool(const Address&)> taken;
  };
  explicit AgentAddressSource(Parts parts) : parts_(std::move(parts)) {}

  void request(AddressRequestId id, const Address& mobile_node, Now now, Outputs& outputs) override;
  void release(const Address& home_address, Now now, Outputs& outputs) override;
  void decline(const Address& home_address, Now now, Outputs& outputs) override;
  void adopt(const Address& mobile_node, const AddressLease& lease, Now now, Outputs& outputs) override;
  void on_deadline(Now now, Outputs& outputs) override;
  TimePoint next_deadline() const override { return std::min(renewals_.next(), resting_.next()); }
  std::vector<AddressSourceReport> take_reports() override { return std::exchange(reports_, {}); }
  std::string trouble() const override;

  // The prefixes, or their lifetimes, are others now.
  void prefixes_changed(Now now);

 private:
  struct Held {
    Address mobile_node;
    AddressLease terms;
  };
  // The advertised prefix of length 64 that is preferred longest; nullopt when none is preferred.
  std::optional<wire::PrefixInformation> best_prefix(TimePoint now) const;
  AddressLease terms_now(const Address& home_address, TimePoint now) const;
  void review(Held& held, Now now);
  void arm(const AddressLease& terms, TimePoint now);
  void forget(const Address& home_address);

  Parts parts_;
  std::unordered_map<Address, Held> held_;
  DeadlineQueue<Address> renewals_;
  DeadlineQueue<Address> resting_;
  DeclinedAddresses declined_;
  std::vector<AddressSourceReport> reports_;
  bool failed_ = false;  // the last request found no prefix
};

}  // namespace mipflow::home_agent
