// SPDX-License-Identifier: GPL-3.0-or-later
// A primary and its secondaries, without the home agents around them, on a network that does everything that networks do,
// in virtual time. One run is one seed: what happens, and when, is drawn from it; the invariants of docs/forwarding-protocol.md
// are looked at after every event.
//
//   primary 2001:db8:100::1 ──╮           what the tester plays: registrations, the operator, wall clocks, crashes with and
//   secondaries ::2, ::3, ::4 ┴ network   without what was on the disk, partitions one way and both
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "sharing/interception.hpp"
#include "sharing/sharing.hpp"
#include "tunnels.hpp"

namespace mipflow::simulation {

// `prefix` with the last 16 bits.
inline Address with_last(const char* prefix, std::uint16_t last) {
  Address out = *Address::parse(prefix);
  out.octets[14] = static_cast<std::uint8_t>(last >> 8);
  out.octets[15] = static_cast<std::uint8_t>(last);
  return out;
}
// Shared by the primary and that secondary.
inline Bytes key_of(std::size_t secondary) { return Bytes(32, static_cast<std::uint8_t>(secondary)); }

// What stands for the Binding Acknowledgement to an update; its first octet is that of no IPv6 packet.
inline OutgoingPacket answer_to(std::uint32_t update) {
  Writer out;
  out.u8(0);
  out.u32(update);
  return {.packet = out.take()};
}
inline std::optional<std::uint32_t> update_answered_by(const Bytes& packet) {
  Reader reader(packet);
  if (reader.u8() != 0 || reader.failed()) return std::nullopt;
  return reader.u32();
}

// A home agent's machine as far as load sharing goes: it can crash and come back.
class SharingNode {
 public:
  SharingNode(Address address, home_agent::HomeLink link, std::uint64_t seed) : address_(address), link_(link), random_(seed) {
    link_.home_agent_address = address;
  }

  const Address& address() const { return address_; }
  bool is_up() const { return sharing_ != nullptr; }
  home_agent::Sharing& sharing() { return *sharing_; }
  const home_agent::Sharing& sharing() const { return *sharing_; }
  home_agent::Tunnels& tunnels() { return *tunnels_; }
  const forwarding::ForwardingPlan& plan() const { return plan_; }
  bool intercepts(const Address& home_address) const { return is_up() && interception_->intercepts(home_address); }
  const forwarding::TunnelItem* tunnel(const Address& home_address) const { return plan_.tunnels.find(home_address); }

  void start(bool with_disk, Now now);
  void crash();
  // What the daemon writes behind an event.
  void write(Now now);
  TimePoint next_deadline() const { return is_up() ? std::min(sharing_->next_deadline(), tunnels_->next_deadline()) : kNever; }

  home_agent::LoadSharing configuration;
  Duration clock_error{};

 private:
  Address address_;
  home_agent::HomeLink link_;
  SeededRandom random_;
  home_agent::PersistedLoadSharing disk_;
  forwarding::ForwardingPlan plan_;
  std::unique_ptr<home_agent::NeighbourDefence> defence_;
  std::unique_ptr<home_agent::Interception> interception_;
  std::unique_ptr<home_agent::Tunnels> tunnels_;
  std::unique_ptr<home_agent::Sharing> sharing_;
};

class SharingWorld {
 public:
  explicit SharingWorld(std::uint64_t seed, std::vector<std::string>* trace = nullptr);

  // What went wrong; nullopt: nothing.
  std::optional<std::string> run();

  // So that a test can say that its runs were worth something.
  struct Tally {
    std::uint64_t events = 0, messages = 0, lost = 0, crashes = 0;
  };
  const Tally& tally() const { return tally_; }

 private:
  static constexpr std::size_t kPrimary = 0;

  struct Binding {
    Address care_of_address;
    TimePoint ends{};
    bool link_local = false;
  };
  // What is known about one home address from outside.
  struct Watch {
    TimePoint excused_until{};       // that nobody intercepts it
    bool gone_with_primary = false;  // who had it is down, and the primary, too
    std::optional<TimePoint> doubled_since, outdated_since;
  };
  struct Waiting {
    std::uint32_t update = 0;
    TimePoint since{};
  };
  struct Message {
    TimePoint at;
    std::uint64_t order;
    std::size_t from, to;
    Bytes payload;
    bool operator>(const Message& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };
  // ---- chance ----
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(double probability) { return static_cast<double>(random_() >> 11) * 0x1p-53 < probability; }
  Duration between(Duration least, Duration most) {
    return least + Duration{static_cast<Duration::rep>(below(static_cast<std::uint64_t>((most - least).count()) + 1))};
  }

  Now time_of(std::size_t node) const { return {now_, kWallAtStart + nodes_[node]->clock_error + now_.time_since_epoch()}; }
  void note(const std::string& what);
  std::string name_of(std::size_t node) const { return node == kPrimary ? "primary" : "secondary " + std::to_string(node); }

  bool step(TimePoint limit);
  std::optional<std::string> run_until(TimePoint limit);
  std::optional<std::string> settle();
  void carry_out(std::size_t node, Outputs outputs);
  void transmit(std::size_t from, std::size_t to, Bytes payload);
  void deliver(const Message& message);
  void wake(std::size_t node);

  // What may happen, one of them at a time.
  void act();
  void bind(const Address& home_address, Duration lifetime);
  void unbind(const Address& home_address);
  void command_operator();
  void change_configuration();
  void with_all_secondaries();
  bool is_configured(std::size_t secondary) const;
  void change_key(std::size_t secondary, home_agent::SecondaryAgent& configured);
  void disturb_network();
  void heal_network();
  void crash(std::size_t node);
  void start(std::size_t node, bool with_disk);
  void retire_one();
  void report_traffic(std::size_t node);
  std::size_t any_secondary() { return 1 + below(nodes_.size() - 1); }

  // ---- invariants; each says what is wrong ----
  std::optional<std::string> check();
  std::optional<std::string> check_one(const Address& home_address, const Binding& binding);
  std::optional<std::string> check_settled() const;
  std::optional<std::string> check_agent(std::size_t node, const std::map<Address, std::size_t>& holders) const;
  // A dead secondary.
  Duration takes_to_notice() const;
  // What is owed, when nothing disturbs it.
  Duration takes_an_exchange() const;

  static constexpr Duration kWallAtStart = std::chrono::seconds{1'700'000'000};
  std::mt19937_64 random_;
  std::vector<std::string>* trace_;
  static constexpr TimePoint kBegin{std::chrono::hours{1}};
  TimePoint now_ = kBegin;
  std::vector<std::unique_ptr<SharingNode>> nodes_;
  std::vector<std::optional<TimePoint>> comes_back_;  // of nodes that are down
  std::optional<std::size_t> retiring_;
  std::map<Address, Binding> bindings_;  // the primary's, while it is up
  std::map<Address, Binding> bindings_disk_;
  std::map<Address, Watch> watches_;
  std::vector<Address> home_addresses_;
  std::map<Address, Waiting> unanswered_;  // the last Binding Update for each; no other is heeded
  std::uint32_t updates_ = 0;

  std::priority_queue<Message, std::vector<Message>, std::greater<>> messages_;
  std::uint64_t order_ = 0;
  std::vector<std::vector<bool>> open_;  // from, to
  double loss_ = 0, duplication_ = 0;
  Duration delay_{}, jitter_{};

  TimePoint disturbed_at_{};  // the last time: network, crash, start
  bool may_forget_ = false;   // somebody comes back, or came, without all that it had known
  // Of the seed: how often a daemon is too slow to write, and how often it dies in the middle of an event.
  double writes_late_ = 0, dies_in_between_ = 0;
  bool quiet_ = false;
  unsigned wakes_at_once_ = 0;
  TimePoint last_wake_{};
  std::optional<std::string> trouble_;
  Tally tally_;
};

}  // namespace mipflow::simulation
