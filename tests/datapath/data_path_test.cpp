// SPDX-License-Identifier: GPL-3.0-or-later
// The loader: taking over what a daemon left, refusing what can not work, leaving nothing behind.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>

#include "mobile_node_fixture.hpp"

using namespace mipflow;
using namespace mipflow::datapath;
using namespace mipflow::packets;

namespace {

std::string output_of(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string out;
  char buffer[256];
  while (std::fgets(buffer, sizeof buffer, pipe.get()) != nullptr) out += buffer;
  return out;
}

// Somebody else's filter: a program of ours, but not where we look for it.
void attach_with_priority(const char* interface, std::uint32_t priority) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(interface_named(interface));
  hook.attach_point = BPF_TC_INGRESS;
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.handle = 1;
  options.priority = 6275;
  REQUIRE(bpf_tc_query(&hook, &options) == 0);
  const int program = bpf_prog_get_fd_by_id(options.prog_id);
  options = {};
  options.sz = sizeof options;
  options.handle = 1;
  options.priority = priority;
  options.prog_fd = program;
  CHECK(bpf_tc_attach(&hook, &options) == 0);
  ::close(program);
}

// Nobody gets the data path behind these tests, and everything of it can be taken away.
class LoaderFixture : public MobileNodeFixture {
 public:
  ~LoaderFixture() { CHECK(take_away(Role::MobileNode, std::move(path))); }
};

// The daemon dies and is started again.
void start_again(std::unique_ptr<DataPath>& path, const Options& options) {
  path.reset();
  auto opened = DataPath::open(options);
  if (!opened) FAIL(opened.error().text);
  path = std::move(*opened);
}

}  // namespace

TEST_CASE_METHOD(LoaderFixture, "the next daemon takes over what the one before left") {
  rewrite(kTcp, 1000, 80, 41);
  must(path->set_flow(key(kUdp, 5, 6), {42, kHome1, 1}));
  out(tcp({kHome1, kCorrespondent}, 1000, 80));

  path.reset();
  // Nobody is there: packets go on.
  CHECK(read(read(out(tcp({kHome1, kCorrespondent}, 1000, 80)).packet).payload).source == kHome2);
  CHECK(out(tcp({kHome2, kCorrespondent}, 1, 2)).verdict == kRedirect);
  CHECK(read(in_tunnel(tcp({kCorrespondent, kHome2}, 80, 1000)).packet).destination == kHome1);

  start_again(path, options_for(Role::MobileNode, "/sys/fs/bpf/mipflow/test"));
  using namespace forwarding;
  const auto flows = path->flows();
  CHECK(flows.size() == 2);
  CHECK(flows.at(key(kTcp, 1000, 80)) == FlowItem{41, kHome2, 2});
  CHECK(flows.at(key(kUdp, 5, 6)) == FlowItem{42, kHome1, 1});
  CHECK(path->bindings() == std::unordered_map<BindingId, BindingItem>{{1, binding(kHome1, kCareOf, "wlan0")},
                                                                       {2, binding(kHome2, kOtherCareOf, "wwan0")}});
  CHECK(path->home_agents() == std::unordered_set<Address>{kHomeAgent});
  CHECK(path->care_of_addresses().at(kOtherCareOf).interface == interface_named("wwan0"));
  CHECK(path->home_addresses().at(kHome2).default_binding == 2);
  CHECK(path->uplinks() == std::vector<InterfaceIndex>{interface_named("wlan0"), interface_named("wwan0")});
  CHECK(counter(*path, "tunnelled_out") == 3);

  // Counters go on, and new flows do not get the slots of old ones.
  CHECK(read(read(out(tcp({kHome1, kCorrespondent}, 1000, 80)).packet).payload).source == kHome2);
  must(path->set_flow(key(kUdp, 7, 8), {43, kHome1, 1}));
  for (const auto& flow : path->activities()) {
    if (flow.id == 41) {
      CHECK(flow.packets_out == 3);
      CHECK(flow.packets_in == 1);
    } else {
      CHECK(flow.packets_out == 0);
    }
  }
}

TEST_CASE_METHOD(LoaderFixture, "tables of other sizes are made anew") {
  rewrite(kTcp, 1000, 80);
  Options options = options_for(Role::MobileNode, "/sys/fs/bpf/mipflow/test");
  options.flow_capacity = 2048;
  start_again(path, options);
  CHECK(path->flows().empty());
  CHECK(path->bindings().empty());
}

TEST_CASE_METHOD(LoaderFixture, "flows that can not be told apart on arrival are refused") {
  rewrite(kTcp, 1000, 80);
  const FlowKey other{kHome2, kCorrespondent, 1000, 80, kTcp};
  const auto refused = path->set_flow(other, {8, kHome2, 2});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == EADDRINUSE);
  CHECK(refused.error().text.find("another home address") != std::string::npos);
  CHECK(path->flows().size() == 1);
  CHECK(read(in_tunnel(tcp({kCorrespondent, kHome2}, 80, 1000)).packet).destination == kHome1);

  must(path->set_flow(other, {8, kHome1, 1}));  // the other way round they can be told apart
  CHECK(read(in_tunnel(tcp({kCorrespondent, kHome1}, 80, 1000)).packet).destination == kHome2);
  const auto swapped = path->set_flow(other, {8, kHome2, 2});
  REQUIRE_FALSE(swapped);
  CHECK(path->flows().at(other).home_address == kHome1);
  CHECK(read(in_tunnel(tcp({kCorrespondent, kHome1}, 80, 1000)).packet).destination == kHome2);
  must(path->erase_flow(key(kTcp, 1000, 80)));
  must(path->set_flow(other, {8, kHome2, 2}));
}

TEST_CASE_METHOD(LoaderFixture, "a flow that gets another home address arrives by the new one only") {
  rewrite(kTcp, 1000, 80);
  must(path->set_flow(key(kTcp, 1000, 80), {7, kHome1, 1}));
  const Octets packet = tcp({kCorrespondent, kHome2}, 80, 1000);
  CHECK(in_tunnel(packet).packet == packet);
  CHECK(activity().packets_in == 0);
  in_tunnel(tcp({kCorrespondent, kHome1}, 80, 1000));
  CHECK(activity().packets_in == 1);
}

TEST_CASE_METHOD(LoaderFixture, "protocols whose checksum is unknown keep their source") {
  const auto refused = path->set_flow(key(51, 0, 0), {1, kHome2, 2});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == EPROTONOSUPPORT);
  CHECK(path->set_flow(key(51, 0, 0), {1, kHome1, 1}));
}

TEST_CASE_METHOD(LoaderFixture, "a full table says so and changes nothing") {
  for (std::uint16_t port = 1; port <= 1024; ++port) must(path->set_flow(key(kTcp, port, 80), {port, kHome1, 1}));
  const auto refused = path->set_flow(key(kTcp, 2000, 80), {2000, kHome1, 1});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == E2BIG);
  must(path->erase_flow(key(kTcp, 5, 80)));
  must(path->erase_flow(key(kTcp, 5, 80)));
  CHECK(path->set_flow(key(kTcp, 2000, 80), {2000, kHome1, 1}));
  CHECK(path->flows().size() == 1024);
}

TEST_CASE_METHOD(LoaderFixture, "the next hop is the uplink's own router") {
  // wlan0's default route is the preferred one, for packets with wwan0's care-of address too.
  CHECK(output_of("ip -6 route get 2001:db8:5::2 from 2001:db8:2::2 oif wwan0").find("via 2001:db8:1::1") != std::string::npos);
  const auto next_hop_of = [](const char* id) {
    const std::string dump = output_of("bpftool -j map lookup pinned " + pinned_map("bindings") + " key hex " + std::string(id) + " 00 00 00");
    return dump;
  };
  // 2001:db8:2::1 and 2001:db8:1::1 as bpftool shows bytes.
  CHECK(next_hop_of("02").find("\"0x20\",\"0x01\",\"0x0d\",\"0xb8\",\"0x00\",\"0x02\",\"0x00\",\"0x00\",\"0x00\",\"0x00\",\"0x00\",\"0x00\",\"0x00\",\"0x00\",\"0x00\",\"0x01\"") != std::string::npos);
  shell("ip -6 route del default dev wwan0 metric 200 && ip -6 route add default via 2001:db8:2::9 dev wwan0 metric 200");
  must(path->refresh_next_hops());
  CHECK(next_hop_of("02").find("\"0x00\",\"0x00\",\"0x00\",\"0x09\"") != std::string::npos);
  shell("ip -6 route del default dev wwan0 metric 200 && ip -6 route add default via 2001:db8:2::1 dev wwan0 metric 200");
}

TEST_CASE_METHOD(LoaderFixture, "one pin directory serves one daemon") {
  const auto second = DataPath::open(options_for(Role::MobileNode, "/sys/fs/bpf/mipflow/test"));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == EBUSY);
}

TEST_CASE_METHOD(LoaderFixture, "a binding on an interface that does not exist is refused") {
  forwarding::BindingItem item = binding(kHome1, kCareOf, "wlan0");
  item.uplink = 9999;
  const auto refused = path->set_binding(1, item);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ENODEV);
  CHECK(path->bindings().at(1).uplink == interface_named("wlan0"));
}

TEST_CASE("options that can not work are refused with a reason") {
  enter_laboratory();
  clear_store();
  const auto refused = [](auto change) {
    Options options = options_for(Role::MobileNode, "/sys/fs/bpf/mipflow/refused");
    change(options);
    const auto opened = DataPath::open(options);
    REQUIRE_FALSE(opened);
    CHECK_FALSE(opened.error().text.empty());
    return opened.error().code;
  };
  CHECK(refused([](Options& o) { o.mip0 = 9999; }) == ENODEV);
  CHECK(refused([](Options& o) { o.mip0 = interface_named("lo"); }) == EINVAL);
  CHECK(refused([](Options& o) { o.ring_octets = 5000; }) == EINVAL);
  CHECK(refused([](Options& o) { o.flow_capacity = 0; }) == EINVAL);
  CHECK(refused([](Options& o) { o.pin_directory = "/tmp/no-bpf-here"; }) == EINVAL);
  CHECK(refused([](Options& o) { o.pin_directory = "relative"; }) == EINVAL);
  CHECK_FALSE(std::filesystem::exists("/sys/fs/bpf/mipflow"));
}

TEST_CASE("everything can be taken away again") {
  enter_laboratory();
  {
    LoaderFixture fixture;
    fixture.rewrite(kTcp, 1000, 80);
    fixture.path.reset();
    REQUIRE(DataPath::remove_everything("/sys/fs/bpf/mipflow/test", Role::MobileNode));
    CHECK(output_of("tc qdisc show | grep clsact").empty());
    CHECK_FALSE(std::filesystem::exists("/sys/fs/bpf/mipflow"));
    CHECK(DataPath::remove_everything("/sys/fs/bpf/mipflow/test", Role::MobileNode));  // nothing there is no error
    fixture.path = std::move(*DataPath::open(options_for(Role::MobileNode, "/sys/fs/bpf/mipflow/test")));
  }
  CHECK(output_of("tc qdisc show | grep clsact").empty());
}

TEST_CASE_METHOD(LoaderFixture, "filters of others stay where they are") {
  attach_with_priority("wlan0", 1);
  must(path->detach_uplink(interface_named("wlan0")));
  must(path->detach_uplink(interface_named("wlan0")));
  CHECK(output_of("tc filter show dev wlan0 ingress").find("pref 1 ") != std::string::npos);
  CHECK(path->uplinks() == std::vector<InterfaceIndex>{interface_named("wwan0")});
  shell("tc qdisc del dev wlan0 clsact");
}

TEST_CASE_METHOD(LoaderFixture, "a hundred thousand flows are read faster than by asking for each") {
  Options options = options_for(Role::MobileNode, "/sys/fs/bpf/mipflow/test");
  options.flow_capacity = 131'072;
  start_again(path, options);
  for (std::uint32_t i = 0; i < 100'000; ++i)
    must(path->set_flow(key(kUdp, static_cast<std::uint16_t>(i % 50'000 + 1), static_cast<std::uint16_t>(i / 50'000 + 1)), {i + 1, kHome1, 1}));
  // Against one system call per flow, in this process's time: neither a slow nor a busy machine changes the answer.
  const auto time_of = [](auto work) {
    const std::clock_t begin = std::clock();
    work();
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  };
  const double all_at_once = time_of([&] { CHECK(path->activities().size() == 100'000); });
  const int slots = bpf_obj_get(pinned_map("activity").c_str());
  REQUIRE(slots >= 0);
  const double one_by_one = time_of([&] {
    for (std::uint32_t slot = 0; slot < 100'000; ++slot) {
      std::array<std::uint64_t, 16> value;  // struct mipflow_activity
      bpf_map_lookup_elem(slots, &slot, &value);
    }
  });
  ::close(slots);
  CAPTURE(all_at_once, one_by_one);
  CHECK(all_at_once < one_by_one);
  start_again(path, options);
  CHECK(path->flows().size() == 100'000);
}

TEST_CASE_METHOD(LoaderFixture, "an uplink that lost one of its two filters is not attached any more, and can be again") {
  const auto is_uplink = [&] {
    const auto all = path->uplinks();
    return std::find(all.begin(), all.end(), interface_named("wlan0")) != all.end();
  };
  for (const char* priority : {"6275", "6276"}) {
    REQUIRE(is_uplink());
    shell("tc filter del dev wlan0 ingress pref " + std::string(priority));
    CHECK_FALSE(is_uplink());
    must(path->attach_uplink(interface_named("wlan0")));
  }
  CHECK(is_uplink());
  must(path->detach_uplink(interface_named("wlan0")));
  CHECK(output_of("tc qdisc show dev wlan0").find("clsact") == std::string::npos);
  must(path->attach_uplink(interface_named("wlan0")));
}
