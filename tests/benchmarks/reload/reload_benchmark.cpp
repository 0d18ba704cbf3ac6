// SPDX-License-Identifier: GPL-3.0-or-later
// A policy of 1,000 classes is read and taken by a mobile node with 10,000 live flows: how long the daemon does nothing else
// meanwhile. Fails when that is more than 50 ms.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "support.hpp"

namespace {

using namespace mipflow;
using namespace mipflow::mobile_node;
using namespace mipflow::mobile_node::test;
using Clock = std::chrono::steady_clock;

constexpr double kMostMilliseconds = 50;
constexpr unsigned kFlows = 10'000;
constexpr unsigned kClasses = 1'000;
constexpr int kRounds = 20;

// Every class fits some of the flows; every second policy wants the other interface for half of them.
std::string policy_text(bool other) {
  std::string text;
  for (unsigned i = 0; i < kClasses; ++i) {
    const std::string number = std::to_string(i);
    text += "[[class]]\nname = \"class-of-" + number + "\"\ninterfaces = [\"" + (other && i % 2 == 0 ? "wwan0" : "wlan0") +
            "\", \"*\"]\nmatch = { protocol = \"udp\", local-port = \"" + std::to_string(1000 + i * 10) + '-' + std::to_string(1009 + i * 10) + "\" }\n";
  }
  return text;
}

struct Times {
  double parse = 0, effect = 0, set = 0;  // milliseconds
  double blocked() const { return parse + effect + set; }
};

double milliseconds(Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

Times reload(TestNode& test, bool other) {
  const std::vector<flow_separator::PolicyFile> files{{.name = "reload.toml", .text = policy_text(other)}};
  const auto begin = Clock::now();
  auto parsed = flow_separator::Policy::parse(files, {});
  const auto policy = std::make_shared<const flow_separator::Policy>(std::move(parsed.value()));
  const auto read = Clock::now();
  const auto effects = test.node.effect_of(*policy, test.both());
  const auto seen = Clock::now();
  test.command([&](Now now, Outputs& outputs) { return test.node.set_policy(policy, now, outputs); });
  const auto taken = Clock::now();
  return {milliseconds(read - begin), milliseconds(seen - read), milliseconds(taken - seen)};
}

}  // namespace

int main() {
  auto settings = configuration();
  settings.flow_capacity = 2 * kFlows;
  TestNode test(settings);
  test.wlan_up();
  test.wwan_up();
  test.serve(10s);
  for (unsigned i = 0; i < kFlows; ++i) {
    test.outgoing(static_cast<std::uint16_t>(1000 + i));
    if (i < 70) test.serve(2s);  // home addresses come one after the other
  }
  const auto flows = test.node.flows(test.both()).size();
  std::vector<Times> rounds;
  for (int i = 0; i < kRounds; ++i) {
    rounds.push_back(reload(test, i % 2 == 0));
    test.serve(2s);
  }
  std::sort(rounds.begin(), rounds.end(), [](const Times& a, const Times& b) { return a.blocked() < b.blocked(); });
  const auto& median = rounds[rounds.size() / 2];
  std::printf("%zu flows, %u classes, median of %d: %.1f ms (read %.1f, compare %.1f, take %.1f); worst %.1f ms; at most %.0f\n", flows,
              kClasses, kRounds, median.blocked(), median.parse, median.effect, median.set, rounds.back().blocked(), kMostMilliseconds);
  return flows >= kFlows && median.blocked() <= kMostMilliseconds ? 0 : 1;
}
