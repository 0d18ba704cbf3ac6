// SPDX-License-Identifier: GPL-3.0-or-later
// A home agent, a mobile node with wlan0 and wwan0, and its correspondent nodes in one process and in virtual time. Every
// packet between them is made of real octets.
//
//                     ╭─ wlan0 (3) 2001:db8:a::10 ─╮          ╭─ home agent 2001:db8:100::1 ── home link 2001:db8:100::/64
//   mobile node ──────┤                            ├── core ──┼─ a host without mobility 2001:db8:5::80
//   2001:db8:100::100 ╰─ wwan0 (4) 2001:db8:b::10 ─╯          ╰─ correspondent node 2001:db8:6::80
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "simulation/simulator/correspondent_host.hpp"
#include "simulation/simulator/correspondent_node_host.hpp"
#include "simulation/simulator/home_agent_host.hpp"
#include "simulation/simulator/mobile_host.hpp"

namespace mipflow::simulation {

using namespace std::chrono_literals;

inline const Address kHomeAgent = *Address::parse("2001:db8:100::1");
inline const Address kPrimary = *Address::parse("2001:db8:100::100");
inline const Address kCorrespondent = *Address::parse("2001:db8:5::80");
inline const Address kCorrespondentNode = *Address::parse("2001:db8:6::80");
inline const Address kWlanAddress = *Address::parse("2001:db8:a::10");
inline const Address kWwanAddress = *Address::parse("2001:db8:b::10");
inline constexpr InterfaceIndex kHomeInterface = 2;
inline constexpr InterfaceIndex kWlan = 3;
inline constexpr InterfaceIndex kWwan = 4;

// The mobile node's other interface.
inline std::string other(const std::string& interface) { return interface == "wlan0" ? "wwan0" : "wlan0"; }

struct Options {
  std::uint64_t seed = 1;
  bool real_home_link = true;
  const char* policy = "";             // TOML
  unsigned warm_pool_size = 2;
  bool anchor_per_interface = true;
  Duration requested_lifetime = 600s;
  LinkBehaviour links{};
  std::vector<hoa_alloc::Origin> mechanisms{hoa_alloc::Origin::Prefix};  // of new home addresses
  std::vector<wire::HomeAddressSource> offered{wire::HomeAddressSource::Agent};  // by the home agent
  std::string network_policy{};        // TOML that the home agent serves; empty: none, and nobody asks
  correspondent_node::Configuration correspondent_node{};
};

class World {
 public:
  explicit World(Options options);

  void run_for(Duration duration) { clock.run_until(clock.now() + duration); }
  // False when `limit` passed and it never became true. Looks after every event.
  bool run_until(const std::function<bool()>& condition, Duration limit);

  // Both interfaces connected, everything registered that the mobile node wants.
  void settle();
  // Registered, and nothing under way: every home address is where the mobile node wants it.
  bool quiet();
  // What has to hold when all is quiet; empty when it does, else what is wrong.
  std::string disagreement();

  // What both ends believe, and what they told the operator last: for the message of a failing test.
  std::string describe();

  // A stream of numbered datagrams every `interval`, from the next number on, for `count` of them.
  void stream(std::uint16_t local_port, std::uint32_t count, Duration interval, std::uint32_t first = 0,
              const Address& to = kCorrespondent);

  EventQueue clock;
  Network network;
  HomeAgentHost home_agent;
  MobileHost mobile_node;
  CorrespondentHost correspondent;
  CorrespondentNodeHost correspondent_node;

 private:
  std::string correspondent_disagreement();
};

home_agent::Configuration home_agent_configuration(const Options& options);
mobile_node::Configuration mobile_node_configuration(const Options& options);

}  // namespace mipflow::simulation
