// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet, whose file it is (the operator's, the network's, a user's, or two files, parted by an octet 0), then TOML.
#include "mipflow/flow-separator/policy.hpp"

#include <algorithm>

#include "fuzz/target.hpp"
#include "fuzz/text_file.hpp"

namespace mipflow::fuzz {

using namespace flow_separator;

namespace {

const NameResolver kNames{
    .user = [](std::string_view name) { return name == "alice" ? std::optional<std::uint32_t>(1000) : std::nullopt; },
    .group = [](std::string_view name) { return name == "audio" ? std::optional<std::uint32_t>(29) : std::nullopt; }};

std::vector<PolicyFile> files_of(std::uint8_t whose, const std::string& text) {
  switch (whose % 4) {
    case 0: return {{"p.toml", text}};
    case 1: return {{"network", text, PolicyLayer::Network}};
    case 2: return {{"alice.toml", text, PolicyLayer::User, 1000, "alice"}};
    default: {
      const auto end = std::min(text.find('\0'), text.size());
      return {{"p.toml", text.substr(0, end)}, {"alice.toml", text.substr(std::min(end + 1, text.size())), PolicyLayer::User, 1000, "alice"}};
    }
  }
}

FlowAttributes flow_to(const Address& peer, std::uint8_t protocol, std::uint16_t port) {
  FlowAttributes out;
  out.key = {*Address::parse("2001:db8:100::100"), peer, 40'000, port, protocol};
  out.user = 1000;
  return out;
}

std::vector<FlowAttributes> some_flows(const Policy& policy) {
  std::vector<FlowAttributes> out{flow_to(*Address::parse("2001:db8:5::80"), kProtocolUdp, 5060), flow_to(*Address::parse("2001:db8:6::1"), kProtocolTcp, 22),
                                  flow_to(*Address::parse("2001:db8:5::1"), kProtocolIcmpv6, 7)};
  out[0].dscp = 46;
  out[0].flow_label = 0x12345;
  out[1].extension_headers = 0x1f;
  out[2].icmp_type = 128;
  for (const Prefix& prefix : policy.bypassed_prefixes()) {
    must(prefix.length() > 0 || policy.classes().front().bypass, "everything is left alone, and no class says so");
    out.push_back(flow_to(prefix.address(), kProtocolUdp, 1));
  }
  return out;
}

std::vector<FlowOwnerPointer> some_owners() {
  return {std::make_shared<FlowOwner>(FlowOwner{1000, 29, 42, "/usr/bin/ssh", "/user.slice/app.scope", "app.scope"}),
          std::make_shared<FlowOwner>(FlowOwner{0, 0, 1, "/sbin/init", "/", ""}),
          std::make_shared<FlowOwner>(FlowOwner{1001, 1001, 43, std::string(2'000, 'a'), "/system.slice", "ssh.service"})};
}

// What the header of Policy promises about every policy and every flow.
void hold_to_its_word(const Policy& policy) {
  const auto& classes = policy.classes();
  must(!classes.empty() && classes.size() <= Policy::kMaxClasses + 1, "a policy with no class, or too many");
  for (std::size_t i = 0; i < classes.size(); ++i) {
    must(policy.find(classes[i].name) == &classes[i], "a class is not found by its name, or two have one name");
    must(!classes[i].interfaces.preferences.empty(), "a class without a preference");
    must(i == 0 || classes[i - 1].layer <= classes[i].layer, "the classes are not in the order of decision");
  }
  const auto bypassed = policy.bypassed_prefixes();
  for (const auto& flow : some_flows(policy)) {
    for (const auto& time : {std::optional<LocalTime>{}, std::optional(LocalTime{0, 600}), std::optional(LocalTime{6, 1'439})}) {
      const PolicyClass& without = policy.classify(flow, time);
      const bool needs_owner = policy.needs_owner(flow, time);
      must(policy.asks_for_owner() || !needs_owner, "a policy that asks for no owner needs one");
      const bool is_bypassed = std::ranges::any_of(bypassed, [&](const Prefix& prefix) { return prefix.contains(flow.key.correspondent); });
      must(!is_bypassed || without.bypass, "a destination is left alone, and its flows are not");
      for (const auto& owner : some_owners()) {
        FlowAttributes owned = flow;
        owned.owner = owner;
        const PolicyClass& with = policy.classify(owned, time);
        must(needs_owner || &with == &without || policy.asks_for_owner() == false, "the owner changes the class of a flow that needs none");
        must(policy.asks_for_time() || &policy.classify(owned) == &with, "the time changes the class under a policy that asks for none");
      }
    }
  }
}

}  // namespace

void fuzz_policy(BytesView input);
void fuzz_policy(BytesView input) {
  if (input.empty()) return;
  const auto files = files_of(input.front(), text_of(input.subspan(1)));
  const auto policy = Policy::parse(files, kNames);
  if (policy) return hold_to_its_word(*policy);
  must(!policy.error().empty(), "a policy is refused without a reason");
  for (const PolicyError& error : policy.error()) {
    must(std::ranges::any_of(files, [&](const PolicyFile& file) { return file.name == error.file; }), "a mistake in a file that there is not");
    must(!error.reason.empty(), "a mistake without a reason");
  }
}

}  // namespace mipflow::fuzz
