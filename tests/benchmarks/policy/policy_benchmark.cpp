// SPDX-License-Identifier: GPL-3.0-or-later
// Classifying a flow by a policy of 1, 10, 100 and 1,000 classes that all ask for peer, port and protocol and of which none
// but the last matches. Fails when a thousand classes cost more than 5 microseconds.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::flow_separator {
namespace {

constexpr double kMostMicroseconds = 5.0;

Policy policy_of(int classes) {
  std::string text;
  for (int i = 1; i <= classes; ++i) {
    char peer[64];
    std::snprintf(peer, sizeof peer, "2001:db8:%x::/48", i);
    text += "[[class]]\nmatch = { protocol = [\"tcp\", \"udp\"], peer = \"" + std::string(peer) + "\", port = \"" +
            std::to_string(i) + '-' + std::to_string(20'000 + i) + "\" }\n";
  }
  return Policy::parse(std::vector<PolicyFile>{{"benchmark.toml", text}}, nullptr).value();
}

// Flows that the last class accepts, to different nodes and ports, so that no branch is learned by heart.
std::vector<FlowAttributes> flows_for(int classes) {
  std::vector<FlowAttributes> flows;
  for (unsigned i = 0; i < 1024; ++i) {
    FlowAttributes flow;
    flow.key.protocol = i % 2 == 0 ? kProtocolTcp : kProtocolUdp;
    flow.key.correspondent = Address::parse("2001:db8::").value();
    flow.key.correspondent.octets[4] = static_cast<std::uint8_t>(classes >> 8);
    flow.key.correspondent.octets[5] = static_cast<std::uint8_t>(classes);
    flow.key.correspondent.octets[15] = static_cast<std::uint8_t>(i);
    flow.key.correspondent_port = static_cast<std::uint16_t>(classes + static_cast<int>(i) * 17);
    flows.push_back(flow);
  }
  return flows;
}

void classification(benchmark::State& state) {
  const int classes = static_cast<int>(state.range(0));
  const Policy policy = policy_of(classes);
  const auto flows = flows_for(classes);
  std::size_t next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(&policy.classify(flows[next++ % flows.size()]));
}
BENCHMARK(classification)->Arg(1)->Arg(10)->Arg(100)->Arg(1'000);

void parsing(benchmark::State& state) {
  const int classes = static_cast<int>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(policy_of(classes));
}
BENCHMARK(parsing)->Arg(1)->Arg(1'000)->Unit(benchmark::kMicrosecond);

// Median of rounds, in microseconds per flow; 0 when the policy does not classify as it should.
double microseconds(const Policy& policy, const std::vector<FlowAttributes>& flows) {
  const PolicyClass* last = &policy.classes()[policy.classes().size() - 2];
  std::vector<double> times;
  for (int round = 0; round < 101; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (const FlowAttributes& flow : flows)
      if (&policy.classify(flow) != last) return 0;
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    times.push_back(time.count() / static_cast<double>(flows.size()));
  }
  std::nth_element(times.begin(), times.begin() + 50, times.end());
  return times[50];
}

}  // namespace
}  // namespace mipflow::flow_separator

int main(int argc, char** argv) {
  using namespace mipflow::flow_separator;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  const double one = microseconds(policy_of(1), flows_for(1));
  const double thousand = microseconds(policy_of(1000), flows_for(1000));
  std::printf("policy: 1,000 classes %.3f us, 1 class %.3f us, ratio %.1f (1,000 classes at most %.1f us)\n", thousand, one,
              thousand / one, kMostMicroseconds);
  return one > 0 && thousand > 0 && thousand <= kMostMicroseconds ? 0 : 1;
}
