// SPDX-License-Identifier: GPL-3.0-or-later
// The compiled policy against trying one class after the other.
#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

#include "mipflow/flow-separator/policy.hpp"
#include "support/seed.hpp"

namespace mipflow::flow_separator {
namespace {

constexpr int kPolicies = 300;
constexpr int kFlowsPerPolicy = 200;

// A class as the test wrote it; nullopt: the class does not ask.
struct ModelClass {
  std::optional<std::uint8_t> protocol;
  std::vector<Prefix> peers;
  std::vector<std::pair<unsigned, unsigned>> ports;
  std::optional<std::uint16_t> local_port;
  std::optional<std::uint8_t> dscp;
  std::optional<std::uint32_t> flow_label;
  std::optional<std::uint32_t> user;

  bool accepts(const FlowAttributes& flow) const {
    const std::uint8_t number = flow.key.protocol;
    const bool has_ports = number == kProtocolTcp || number == kProtocolUdp || number == kProtocolSctp;
    if (protocol && *protocol != number) return false;
    bool peer_fits = peers.empty();
    for (const Prefix& peer : peers) peer_fits |= peer.contains(flow.key.correspondent);
    bool port_fits = ports.empty();
    for (const auto& [first, last] : ports)
      port_fits |= has_ports && flow.key.correspondent_port >= first && flow.key.correspondent_port <= last;
    return peer_fits && port_fits && (!local_port || (has_ports && *local_port == flow.key.source_port)) &&
           (!dscp || *dscp == flow.dscp) && (!flow_label || *flow_label == flow.flow_label) && (!user || user == flow.user);
  }

  std::string text() const {
    std::string out = "[[class]]\n[class.match]\n";
    if (protocol) out += "protocol = " + std::to_string(*protocol) + '\n';
    if (!peers.empty()) {
      out += "peer = [";
      for (const Prefix& peer : peers) out += '"' + to_string(peer) + "\",";
      out += "]\n";
    }
    if (!ports.empty()) {
      out += "port = [";
      for (const auto& [first, last] : ports) out += '"' + std::to_string(first) + '-' + std::to_string(last) + "\",";
      out += "]\n";
    }
    if (local_port) out += "local-port = " + std::to_string(*local_port) + '\n';
    if (dscp) out += "dscp = " + std::to_string(*dscp) + '\n';
    if (flow_label) out += "flow-label = " + std::to_string(*flow_label) + '\n';
    if (user) out += "user = " + std::to_string(*user) + '\n';
    return out;
  }
};

}  // namespace

TEST_CASE("the compiled policy finds the class that trying them in order finds", "[policy][random]") {
  std::mt19937_64 random(test::seed("policy_random_test"));
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const auto random_address = [&] {
    Address out = Address::parse("2001:db8::").value();
    out.octets[4] = static_cast<std::uint8_t>(below(3));
    out.octets[15] = static_cast<std::uint8_t>(below(4));
    return out;
  };
  constexpr std::array<std::uint8_t, 4> kProtocols{kProtocolTcp, kProtocolUdp, kProtocolIcmpv6, 50};
  std::size_t defaults = 0;
  std::size_t later_than_first_word = 0;

  for (int run = 0; run < kPolicies; ++run) {
    std::vector<ModelClass> model(below(200));  // several words of bits, and none
    std::string text;
    for (ModelClass& each : model) {
      // Narrow enough that most classes refuse most flows.
      if (below(2) == 0) {
        for (unsigned i = 0, n = 1 + below(3); i < n; ++i) {
          const unsigned low = below(60);
          each.ports.emplace_back(low, low + below(8));
        }
        if (below(2) == 0) each.protocol = kProtocols[below(2)];
      } else {
        each.protocol = kProtocols[below(4)];
      }
      for (unsigned i = 0, n = below(3); i < n; ++i) each.peers.emplace_back(random_address(), below(129));
      if (below(3) == 0 && (!each.protocol || *each.protocol == kProtocolTcp)) each.local_port = static_cast<std::uint16_t>(below(5));
      if (below(2) == 0) each.dscp = static_cast<std::uint8_t>(below(3));
      if (below(4) == 0) each.flow_label = below(3);
      if (below(2) == 0) each.user = below(3);
      text += each.text();
    }
    const auto policy = Policy::parse(std::vector<PolicyFile>{{"p.toml", text}}, nullptr);
    REQUIRE(policy);

    for (int n = 0; n < kFlowsPerPolicy; ++n) {
      FlowAttributes flow{.key = {.source = {},
                                  .correspondent = random_address(),
                                  .source_port = static_cast<std::uint16_t>(below(5)),
                                  .correspondent_port = static_cast<std::uint16_t>(below(64)),
                                  .protocol = kProtocols[below(4)]},
                          .dscp = static_cast<std::uint8_t>(below(3)),
                          .flow_label = below(3)};
      if (below(2) == 0) flow.user = below(3);
      std::size_t expected = 0;
      while (expected < model.size() && !model[expected].accepts(flow)) ++expected;
      REQUIRE(&policy->classify(flow) == &policy->classes()[expected]);
      defaults += expected == model.size() ? 1 : 0;
      later_than_first_word += expected >= 64 && expected < model.size() ? 1 : 0;
    }
  }
  CHECK(defaults > 100);
  CHECK(later_than_first_word > 100);
}

}  // namespace mipflow::flow_separator
