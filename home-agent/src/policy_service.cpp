// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_service.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

namespace mipflow::home_agent {

namespace {

constexpr std::size_t kMostAuthenticators = 1'024;
constexpr std::string_view kLabel = "mipflow policy assignment";

BytesView octets_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

std::string_view text_of(const MobileNodeAuthorization* mobile_node) {
  return mobile_node == nullptr || !mobile_node->policy ? std::string_view{} : std::string_view(*mobile_node->policy);
}

// Of who is served which text. Texts are shared by many mobile nodes; each is digested once.
Sha256Digest digest_of(const std::vector<MobileNodeAuthorization>& mobile_nodes) {
  std::unordered_map<const std::string*, Sha256Digest> texts;
  std::vector<std::pair<Address, const Sha256Digest*>> assignment;
  for (const auto& mobile_node : mobile_nodes) {
    if (!mobile_node.policy) continue;
    const auto [found, is_new] = texts.try_emplace(mobile_node.policy.get());
    if (is_new) found->second = hmac_sha256(octets_of(kLabel), octets_of(*mobile_node.policy));
    assignment.emplace_back(mobile_node.primary_home_address, &found->second);
  }
  std::ranges::sort(assignment, {}, [](const auto& item) { return std::pair(item.first, *item.second); });
  Writer input;
  for (const auto& [mobile_node, digest] : assignment) {
    input.address(mobile_node);
    input.bytes(*digest);
  }
  return hmac_sha256(octets_of(kLabel), input.view());
}

}  // namespace

PolicyService::PolicyService(const Configuration& configuration, ServiceGate& gate, Counters& counters,
                             const PersistedPolicyVersion& kept, Now now)
    : configuration_(configuration), gate_(gate), counters_(counters), version_(kept) {
  take_up(now);
}

void PolicyService::take_up(Now now) {
  const bool serves = std::ranges::any_of(configuration_.mobile_nodes, [](const auto& item) { return item.policy != nullptr; });
  // Version 0: there never was a policy.
  if (version_.version == 0 && !serves) return;
  const Sha256Digest digest = digest_of(configuration_.mobile_nodes);
  if (version_.version != 0 && version_.assignment == digest) return;
  const auto seconds = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(std::chrono::floor<std::chrono::seconds>(now.wall).count(), 1, UINT32_MAX));
  version_ = {std::max(seconds, version_.version + 1), digest};
  changed_ = true;
}

void PolicyService::apply_configuration(const std::vector<MobileNodeAuthorization>& before, Now now) {
  const std::uint32_t old_version = version_.version;
  authenticators_.clear();
  take_up(now);
  if (version_.version == old_version) return;

  std::unordered_map<Address, const MobileNodeAuthorization*> former;
  for (const auto& mobile_node : before) former.emplace(mobile_node.primary_home_address, &mobile_node);
  std::unordered_map<Address, std::uint32_t> older;
  TimePoint at = now.monotonic;
  for (const auto& mobile_node : configuration_.mobile_nodes) {
    const Address& primary = mobile_node.primary_home_address;
    const auto found = former.find(primary);
    if (found != former.end() && text_of(found->second) == text_of(&mobile_node)) {
      const auto known = older_versions_.find(primary);
      older.emplace(primary, known == older_versions_.end() ? old_version : known->second);
    } else if (gate_.find(primary)) {
      hints_.set(primary, at);
      at += kBetweenHints;
    }
  }
  older_versions_ = std::move(older);
}

std::uint32_t PolicyService::version_for(const Address& mobile_node) const {
  const auto older = older_versions_.find(mobile_node);
  return older == older_versions_.end() ? version_.version : older->second;
}

// A text is asked for in parts; its authenticator is not computed for each.
const Sha256Digest& PolicyService::authenticator_of(const ServicePeer& peer, std::uint32_t version) {
  const auto& key = peer.authorization->security_association.key;
  const auto& text = peer.authorization->policy;
  if (authenticators_.size() >= kMostAuthenticators) authenticators_.clear();
  Served& served = authenticators_[peer.mobile_node];
  if (served.version != version || served.text != text || served.key != key)
    served = {text, version, key, wire::policy_authenticator(key, version, text_of(peer.authorization))};
  return served.authenticator;
}

void PolicyService::handle(const wire::PolicyRequest& request, std::uint32_t transaction, const ServicePeer& peer, Now now,
                           Outputs& outputs) {
  ++counters_.policy_requests;
  // Nobody would know whose policy an unauthenticated one is.
  if (peer.authorization == nullptr) return;
  const std::string_view text = text_of(peer.authorization);
  const std::uint32_t version = version_for(peer.mobile_node);
  wire::PolicyReply reply{.version = version, .total_length = static_cast<std::uint32_t>(text.size())};
  if (request.known_version == version) {
    reply.status = wire::PolicyStatus::Unchanged;
  } else {
    reply.authenticator = authenticator_of(peer, version);
    reply.offset = static_cast<std::uint32_t>(std::min<std::size_t>(request.offset, text.size()));
    const std::string_view part = text.substr(reply.offset, wire::kLargestPolicyPart);
    reply.part.assign(part.begin(), part.end());
  }
  gate_.send(peer, {.transaction = transaction, .body = std::move(reply)}, now, outputs);
}

void PolicyService::on_deadline(Now now, Outputs& outputs) {
  while (const auto mobile_node = hints_.take_due(now.monotonic))
    if (const auto peer = gate_.find(*mobile_node); peer && peer->authorization != nullptr)
      gate_.send(*peer, {.body = wire::PolicyChanged{version_for(*mobile_node)}}, now, outputs);
}

}  // namespace mipflow::home_agent
