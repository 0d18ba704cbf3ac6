// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet (the home link, the policy), then decisions about a whole network (tests/simulation/simulator/world.hpp) in virtual
// time: what becomes of packets, cables and daemons, what the user does, and what somebody without a key sends into it, from any
// address, who has overheard everything.
//
// At every moment: home agent and correspondent node send the mobile node's packets only where it has really been; what the three
// kernels hold is what the plans say; nothing that the attacker sends is answered to him by much more than it was.
#include <set>

#include "fuzz/roles/forger.hpp"
#include "fuzz/target.hpp"
#include "simulation/simulator/world.hpp"

namespace mipflow::fuzz {

using namespace simulation;

namespace {

const Address kAttackerAddress = *Address::parse("2001:db8:bad::1");
const std::vector<Address> kKnown{kHomeAgent, kPrimary, kCorrespondent, kCorrespondentNode, kWlanAddress, kWwanAddress, kAttackerAddress,
                                  *Address::parse("2001:db8:100:0:fdff:ffff:ffff:fffe")};
constexpr InterfaceIndex kAttackerInterface = 9;

class Attacker final : public Station {
 public:
  explicit Attacker(Network& network) : network_(network), attachment_(network.attach(*this, kAttackerInterface)) {
    network.assign(kAttackerAddress, attachment_);
  }
  void receive(const Bytes& packet, Attachment&) override { octets_received += packet.size(); }
  void send(Bytes packet) {
    octets_sent += packet.size();
    network_.send(attachment_, std::move(packet));
  }
  std::size_t octets_sent = 0, octets_received = 0;

 private:
  Network& network_;
  Attachment& attachment_;
};

Options options_for(std::uint8_t kind) {
  Options out;
  out.seed = 7;
  out.real_home_link = (kind & 1) != 0;
  if ((kind & 2) != 0) out.policy = "[[class]]\nname = \"direct\"\nroute-optimization = \"yes\"\n";
  out.requested_lifetime = (kind & 4) != 0 ? 40s : 600s;
  if ((kind & 8) != 0) out.mechanisms = {hoa_alloc::Origin::Agent};
  if ((kind & 16) != 0) out.network_policy = "[[class]]\nname = \"served\"\ninterfaces = [\"wlan0\", \"*\"]\n";
  return out;
}

class Siege {
 public:
  Siege(std::uint8_t kind, BytesView input) : draw_(input, kKnown), world_(options_for(kind)), attacker_(world_.network) {
    world_.network.lose = [this](const Bytes& packet) {
      forger_.overhear(packet);
      return losing_ > 0 && draw_.u8() < losing_;
    };
    world_.settle();
  }

  void run() {
    for (unsigned step = 0; step < kMostSteps && !draw_.is_over(); ++step) {
      happen();
      world_.run_for(std::chrono::milliseconds{draw_.u8() * (draw_.below(8) == 0 ? 40 : 2)});
      hold_to_the_rules();
    }
  }

 private:
  static constexpr unsigned kMostSteps = 120;

  void happen() {
    switch (draw_.below(16)) {
      case 0: case 1: case 2: return datagram();
      case 3: case 4: return move();
      case 5: return cable();
      case 6: losing_ = draw_.below(3) == 0 ? std::uint8_t{0} : draw_.u8(); return;
      case 7:
        world_.network.set_all_links({.delay = std::chrono::milliseconds{draw_.u8()}, .jitter = std::chrono::milliseconds{draw_.u8()}, .loss = 0,
                                      .duplication = draw_.flag() ? 0.3 : 0.0});
        return;
      case 8:
        if (draw_.below(4) == 0) return restart();
        [[fallthrough]];
      default: attacker_.send(forger_.packet());
    }
  }

  void datagram() {
    const auto port = static_cast<std::uint16_t>(5'000 + draw_.below(12));
    world_.mobile_node.send_datagram(port, draw_.flag() ? kCorrespondentNode : kCorrespondent, 7, ++number_);
  }
  void move() {
    const auto flows = world_.mobile_node.role().flows(world_.mobile_node.time());
    if (flows.empty()) return;
    const FlowId flow = flows[draw_.below(std::min<std::size_t>(flows.size(), 256))].id;
    (void)world_.mobile_node.move_flow(flow, draw_.flag() ? "wlan0" : "wwan0");
  }
  void cable() {
    const InterfaceIndex index = draw_.flag() ? kWlan : kWwan;
    if (draw_.flag()) return world_.mobile_node.cut(index, std::chrono::milliseconds{draw_.u8()});
    Address care_of_address = index == kWlan ? kWlanAddress : kWwanAddress;
    care_of_address.octets[7] = static_cast<std::uint8_t>(draw_.below(4));
    been_at_.insert(care_of_address);
    world_.mobile_node.connect(index, care_of_address);
  }
  void restart() {
    switch (draw_.below(3)) {
      case 0: return world_.mobile_node.kill_and_start();
      case 1: return world_.correspondent_node.restart();
      default:
        world_.home_agent.stop();
        world_.home_agent.start(draw_.flag());
    }
  }

  void hold_to_the_rules() {
    for (const auto& binding : world_.home_agent.bindings()) {
      if (binding.state != "bound") continue;
      must(been_at_.contains(binding.care_of_address), "a home agent sends to where the mobile node never was: " + to_string(binding.care_of_address));
      must(world_.home_agent.tunnelled_to(binding.home_address) == binding.care_of_address, "a bound home address is tunnelled elsewhere");
    }
    must(world_.home_agent.kernel.tunnels.size() <= 64, "more tunnels than there are home addresses");
    for (const auto& [source, present] : world_.home_agent.kernel.tunnel_sources)
      must(been_at_.contains(source.care_of_address), "packets are taken out of a tunnel from where the mobile node never was");
    for (const auto& [pair, binding] : world_.correspondent_node.kernel.correspondent_bindings)
      must(been_at_.contains(binding.care_of_address), "a correspondent node sends to where the mobile node never was: " + to_string(binding.care_of_address));
    must(world_.home_agent.kernel.correspondent_bindings.empty(), "the home agent has a binding as a correspondent node that nobody made");
    must(world_.home_agent.kernel.equals(world_.home_agent.role().plan()), "the home agent's kernel is not what its plan says");
    must(world_.mobile_node.kernel.equals(world_.mobile_node.role().plan()), "the mobile node's kernel is not what its plan says");
    must(world_.correspondent_node.kernel.equals(world_.correspondent_node.role().plan()), "the correspondent node's kernel is not what its plan says");
    // An ICMPv6 error quotes the smallest packet behind 48 octets of its own, and links may double both.
    must(attacker_.octets_received <= 4 * attacker_.octets_sent + 1'000,
         "the attacker sent " + std::to_string(attacker_.octets_sent) + " octets and is sent " + std::to_string(attacker_.octets_received));
  }

  Draw draw_;
  Forger forger_{draw_};
  std::uint8_t losing_ = 0;  // of 256 packets
  World world_;
  Attacker attacker_;
  std::set<Address> been_at_{kWlanAddress, kWwanAddress};
  std::uint32_t number_ = 0;
};

}  // namespace

void fuzz_whole_network(BytesView input);
void fuzz_whole_network(BytesView input) {
  if (input.empty()) return;
  Siege(input.front(), input.subspan(1)).run();
}

}  // namespace mipflow::fuzz
