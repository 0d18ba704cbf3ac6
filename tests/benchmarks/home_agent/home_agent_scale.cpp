// SPDX-License-Identifier: GPL-3.0-or-later
// A home agent with many bindings and its kernel, on a routed home network: how fast registrations are with routes and maps, what
// a binding costs in memory, what reading the load costs, and what a restart has to do.
//   home_agent_scale BINDINGS [HOME_ADDRESSES_OF_EACH_MOBILE_NODE]
// prints JSON; seconds are the processor's. The packets do not come through the data path's ring: that is the same for every one of them, and told apart.
#include <bpf/bpf.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>

#include "laboratory.hpp"
#include "mipflow/platform/binding_store.hpp"
#include "mipflow/platform/clock.hpp"
#include "mipflow/platform/kernel_state.hpp"
#include "mipflow/platform/runner.hpp"
#include "mobile_nodes.hpp"

using namespace mipflow;
using namespace mipflow::benchmarks;
using home_agent::HomeAgent;

namespace {

constexpr const char* kPins = "/sys/fs/bpf/mipflow/scale";
constexpr unsigned kMoves = 50'000;

double seconds_since(double begin) { return processor_seconds() - begin; }

void must(const std::vector<platform::Failure>& refused) {
  if (!refused.empty()) fail("the kernel refused " + std::to_string(refused.size()) + ", first: " + refused.front().message);
}

std::unique_ptr<platform::KernelState> open_kernel(unsigned bindings) {
  platform::KernelState::Options options;
  options.data_path.role = datapath::Role::HomeAgent;
  options.data_path.pin_directory = kPins;
  options.data_path.tunnel_capacity = std::max(1'000'000u, bindings);
  auto kernel = platform::KernelState::open(options);
  if (!kernel) fail(kernel.error().message);
  return std::move(*kernel);
}

// The role with a kernel, and nobody to send to.
class Port final : public platform::RunnerPort {
 public:
  explicit Port(platform::KernelState& kernel) : kernel_(kernel) {}
  Now now() override { return platform::read_clock(); }
  void add(const platform::PlanChanges& changes, std::vector<platform::Failure>& refused) override { kernel_.add(changes, refused); }
  void remove(const platform::PlanChanges& changes, std::vector<platform::Failure>& refused) override { kernel_.remove(changes, refused); }
  void send(const OutgoingPacket& packet) override {
    ++sent;
    octets = packet.packet.size();
  }
  void release(const Verdict&) override {}
  void tell(const Notice&, TimePoint) override {}
  void arm(TimePoint) override {}
  void refused(std::vector<platform::Failure> failures) override { must(failures); }

  std::size_t sent = 0;
  std::size_t octets = 0;  // of the last one

 private:
  platform::KernelState& kernel_;
};

// How long one report of what was tunnelled takes, with so many home addresses that something was tunnelled for.
double read_activity(datapath::DataPath& data_path, unsigned bindings, unsigned active) {
  std::string map;
  for (const auto& entry : std::filesystem::directory_iterator(kPins))
    if (entry.is_directory()) map = (entry.path() / "tunnel_activity").string();
  const int descriptor = bpf_obj_get(map.c_str());
  if (descriptor < 0) fail("no map " + map);
  const std::uint64_t value[2] = {1, 100};
  for (unsigned i = 0; i < active; ++i) {
    const std::uint32_t slot = static_cast<std::uint32_t>(std::uint64_t{i} * bindings / active);
    if (bpf_map_update_elem(descriptor, &slot, value, BPF_ANY) != 0) fail("cannot write to the map");
  }
  ::close(descriptor);
  const auto begin = processor_seconds();
  if (data_path.take_tunnel_activity().size() != active) fail("not every active tunnel was reported");
  return seconds_since(begin);
}

}  // namespace

int main(int count, char** values) {
  const unsigned bindings = count > 1 ? static_cast<unsigned>(std::atol(values[1])) : 100'000;
  const unsigned each = count > 2 ? static_cast<unsigned>(std::atol(values[2])) : 64;
  enter_laboratory();
  shell("ip link add uplink type veth peer name far && ip link set uplink up && ip link set far up");
  shell("ip -6 addr add 2001:db8:200::1/64 dev uplink nodad");
  auto report = [first = true](const char* name, double value) mutable {
    std::printf("%s\n \"%s\": %.6g", first ? "{" : ",", name, value);
    std::fflush(stdout);
    first = false;
  };
  report("bindings", bindings);
  report("home_addresses_of_each_mobile_node", each);

  MobileNodes mobile_nodes(bindings, each);
  SeededRandom random(1);
  const std::size_t kernel_without = kernel_octets();
  auto kernel = open_kernel(bindings);
  report("kernel_octets_of_empty_tables", static_cast<double>(kernel_octets() - kernel_without));
  auto agent = std::make_unique<HomeAgent>(mobile_nodes.configuration(), std::vector<home_agent::PersistedBinding>{}, random, platform::read_clock());
  ::malloc_trim(0);
  const std::size_t resident_before = resident_octets();
  const std::size_t kernel_before = kernel_octets();
  {
    Port port(*kernel);
    platform::Runner<HomeAgent, home_agent::Event> runner(*agent, port);
    double took = 0;
    const auto register_one = [&](unsigned number) {
      Bytes packet = mobile_nodes.update_of(number, platform::read_clock().wall);
      const auto begin = processor_seconds();
      runner.handle(PacketReceived{.packet = std::move(packet), .interface = 1});
      took += seconds_since(begin);
    };
    for (unsigned i = 0; i < bindings; ++i) {
      register_one(i);
      if (i % 1000 == 0) static_cast<void>(agent->take_persisted_changes(platform::read_clock()));  // as the daemon does
    }
    report("first_registrations_per_second", bindings / took);
    ::malloc_trim(0);
    report("resident_octets_per_binding", static_cast<double>(resident_octets() - resident_before) / bindings);
    report("kernel_octets_per_binding", static_cast<double>(kernel_octets() - kernel_before) / bindings);
    report("resident_octets", static_cast<double>(resident_octets()));
    report("kernel_octets", static_cast<double>(kernel_octets() - kernel_without));
    report("binding_update_octets", static_cast<double>(mobile_nodes.update_of(1, platform::read_clock().wall).size()));
    report("acknowledgement_octets", static_cast<double>(port.octets));
    if (agent->counters().accepted != bindings || port.sent != bindings) fail("not every Binding Update was accepted");

    took = 0;
    for (unsigned i = 0; i < kMoves; ++i) register_one(static_cast<unsigned>(random.next_u64() % bindings));
    report("moves_per_second", kMoves / took);
  }
  report("activity_seconds_1000_active", read_activity(*kernel->data_path(), bindings, std::min(1000u, bindings)));
  report("activity_seconds_all_active", read_activity(*kernel->data_path(), bindings, bindings));

  // The daemon dies and is started again.
  const auto file = std::filesystem::temp_directory_path() / ("mipflow-scale-" + std::to_string(::getpid()));
  platform::BindingStore store(file);
  auto begin = processor_seconds();
  const auto state = platform::StoredState{agent->persisted(platform::read_clock()), agent->persisted_services(platform::read_clock())};
  report("collect_seconds", seconds_since(begin));
  begin = processor_seconds();
  if (const auto saved = store.save(state); !saved) fail(saved.error().message);
  report("write_seconds", seconds_since(begin));
  report("file_octets", static_cast<double>(std::filesystem::file_size(file)));
  agent.reset();
  kernel.reset();
  begin = processor_seconds();
  const auto restart = begin;
  const auto restored = platform::BindingStore(file).load();
  if (!restored) fail(restored.error().message);
  report("restart_read_seconds", seconds_since(begin));
  std::filesystem::remove(file);
  begin = processor_seconds();
  kernel = open_kernel(bindings);
  report("restart_open_seconds", seconds_since(begin));
  begin = processor_seconds();
  agent = std::make_unique<HomeAgent>(mobile_nodes.configuration(), restored->bindings, random, platform::read_clock());
  report("restart_role_seconds", seconds_since(begin));
  begin = processor_seconds();
  platform::CarriedOut carried_out;
  const auto changes = platform::take_changes(agent->plan(), carried_out);
  report("restart_plan_seconds", seconds_since(begin));
  begin = processor_seconds();
  // The care-of addresses before the present ones, which were accepted for a moment more, are not kept.
  if (!platform::DataPathTables(*kernel->data_path(), datapath::Role::HomeAgent).difference(agent->plan()).tunnels.empty())
    fail("the next daemon did not find what the one before left in the data path");
  report("restart_data_path_seconds", seconds_since(begin));
  begin = processor_seconds();
  std::vector<platform::Failure> refused;
  const std::size_t changed = kernel->reconcile(agent->plan(), true, refused);
  must(refused);
  report("restart_reconcile_seconds", seconds_since(begin));
  report("restart_seconds", seconds_since(restart));
  if (changed != 0 || changes.tunnels.set.size() != bindings) fail("the next daemon did not find what the one before left");
  if (kernel->data_path()->tunnels().size() != bindings) fail("tunnels are missing");

  // A kernel that has lost it all: the machine was started anew.
  begin = processor_seconds();
  kernel->take_back(refused);
  must(refused);
  report("take_back_seconds", seconds_since(begin));
  kernel.reset();
  kernel = open_kernel(bindings);
  begin = processor_seconds();
  kernel->reconcile(agent->plan(), true, refused);
  must(refused);
  report("fill_seconds", seconds_since(begin));
  kernel->take_back(refused);
  std::printf("\n}\n");
  return 0;
}
