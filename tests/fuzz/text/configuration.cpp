// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet, whose configuration (mobile node, home agent, correspondent node, the file with the keys), then TOML. What is
// accepted has to make a role that runs.
#include "mipflow/platform/configuration.hpp"

#include "fuzz/roles/clockwork.hpp"
#include "fuzz/text_file.hpp"
#include "mipflow/correspondent-node/correspondent_node.hpp"
#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/mn-core/mobile_node.hpp"
#include "mipflow/platform/security_associations.hpp"

namespace mipflow::fuzz {

using namespace platform;

namespace {

// In the place of the files that a configuration names: the one by default.
const UnwrittenFiles kKeys{{"/etc/mipflow/security-associations.toml",
                            "[[association]]\nidentifier = \"alice@example.org\"\nspi = 256\nkey = \"00112233445566778899aabbccddeeff\"\n"
                            "[[agent]]\naddress = \"2001:db8:1::3\"\nkey = \"00112233445566778899aabbccddeeff\"\n"}};

void explained(const ConfigurationErrors& errors) {
  must(!errors.empty(), "a configuration is refused without a reason");
  for (const auto& error : errors) must(!error.reason.empty() && !error.file.empty(), "a mistake without a reason or a place");
}

void run(mobile_node::Configuration configuration) {
  SeededRandom random(1);
  Clockwork time;
  mobile_node::MobileNode node(std::move(configuration), std::make_shared<flow_separator::Policy>(), random);
  const auto tell = [&](const mobile_node::Event& event) { time.call([&](Now now, Outputs& outputs) { node.handle(event, now, outputs); }); };
  tell(mobile_node::InterfaceChanged{.index = 3, .name = "wlan0", .kind = InterfaceKind::Wifi, .up = true, .running = true});
  tell(mobile_node::AddressChanged{.interface = 3, .address = *Address::parse("2001:db8:a::10")});
  tell(mobile_node::RouterChanged{.interface = 3, .router = *Address::parse("fe80::1")});
  time.advance(node, std::chrono::minutes{20});
  static_cast<void>(node.status(time.now()));
}

void run(home_agent::Configuration configuration) {
  SeededRandom random(1);
  Clockwork time;
  home_agent::HomeAgent agent(std::move(configuration), {}, random, time.now());
  time.advance(agent, std::chrono::minutes{2});
  static_cast<void>(agent.bindings(time.now()));
  static_cast<void>(agent.agents(time.now()));
}

void run(const correspondent_node::Configuration& configuration) {
  SeededRandom random(1);
  Clockwork time;
  forwarding::ForwardingPlan plan;
  correspondent_node::CorrespondentNode node(configuration, random, plan, time.now());
  time.advance(node, std::chrono::minutes{20});
}

}  // namespace

void fuzz_configuration(BytesView input);
void fuzz_configuration(BytesView input) {
  if (input.empty()) return;
  const BytesView content = input.subspan(1);
  if (names_a_device(text_of(content))) return;
  const TextFile file(content);
  switch (input.front() % 4) {
    case 0: {
      const auto settings = load_mobile_node_settings(file.path(), kKeys);
      if (!settings) return explained(settings.error());
      return run(settings->node);
    }
    case 1: {
      const auto settings = load_home_agent_settings(file.path(), kKeys);
      if (!settings) return explained(settings.error());
      return run(settings->agent);
    }
    case 2: {
      const auto settings = load_correspondent_node_settings(file.path());
      if (!settings) return explained(settings.error());
      return run(settings->node);
    }
    default: {
      const auto keys = load_secret_keys(file.path());
      if (!keys) return explained(keys.error());
      for (const auto& association : keys->associations)
        must(find_association(keys->associations, association.network_access_identifier, association.spi) == &association, "two associations have one name");
    }
  }
}

}  // namespace mipflow::fuzz
