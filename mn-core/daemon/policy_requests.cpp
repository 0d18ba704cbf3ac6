// SPDX-License-Identifier: GPL-3.0-or-later
// Requests about the policy: shown, tried, read again, a user's own.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "control_requests.hpp"
#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/control_reply.hpp"

namespace mipflow::mnd {

using platform::refuse;
using Reply = platform::ControlServer::Reply;

namespace {

nlohmann::json list_of(const std::vector<PolicyEffect>& effects) {
  auto out = nlohmann::json::array();
  for (const auto& effect : effects) out.push_back(platform::to_json(effect));
  return out;
}

}  // namespace

Expected<ControlRequests::Reloaded, std::string> ControlRequests::use(PolicySource::Loaded loaded) {
  if (!loaded) return Unexpected{platform::to_string(loaded.error())};
  const Now now = platform::read_clock();
  if (std::string objection = context_.node.objection_to(**loaded, now); !objection.empty()) return Unexpected{std::move(objection)};
  Reloaded out{.moved = {}, .changed = context_.node.effect_of(**loaded, now), .left_out = {}};
  out.moved = command([&](Now at, Outputs& outputs) { return context_.node.set_policy(std::move(*loaded), at, outputs); });
  return out;
}

Expected<ControlRequests::Reloaded, std::string> ControlRequests::reload_policy() {
  platform::ConfigurationErrors left_out;
  auto reloaded = use(context_.policy.load(left_out));
  if (reloaded) reloaded->left_out = std::move(left_out);
  return reloaded;
}

Reply ControlRequests::policy_show(const Request&, const Peer&) {
  const auto version = context_.node.status(platform::read_clock()).network_policy;
  return [policy = context_.node.policy(), version] {
    auto classes = nlohmann::json::array();
    for (const auto& item : policy->classes()) classes.push_back(platform::to_json(item));
    return platform::answer({{"classes", classes}, {"network_version", version ? nlohmann::json(*version) : nlohmann::json()}});
  };
}

Reply ControlRequests::policy_test(const Request& request, const Peer&) {
  const auto texts = request.named_texts("files");
  if (!texts && request.has("files"))
    return refuse("malformed", "\"files\" of the request policy-test is a list of {\"name\":...,\"text\":...}");
  std::vector<flow_separator::PolicyFile> files;
  if (texts)
    for (const auto& file : *texts) files.push_back({.name = file.name, .text = file.text});
  const auto loaded = texts ? context_.policy.load_instead(std::move(files)) : context_.policy.load();
  if (!loaded) return refuse("policy", platform::to_string(loaded.error()));
  const Now now = platform::read_clock();
  return [effects = context_.node.effect_of(**loaded, now), objection = context_.node.objection_to(**loaded, now)] {
    return platform::answer({{"effects", list_of(effects)}, {"objection", objection}});
  };
}

Reply ControlRequests::policy_reload(const Request&, const Peer&) {
  const auto reloaded = reload_policy();
  if (!reloaded) return refuse("policy", reloaded.error());
  return [reloaded = *reloaded] { return platform::answer({{"moved", reloaded.moved}, {"changed", list_of(reloaded.changed)}}); };
}

Reply ControlRequests::user_policy(const Request& request, const Peer& peer) {
  const auto text = request.text("text");
  if (!text && request.has("text")) return refuse("malformed", "\"text\" of the request user-policy is the policy's text, or null for none");
  if (text && text->size() > PolicySource::kLongestUserPolicy)
    return refuse("policy", "a user's policy has at most " + std::to_string(PolicySource::kLongestUserPolicy) + " octets");
  auto loaded = context_.policy.load_with(peer.user, text);
  if (!loaded) return refuse("policy", platform::to_string(loaded.error()));
  if (std::string objection = context_.node.objection_to(**loaded, platform::read_clock()); !objection.empty())
    return refuse("policy", std::move(objection));
  // Kept first: what is used now has to be what a restart reads.
  if (const auto kept = context_.policy.keep_user_policy(peer.user, text); !kept) return refuse("not-possible", kept.error());
  const auto used = use(std::move(loaded));
  if (!used) return refuse("policy", used.error());
  return [moved = used->moved] { return platform::answer({{"moved", moved}}); };
}

}  // namespace mipflow::mnd
