// SPDX-License-Identifier: GPL-3.0-or-later
// Binding Updates per second of the home agent role, from the received packet to the finished acknowledgement, with one
// core and no kernel: moves of home addresses that are bound, picked at random among so many of them. The last benchmark
// is what the role's share is compared with: the two HMACs of one Binding Update and its acknowledgement.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>

#include "mobile_nodes.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;
using namespace mipflow::benchmarks;

namespace {

// A home agent with so many mobile nodes registered.
class Served {
 public:
  explicit Served(unsigned bindings, unsigned each = 1) : mobile_nodes_(bindings, each) {
    const std::size_t before = heap_in_use();
    agent_ = std::make_unique<HomeAgent>(mobile_nodes_.configuration(), std::vector<PersistedBinding>{}, random_, now_);
    const std::size_t unbound = heap_in_use();
    configured_octets = (unbound - before) * each / bindings;
    Outputs outputs;
    for (unsigned i = 0; i < bindings; ++i) {
      handle(update_of(i), outputs);
      outputs.clear();
      // As the daemon does, so that nothing waits for it.
      take_changes();
    }
    binding_octets = (heap_in_use() - unbound) / bindings;
  }

  // A Binding Update that moves a random one of them.
  Bytes next_update() { return update_of(static_cast<unsigned>(random_.next_u64() % mobile_nodes_.count())); }

  void handle(Bytes packet, Outputs& outputs) {
    agent_->handle(PacketReceived{.packet = std::move(packet), .interface = 1}, now_, outputs);
  }
  void take_changes() {
    benchmark::DoNotOptimize(agent_->plan().tunnels.take_changes());
    benchmark::DoNotOptimize(agent_->plan().tunnel_sources.take_changes());
    benchmark::DoNotOptimize(agent_->take_persisted_changes(now_));
  }
  void tick() {
    now_.monotonic += std::chrono::microseconds{10};
    now_.wall += std::chrono::microseconds{10};
  }
  const Counters& counters() const { return agent_->counters(); }

  std::size_t configured_octets = 0;  // per mobile node that is only configured
  std::size_t binding_octets = 0;     // per binding, the forwarding plan's items included

 private:
  static std::size_t heap_in_use() { return mallinfo2().uordblks; }

  Bytes update_of(unsigned number) {
    tick();
    return mobile_nodes_.update_of(number, now_.wall);
  }

  SeededRandom random_{1};
  Now now_{TimePoint{} + std::chrono::hours{1}, std::chrono::seconds{1'700'000'000}};
  MobileNodes mobile_nodes_;
  std::unique_ptr<HomeAgent> agent_;
};

void moves(benchmark::State& state) {
  Served served(static_cast<unsigned>(state.range(0)), static_cast<unsigned>(state.range(1)));
  constexpr std::size_t kBatch = 1024;
  std::vector<Bytes> updates(kBatch);
  std::size_t next = kBatch;
  Outputs outputs;
  std::int64_t packets = 0;
  for (auto _ : state) {
    if (next == kBatch) {
      // Building them is the mobile nodes' work.
      state.PauseTiming();
      for (auto& update : updates) update = served.next_update();
      next = 0;
      state.ResumeTiming();
    }
    outputs.clear();
    served.handle(std::move(updates[next++]), outputs);
    served.take_changes();
    packets += static_cast<std::int64_t>(outputs.packets.size());
  }
  if (served.counters().refused > 0 || packets != state.iterations()) state.SkipWithError("not every update was accepted");
  state.SetItemsProcessed(state.iterations());
  state.counters["octets/binding"] = static_cast<double>(served.binding_octets);
  state.counters["octets/mobile_node"] = static_cast<double>(served.configured_octets);
}
// Bindings, and how many of them each mobile node has.
BENCHMARK(moves)->Args({100, 1})->Args({10'000, 1})->Args({200'000, 1})->Args({1'000'000, 64})->Unit(benchmark::kMicrosecond);

// Forged ones have to be cheaper than good ones, or they would be a weapon.
void forged(benchmark::State& state) {
  Served served(1000);
  Bytes packet = served.next_update();
  packet.back() ^= 1;
  const auto view = *wire::parse_packet(packet);
  Bytes header(view.payload.begin(), view.payload.end());
  packet = wire::build_packet_from_header({view.source, view.destination, view.home_address_option}, header);
  Outputs outputs;
  for (auto _ : state) {
    outputs.clear();
    served.handle(packet, outputs);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(forged)->Unit(benchmark::kMicrosecond);

void two_authenticators(benchmark::State& state) {
  const auto association = association_of(1);
  const Address home_address = home_address_of(1);
  const wire::AuthenticationInput input{.association = association,
                                        .key = association.key,
                                        .care_of_address = kCareOf,
                                        .home_address = home_address,
                                        .timestamp = 1,
                                        .with_identifier = false};
  const Bytes header = wire::encode_authenticated(wire::BindingAcknowledgement{}, input);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        wire::authenticator_is_right(header, association.spi, association.key, kCareOf, home_address));
    benchmark::DoNotOptimize(wire::encode_authenticated(wire::BindingAcknowledgement{}, input));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(two_authenticators)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
