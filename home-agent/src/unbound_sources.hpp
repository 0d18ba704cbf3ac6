// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "binding_cache.hpp"
#include "home_prefixes.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/base/token_bucket.hpp"
#include "mipflow/forwarding-plan/forwarding_plan.hpp"
#include "mipflow/home-agent/home_agent.hpp"

namespace mipflow::home_agent {

// Tells a mobile node that sends through a tunnel which is not there: Binding Error status 1 to the outer source, as RFC
// 6275 §9.3.3 does it for the Home Address option. See docs/decisions/0008-binding-error-for-tunnelled-packets.md.
class UnboundSources {
 public:
  struct Parts {
    const Configuration& configuration;
    const HomePrefixes& prefixes;
    const BindingCache& cache;
    const forwarding::ForwardingPlan& plan;
  };
  explicit UnboundSources(Parts parts) : parts_(parts) {}

  void answer(const UnboundTunnelSource& event, TimePoint now, Outputs& outputs);

 private:
  bool deserves_answer(const UnboundTunnelSource& event, TimePoint now) const;
  bool take_permission(const Address& destination, TimePoint now);

  Parts parts_;
  TokenBucket total_{200, 100};
  // So that no address that somebody writes into forged packets gets much. An address uses one of them by its hash: a
  // table of addresses would grow by what strangers send. A mobile node may have lost all its 64 home addresses at once.
  std::vector<TokenBucket> by_destination_ = std::vector<TokenBucket>(256, TokenBucket(32, 64));
};

}  // namespace mipflow::home_agent
