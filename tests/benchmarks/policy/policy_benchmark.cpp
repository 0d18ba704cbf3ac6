// SPDX-License-Identifier: GPL-3.0-or-later
// Classifying a flow by a policy of 1 and of 1,000 classes of which none but the last matches, for several kinds of classes:
// the difference is what a new flow pays for a large policy. Fails when it is more than 5 microseconds. And what a flow of a user costs
// who has the worst patterns and names that one may have: at most 50 microseconds.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::flow_separator {
namespace {

constexpr double kMostMicroseconds = 5.0;
constexpr int kClasses = 1000;
constexpr LocalTime kTime{2, 12 * 60};

// What the class with this number asks for. Flows are made for the one with the largest number.
using Match = std::string (*)(int number);

std::string packets(int number) {
  char peer[64];
  std::snprintf(peer, sizeof peer, "2001:db8:%x::/48", number);
  return "match = { protocol = [\"tcp\", \"udp\"], peer = \"" + std::string(peer) + "\", port = \"" + std::to_string(number) + '-' +
         std::to_string(20'000 + number) + "\" }\n";
}

std::string programs(int number) { return "match.program = \"/usr/lib/applications/app-" + std::to_string(number) + "\"\n"; }

std::string patterns(int number) {
  const std::string text = std::to_string(number);
  return "match = { program = \"/usr/*/app-" + text + "*\", cgroup = \"/user.slice/*/app-" + text + "-*.scope\", unit = \"app-" + text +
         "-*.scope\" }\n";
}

// All that a class may ask for, and an exception that none of the flows fits.
std::string everything(int number) {
  const std::string text = std::to_string(number);
  return "match = { protocol = [\"tcp\", \"udp\"], port = \"" + text + "-" + std::to_string(20'000 + number) + "\", dscp = 0, user = " + text +
         ", group = " + text + ", program = \"/usr/*/app-" + text + "*\", cgroup = \"/user.slice\", unit = \"app-" + text +
         "-*.scope\", time = \"mon-fri 08:00-18:00\" }\nexcept = { program = \"*/no-app-" + text + "\", time = \"sat,sun\" }\n";
}

struct Kind {
  const char* name;
  Match match;
};
constexpr Kind kKinds[]{{"packets", packets}, {"programs", programs}, {"patterns", patterns}, {"everything", everything}};

Policy policy_of(Match match, int classes) {
  std::string text;
  for (int i = 1; i <= classes; ++i) text += "[[class]]\n" + match(i);
  return Policy::parse(std::vector<PolicyFile>{{"benchmark.toml", text}}, {}).value();
}

// Flows that the last class accepts, to different nodes and ports, so that no branch is learned by heart.
std::vector<FlowAttributes> flows_for(int classes) {
  const std::string number = std::to_string(classes);
  const auto user = static_cast<std::uint32_t>(classes);
  FlowOwner owner;
  owner.group = user;
  owner.program = "/usr/lib/applications/app-" + number;
  owner.cgroup = "/user.slice/user-1000.slice/user@1000.service/app.slice/app-" + number + "-4711.scope";
  owner.unit = "app-" + number + "-4711.scope";
  const auto shared = std::make_shared<const FlowOwner>(owner);
  std::vector<FlowAttributes> flows;
  for (unsigned i = 0; i < 1024; ++i) {
    FlowAttributes flow;
    flow.key.protocol = i % 2 == 0 ? kProtocolTcp : kProtocolUdp;
    flow.key.correspondent = Address::parse("2001:db8::").value();
    flow.key.correspondent.octets[4] = static_cast<std::uint8_t>(classes >> 8);
    flow.key.correspondent.octets[5] = static_cast<std::uint8_t>(classes);
    flow.key.correspondent.octets[15] = static_cast<std::uint8_t>(i);
    flow.key.correspondent_port = static_cast<std::uint16_t>(classes + static_cast<int>(i) * 17);
    flow.user = user;
    flow.owner = shared;
    flows.push_back(flow);
  }
  return flows;
}

void classification(benchmark::State& state, Match match) {
  const int classes = static_cast<int>(state.range(0));
  const Policy policy = policy_of(match, classes);
  const auto flows = flows_for(classes);
  std::size_t next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(&policy.classify(flows[next++ % flows.size()], kTime));
}

void parsing(benchmark::State& state, Match match) {
  const int classes = static_cast<int>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(policy_of(match, classes));
}

// In microseconds per flow; 0 when the policy does not classify as it should.
double round_of(const Policy& policy, const std::vector<FlowAttributes>& flows) {
  const PolicyClass* last = &policy.classes()[policy.classes().size() - 2];
  const auto start = std::chrono::steady_clock::now();
  for (const FlowAttributes& flow : flows)
    if (&policy.classify(flow, kTime) != last) return 0;
  const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
  return time.count() / static_cast<double>(flows.size());
}

double median(std::vector<double> times) {
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

// Both policies in turns, so that what else the machine does hits both.
bool is_cheap(const Kind& kind) {
  const Policy small = policy_of(kind.match, 1);
  const Policy large = policy_of(kind.match, kClasses);
  const auto small_flows = flows_for(1);
  const auto large_flows = flows_for(kClasses);
  std::vector<double> small_times;
  std::vector<double> large_times;
  for (int round = 0; round < 51; ++round) {
    small_times.push_back(round_of(small, small_flows));
    large_times.push_back(round_of(large, large_flows));
    if (small_times.back() <= 0 || large_times.back() <= 0) {
      std::printf("policy, %s: a flow has the wrong class\n", kind.name);
      return false;
    }
  }
  const double one = median(small_times);
  const double thousand = median(large_times);
  std::printf("policy, %s: 1,000 classes %.3f us, 1 class %.3f us, difference %.3f us (at most %.1f us), ratio %.1f\n", kind.name, thousand, one,
              thousand - one, kMostMicroseconds, thousand / one);
  return thousand - one <= kMostMicroseconds;
}

// A user who wants to stop the daemon: the most and worst patterns that one may have, and the longest paths. What one flow costs then
// is told and bounded as it is, not as a difference.
constexpr double kMostMicrosecondsOfHostileUser = 50.0;

struct Attack {
  const char* name;
  std::string (*pattern)(int number);  // as long as may be; as many as there is room for
};

const Attack kAttacks[]{
    {"a long part that nearly fits everywhere", [](int number) { return "*" + std::string(250, 'a') + static_cast<char>('b' + number % 20); }},
    {"parts of many stars", [](int number) {
       std::string out;
       for (int i = 0; i < 50; ++i) out += "*aaaa";
       return out + static_cast<char>('b' + number % 20);
     }},
    {"question marks", [](int number) { return "*a" + std::string(200, '?') + "a" + static_cast<char>('b' + number % 20); }},
    {"short ones that are always tried", [](int number) {
       return std::string("*a?") + static_cast<char>('a' + number % 26) + static_cast<char>('a' + number / 26 % 26);
     }},
};

// The keys in turns, and every second one as an exception.
Policy hostile_policy(const Attack& attack) {
  const char* const keys[]{"program", "cgroup", "unit"};
  std::string text;
  std::size_t used = 0;
  for (int i = 0;; ++i) {
    const std::string pattern = attack.pattern(i);
    used += pattern.size() + 1;
    if (used > Policy::kMaxUserPatternText || i / 2 >= static_cast<int>(Policy::kMaxUserClasses)) break;
    const bool excepts = i % 2 == 1;
    const std::string value = std::string(keys[i % 3]) + " = \"" + (i % 3 == 2 ? "" : "/") + pattern + "\"";
    text += excepts ? "except = { " + value + " }\n" : "[[class]]\nmatch = { " + value + " }\n";
  }
  std::string operators;
  for (int i = 1; i <= kClasses; ++i) operators += "[[class]]\n" + patterns(i);
  const std::vector<PolicyFile> files{{"operator.toml", operators}, {"hostile.toml", text, PolicyLayer::User, 1000, "hostile"}};
  const auto policy = Policy::parse(files, {});
  if (!policy) std::printf("%s\n", to_string(policy.error().front()).c_str());
  return policy.value();
}

bool bears(const Attack& attack) {
  const Policy policy = hostile_policy(attack);
  FlowAttributes flow = flows_for(1).front();
  FlowOwner owner;
  owner.user = 1000;
  // As long as the kernel lets them be, with what the operator's patterns have, too.
  owner.program = "/" + std::string(4000, 'a');
  owner.cgroup = "/user.slice/" + std::string(2000, 'a');
  while (owner.cgroup.size() < 4000) owner.cgroup += "/app-";
  owner.unit = std::string(255, 'a');
  flow.user = 1000;
  flow.owner = std::make_shared<const FlowOwner>(owner);
  std::vector<double> times;
  for (int round = 0; round < 201; ++round) {
    const auto start = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(&policy.classify(flow, kTime));
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  const double time = median(times);
  std::printf("policy, hostile user, %s: %.3f us (at most %.1f us)\n", attack.name, time, kMostMicrosecondsOfHostileUser);
  return time <= kMostMicrosecondsOfHostileUser;
}

}  // namespace
}  // namespace mipflow::flow_separator

int main(int argc, char** argv) {
  using namespace mipflow::flow_separator;
  for (const Kind& kind : kKinds) {
    benchmark::RegisterBenchmark(("classification/" + std::string(kind.name)).c_str(), classification, kind.match)->Arg(1)->Arg(100)->Arg(kClasses);
    benchmark::RegisterBenchmark(("parsing/" + std::string(kind.name)).c_str(), parsing, kind.match)->Arg(kClasses)->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  bool cheap = true;
  for (const Kind& kind : kKinds) cheap = is_cheap(kind) && cheap;
  for (const Attack& attack : kAttacks) cheap = bears(attack) && cheap;
  return cheap ? 0 : 1;
}
