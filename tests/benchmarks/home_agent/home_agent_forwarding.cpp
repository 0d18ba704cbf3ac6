// SPDX-License-Identifier: GPL-3.0-or-later
// Packets per second of one core through a home agent, tunnelled and plainly forwarded over the same links, with one binding and
// with many:
//   home_agent_forwarding BINDINGS [PACKETS_IN_A_ROUND [ROUNDS [prefix | link | addresses [WAY…]]]]
// prefix: one route for all of them, as on a routed home network; link: a host route for each binding and a proxied neighbour, as on
// a home link; addresses: a host route only, to compare with. With names of ways (below) only those, for a profiler.
//
//   (this process) ─► from-cn ══ in ── home agent's kernel ── out ══ to-mn (counts, and drops)
//
// There are two such kernels, network namespaces, one with a single binding and one with all; all ways of sending take turns in
// every round, ratios are taken within a round, and the medians of the rounds count. Times are the processor's for this thread,
// in which the kernel does all of the work, so that other programs on the machine take none of it. Sending a packet costs the same
// each time and is part of what is measured, so the ratios are better than those of forwarding alone, as for a path's throughput.
// Prints JSON.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <random>

#include "laboratory.hpp"
#include "mipflow/platform/kernel_state.hpp"
#include "mobile_nodes.hpp"

using namespace mipflow;
using namespace mipflow::benchmarks;

namespace {

const Address kPlain = *Address::parse("2001:db8:300::");  // a prefix behind the mobile node's link
constexpr std::size_t kHeaders = 14 + 40 + 8;
constexpr std::size_t kTogether = 64;  // frames per system call

class HomeAgentKernel {
 public:
  HomeAgentKernel(const std::string& name, unsigned bindings, const std::string& interception) {
    if (::unshare(CLONE_NEWNET) != 0) fail("unshare");
    name_space_ = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    shell("ip link set lo up");
    shell("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.forwarding=1");
    for (const char* pair : {"in type veth peer name from-cn", "out type veth peer name to-mn"}) shell(std::string("ip link add ") + pair);
    shell("sysctl -qw net.ipv6.conf.to-mn.disable_ipv6=1 net.ipv6.conf.from-cn.disable_ipv6=1");
    for (const char* link : {"in", "out", "from-cn", "to-mn"}) shell(std::string("ip link set ") + link + " up");
    shell("ip -6 addr add 2001:db8:6::1/64 dev in nodad && ip -6 addr add 2001:db8:200::1/64 dev out nodad");
    shell("ip -6 neigh add " + to_string(kCareOf) + " dev out lladdr 02:00:00:00:00:01 nud permanent");
    shell("ip -6 route add " + to_string(kPlain) + "/64 via " + to_string(kCareOf) + " dev out");
    platform::KernelState::Options options;
    options.data_path.role = datapath::Role::HomeAgent;
    options.data_path.pin_directory = "/sys/fs/bpf/mipflow/" + name;
    options.data_path.tunnel_capacity = std::max(1'000'000u, bindings);
    auto kernel = platform::KernelState::open(options);
    if (!kernel) fail(kernel.error().message);
    kernel_ = std::move(*kernel);
    platform::PlanChanges changes;
    for (unsigned i = 0; i < bindings; ++i) {
      changes.tunnels.set.emplace_back(home_address_of(i), forwarding::TunnelItem{kCareOf, kHomeAgent});
      changes.tunnel_sources.set.emplace_back(forwarding::TunnelSource{home_address_of(i), kCareOf}, forwarding::Present{});
      if (interception == "link") changes.proxied_neighbours.set.emplace_back(forwarding::OnInterface{::if_nametoindex("in"), home_address_of(i)}, forwarding::Present{});
    }
    if (interception == "link") shell("sysctl -qw net.ipv6.conf.all.proxy_ndp=1 net.ipv6.conf.in.proxy_ndp=1");
    std::vector<platform::Failure> refused;
    const auto begin = std::chrono::steady_clock::now();
    const std::size_t kernel_before = kernel_octets();
    if (interception == "prefix") changes.home_networks.set.emplace_back(*Prefix::parse("2001:db8:100::/64"), forwarding::Present{});
    kernel_->add(changes, refused);
    fill_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    kernel_before_traffic = kernel_octets() - kernel_before;
    if (!refused.empty()) fail(refused.front().message);
    attach(true);
    open_socket();
  }

  void attach(bool on) {
    for (const char* link : {"in", "out"}) {
      const auto index = ::if_nametoindex(link);
      const auto done = on ? kernel_->data_path()->attach_uplink(index) : kernel_->data_path()->detach_uplink(index);
      if (!done) fail(done.error().text);
    }
  }

  // Seconds of a processor for so many packets of this length, headers included; all of them arrive. The n-th goes to the home
  // address of that number of `numbers`, or to an address behind plain forwarding that differs likewise.
  double send(std::size_t octets, unsigned packets, bool tunnelled, const std::vector<std::uint32_t>& numbers) {
    if (::setns(name_space_, CLONE_NEWNET) != 0) fail("setns");
    attach(tunnelled);
    std::array<std::vector<std::uint8_t>, kTogether> frames;
    std::array<iovec, kTogether> parts{};
    std::array<mmsghdr, kTogether> messages{};
    for (std::size_t i = 0; i < kTogether; ++i) {
      frames[i] = frame(octets);
      parts[i] = {frames[i].data(), frames[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const std::uint64_t before = arrived();
    const auto begin = std::chrono::steady_clock::now();
    const double busy_before = processor_seconds();
    for (unsigned sent = 0; sent < packets;) {
      for (auto& frame : frames) {
        next_ = (next_ + 1) % numbers.size();
        Address destination = home_address_of(numbers[next_]);
        if (!tunnelled) std::copy_n(kPlain.octets.begin(), 8, destination.octets.begin());
        std::copy(destination.octets.begin(), destination.octets.end(), frame.begin() + 14 + 24);
      }
      const int done = ::sendmmsg(socket_, messages.data(), static_cast<unsigned>(std::min<std::size_t>(kTogether, packets - sent)), 0);
      if (done <= 0) fail(std::string("sendmmsg: ") + std::strerror(errno));
      sent += static_cast<unsigned>(done);
    }
    const double busy = processor_seconds() - busy_before;
    while (arrived() < before + packets)
      if (std::chrono::steady_clock::now() - begin > std::chrono::seconds{60})
        fail(std::to_string(before + packets - arrived()) + " packets were lost");
    return busy;
  }
  double fill_seconds = 0;                // until everything was in the kernel
  std::size_t kernel_before_traffic = 0;  // octets that it took

 private:
  void open_socket() {
    socket_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);  // receives nothing
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(::if_nametoindex("from-cn"));
    const int on = 1;
    if (socket_ < 0 || ::setsockopt(socket_, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0 ||
        ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      fail(std::string("packet socket: ") + std::strerror(errno));
    std::FILE* file = ::popen("ip -br link show dev in", "r");
    char line[256] = {};
    if (std::fgets(line, sizeof line, file) == nullptr) fail("no link");
    ::pclose(file);
    // "in@from-cn UP xx:xx:xx:xx:xx:xx <…>"
    unsigned octets[6] = {};
    if (std::sscanf(line, "%*s %*s %x:%x:%x:%x:%x:%x", &octets[0], &octets[1], &octets[2], &octets[3], &octets[4], &octets[5]) != 6)
      fail(std::string("no link-layer address in ") + line);
    std::copy(std::begin(octets), std::end(octets), link_layer_.begin());
  }
  // A UDP datagram without a checksum that anybody looks at.
  std::vector<std::uint8_t> frame(std::size_t octets) const {
    std::vector<std::uint8_t> out(std::max(octets + 14, kHeaders), 0);
    std::copy(link_layer_.begin(), link_layer_.end(), out.begin());
    out[11] = 7;
    out[12] = 0x86;
    out[13] = 0xdd;
    const std::size_t payload = out.size() - 14 - 40;
    out[14] = 0x60;
    out[18] = static_cast<std::uint8_t>(payload >> 8);
    out[19] = static_cast<std::uint8_t>(payload);
    out[20] = 17;
    out[21] = 64;
    const Address source = *Address::parse("2001:db8:6::2");
    std::copy(source.octets.begin(), source.octets.end(), out.begin() + 22);
    out[14 + 40 + 4] = static_cast<std::uint8_t>(payload >> 8);
    out[14 + 40 + 5] = static_cast<std::uint8_t>(payload);
    return out;
  }
  std::uint64_t arrived() const {
    // Of this namespace, as /proc/net is.
    std::ifstream file("/proc/thread-self/net/dev");
    for (std::string word; file >> word;)
      if (word == "to-mn:") {
        std::uint64_t value = 0;
        file >> value >> value;
        return value;
      }
    fail("no counters of to-mn");
  }

  int name_space_ = -1;
  int socket_ = -1;
  std::array<std::uint8_t, 6> link_layer_{};
  std::unique_ptr<platform::KernelState> kernel_;
  std::size_t next_ = 0;
};

// Which home addresses packets go to, one after the other.
enum class Spread { One, Even, Zipf };

// Zipf: the k-th most wanted home address has 1/k of what the first one has, as destinations of Internet traffic do about.
std::vector<std::uint32_t> numbers_of(Spread spread, unsigned bindings) {
  constexpr std::size_t kDrawn = 1'000'000;
  std::mt19937_64 random(1);
  if (spread == Spread::One) return {0};
  std::vector<std::uint32_t> out(kDrawn);
  std::uniform_int_distribution<std::uint32_t> any(0, bindings - 1);
  std::uniform_real_distribution<double> part(0, 1);
  std::vector<std::uint32_t> by_rank(bindings);  // neighbours in rank are none in the kernel's memory
  std::iota(by_rank.begin(), by_rank.end(), 0u);
  std::ranges::shuffle(by_rank, random);
  // The sum of 1/k up to k is about ln k, so that k is about bindings to the power of a number between 0 and 1.
  for (auto& number : out)
    number = spread == Spread::Even ? any(random) : by_rank[std::min(bindings - 1, static_cast<unsigned>(std::pow(bindings, part(random))) - 1)];
  return out;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int count, char** values) {
  const unsigned bindings = count > 1 ? static_cast<unsigned>(std::atol(values[1])) : 100'000;
  const unsigned packets = count > 2 ? static_cast<unsigned>(std::atol(values[2])) : 50'000;
  const int rounds = count > 3 ? std::atoi(values[3]) : 9;
  enter_laboratory();
  const std::string interception = count > 4 ? values[4] : "prefix";
  HomeAgentKernel one("forwarding-one", 1, interception);
  HomeAgentKernel many("forwarding-many", bindings, interception);
  const std::size_t before_traffic = kernel_octets();
  struct Way {
    const char* name;
    HomeAgentKernel& kernel;
    bool tunnelled;
    std::vector<std::uint32_t> numbers;
  };
  const std::vector<std::string> wanted(values + std::min(count, 5), values + count);
  std::vector<Way> ways;
  for (Way way : {Way{"plain", one, false, {0}}, Way{"plain_to_all", one, false, numbers_of(Spread::Even, bindings)},
                  Way{"one_binding", one, true, {0}}, Way{"one_of_many", many, true, {0}},
                  Way{"zipf_of_many", many, true, numbers_of(Spread::Zipf, bindings)},
                  Way{"all_of_many", many, true, numbers_of(Spread::Even, bindings)}})
    if (wanted.empty() || std::ranges::find(wanted, way.name) != wanted.end()) ways.push_back(std::move(way));
  constexpr std::pair<const char*, const char*> kCompared[] = {{"one_binding", "plain"},
                                                               {"one_of_many", "one_binding"},
                                                               {"zipf_of_many", "one_binding"},
                                                               {"all_of_many", "one_binding"},
                                                               {"all_of_many", "plain_to_all"},
                                                               {"plain_to_all", "plain"}};
  std::printf("{\n \"bindings\": %u,\n \"interception\": \"%s\",\n \"fill_seconds\": %.3f,\n \"kernel_octets_per_binding\": %.1f", bindings,
              interception.c_str(), many.fill_seconds, static_cast<double>(many.kernel_before_traffic) / bindings);
  for (const std::size_t octets : {std::size_t{100}, std::size_t{1400}}) {
    std::map<std::string, std::vector<double>> rates;
    std::map<std::string, std::vector<double>> ratios;
    for (int round = 0; round <= rounds; ++round) {
      std::map<std::string, double> rate;
      for (std::size_t turn = 0; turn < ways.size(); ++turn) {
        const Way& way = ways[(turn + static_cast<std::size_t>(round)) % ways.size()];
        rate[way.name] = packets / way.kernel.send(octets, packets, way.tunnelled, way.numbers);
      }
      if (round == 0) continue;  // warms up
      for (const auto& [name, value] : rate) rates[name].push_back(value);
      for (const auto& [name, against] : kCompared)
        if (rate.contains(name) && rate.contains(against))
          ratios[std::string(name) + "_to_" + against].push_back(rate[name] / rate[against]);
    }
    std::printf(",\n \"octets_%zu\": {", octets);
    const char* separator = "";
    for (const auto& [name, all] : rates) {
      std::printf("%s\"%s_packets_per_second\": %.0f", separator, name.c_str(), median(all));
      separator = ", ";
    }
    for (const auto& [name, all] : ratios) std::printf(", \"%s\": %.3f", name.c_str(), median(all));
    std::printf("}");
    std::fflush(stdout);
  }
  std::printf(",\n \"kernel_octets_per_binding_behind_traffic\": %.1f\n}\n",
              static_cast<double>(many.kernel_before_traffic + kernel_octets() - before_traffic) / bindings);
  return 0;
}
