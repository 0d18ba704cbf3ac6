// SPDX-License-Identifier: GPL-3.0-or-later
// Binding Updates per second of the home agent role, from the received packet to the finished acknowledgement, with one
// core and no kernel: moves of home addresses that are bound, picked at random among so many of them. The last benchmark
// is what the role's share is compared with: the two HMACs of one Binding Update and its acknowledgement.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>

#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/wire/packet.hpp"

using namespace mipflow;
using namespace mipflow::home_agent;

namespace {

const Address kHomeAgent = *Address::parse("2001:db8:100::1");
const Address kCareOf = *Address::parse("2001:db8:200::5");

wire::SecurityAssociation association_of(unsigned mobile_node) {
  return {"node-" + std::to_string(mobile_node) + "@example.net", 1000, Bytes(16, static_cast<std::uint8_t>(mobile_node))};
}

Address home_address_of(unsigned mobile_node) {
  Address out = *Address::parse("2001:db8:100::");
  for (unsigned octet = 0; octet < 4; ++octet)
    out.octets[12 + octet] = static_cast<std::uint8_t>((mobile_node + 0x1000) >> (8 * (3 - octet)));
  out.octets[8] = 1;
  return out;
}

// A home agent with so many mobile nodes registered.
class Served {
 public:
  explicit Served(unsigned mobile_nodes) : count_(mobile_nodes), sequences_(mobile_nodes) {
    const std::size_t before = heap_in_use();
    Configuration configuration;
    configuration.home_agent_address = kHomeAgent;
    configuration.home_prefixes = {{.prefix = *Prefix::parse("2001:db8:100::/64")}};
    for (unsigned i = 0; i < mobile_nodes; ++i)
      configuration.mobile_nodes.push_back(
          {.security_association = association_of(i), .primary_home_address = home_address_of(i)});
    agent_ = std::make_unique<HomeAgent>(std::move(configuration), std::vector<PersistedBinding>{}, random_, now_);
    const std::size_t unbound = heap_in_use();
    configured_octets = (unbound - before) / mobile_nodes;
    Outputs outputs;
    for (unsigned i = 0; i < mobile_nodes; ++i) {
      handle(update_of(i), outputs);
      outputs.clear();
    }
    take_changes();
    binding_octets = (heap_in_use() - unbound) / mobile_nodes;
  }

  // A Binding Update that moves a random one of them.
  Bytes next_update() { return update_of(static_cast<unsigned>(random_.next_u64() % count_)); }

  void handle(Bytes packet, Outputs& outputs) {
    agent_->handle(PacketReceived{.packet = std::move(packet), .interface = 1}, now_, outputs);
  }
  void take_changes() {
    benchmark::DoNotOptimize(agent_->plan().tunnels.take_changes());
    benchmark::DoNotOptimize(agent_->plan().tunnel_sources.take_changes());
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

  Bytes update_of(unsigned mobile_node) {
    tick();
    Address care_of = kCareOf;
    const std::uint16_t sequence = ++sequences_[mobile_node];
    care_of.octets[15] = static_cast<std::uint8_t>(sequence);
    const Address home_address = home_address_of(mobile_node);
    const auto association = association_of(mobile_node);
    wire::BindingUpdate update{.sequence = sequence, .acknowledge = true, .home_registration = true, .lifetime_units = 1000};
    update.options.push_back(wire::AlternateCareOfAddress{care_of});
    return wire::build_packet_from_header(
        {.source = care_of, .destination = kHomeAgent, .home_address_option = home_address},
        wire::encode_authenticated(update, {.association = association,
                                            .key = association.key,
                                            .care_of_address = care_of,
                                            .home_address = home_address,
                                            .timestamp = wire::ntp_timestamp(now_.wall),
                                            .with_identifier = true}));
  }

  SeededRandom random_{1};
  Now now_{TimePoint{} + std::chrono::hours{1}, std::chrono::seconds{1'700'000'000}};
  unsigned count_;
  std::vector<std::uint16_t> sequences_;
  std::unique_ptr<HomeAgent> agent_;
};

void moves(benchmark::State& state) {
  Served served(static_cast<unsigned>(state.range(0)));
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
BENCHMARK(moves)->Arg(100)->Arg(10'000)->Arg(200'000)->Unit(benchmark::kMicrosecond);

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
