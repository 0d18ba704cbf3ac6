// SPDX-License-Identifier: GPL-3.0-or-later
// The mobile node's end of the RFC 4285 security association with its home agent.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/mn-core/configuration.hpp"

namespace mipflow::mobile_node {

class HomeAgentSecurity {
 public:
  explicit HomeAgentSecurity(const Configuration& configuration);

  // False in the mode that has to be named insecure: nothing is signed and nothing is verified.
  bool required() const { return required_; }
  const wire::SecurityAssociation& association() const { return association_; }
  // The association's key for the primary home address, a derived one for every other. Valid until forget().
  BytesView key_for(const Address& home_address);
  void forget(const Address& home_address) { derived_.erase(home_address); }

  // A timestamp for the next message: later than every one before, because the home agent wants them rising over all home
  // addresses of a mobile node (RFC 4285 §5.2), also when two messages leave in the same nanosecond.
  std::uint64_t next_timestamp(Now now);
  // The home agent answered status 144 with its own clock in the high 32 bits of `returned`. A small difference means that
  // messages overtook each other, and changes nothing.
  void learn_clock(std::uint64_t returned, Now now);
  // Another home agent has another clock.
  void forget_clock();
  Duration clock_offset() const { return clock_offset_; }

 private:
  bool required_;
  wire::SecurityAssociation association_;
  Address primary_home_address_;
  std::unordered_map<Address, Bytes> derived_;
  Duration clock_offset_{};
  std::uint64_t last_timestamp_ = 0;
};

}  // namespace mipflow::mobile_node
