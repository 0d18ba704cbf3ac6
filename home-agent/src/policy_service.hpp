// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "mipflow/base/crypto.hpp"
#include "mipflow/base/deadline_queue.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "service_gate.hpp"

namespace mipflow::home_agent {

// Serves the operator's policy to mobile nodes, in parts, each with the authenticator of the whole: docs/agent-service.md.
//
// A version is a number that only grows: the second of the wall clock when the texts were first served, or one more than
// the version before. It stays over a restart as long as no text and no mobile node's choice of a text changes.
class PolicyService {
 public:
  // Apart from each other, so that a new text does not flood the way to thousands of mobile nodes.
  static constexpr Duration kBetweenHints = std::chrono::milliseconds{10};

  PolicyService(const Configuration& configuration, ServiceGate& gate, Counters& counters, const PersistedPolicyVersion& kept, Now now);

  void handle(const wire::PolicyRequest& request, std::uint32_t transaction, const ServicePeer& peer, Now now, Outputs& outputs);
  // `before`: the mobile nodes of the configuration that was replaced. Those whose text is another one now are told.
  void apply_configuration(const std::vector<MobileNodeAuthorization>& before, Now now);

  TimePoint next_deadline() const { return hints_.next(); }
  void on_deadline(Now now, Outputs& outputs);

  const PersistedPolicyVersion& version() const { return version_; }
  bool changed() const { return changed_; }
  void clear_changed() { changed_ = false; }

 private:
  struct Served {
    std::shared_ptr<const std::string> text;
    std::uint32_t version = 0;
    Bytes key;
    Sha256Digest authenticator{};
  };
  void take_up(Now now);
  std::uint32_t version_for(const Address& mobile_node) const;
  const Sha256Digest& authenticator_of(const ServicePeer& peer, std::uint32_t version);

  const Configuration& configuration_;
  ServiceGate& gate_;
  Counters& counters_;
  PersistedPolicyVersion version_;
  // Of mobile nodes whose text did not change when others' did.
  std::unordered_map<Address, std::uint32_t> older_versions_;
  std::unordered_map<Address, Served> authenticators_;  // computed lately; emptied when there are many
  DeadlineQueue<Address> hints_;                         // mobile nodes to be told of a new text
  bool changed_ = false;
};

}  // namespace mipflow::home_agent
