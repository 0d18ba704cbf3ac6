// SPDX-License-Identifier: GPL-3.0-or-later
// Whether the home agent can be reached over each interface, how fast, and how much is lost: by ICMPv6 Echo Requests from
// the care-of address straight to it, which the home agent's kernel answers.
//
// What is up may still lead nowhere: a captive portal, a provider without a way out. When four probes in a row stay without
// an answer (ProbedPath says when they leave), an interface is not online,
//  - as soon as the others have been asked too: a home agent that is down is told from a link that is broken only by them,
//    and nothing is gained by moving flows to and fro meanwhile;
//  - unless registrations succeed over it although no probe ever did: a firewall drops them. When that is so of every
//    interface nothing is known of any.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "care_of.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/packet.hpp"
#include "probed_path.hpp"

namespace mipflow::mobile_node {

class Reachability {
 public:
  struct Measured {
    std::optional<bool> online;
    std::optional<Duration> round_trip;
    std::optional<unsigned> loss;  // per mille
    friend bool operator==(const Measured&, const Measured&) = default;
  };

  // `random` must outlive the object. Without a home agent (`::`) nothing is measured.
  Reachability(const Address& home_agent, RandomSource& random);

  // Another one serves: nothing is known about the ways to it before the next set_paths().
  void set_home_agent(const Address& home_agent);

  // The interfaces that can carry flows, with their care-of addresses. What was measured from another address is forgotten.
  void set_paths(const std::vector<CareOf>& usable, TimePoint now);
  // What passed of a flow since its last report, and when its last packet did: paths are watched more closely while there is
  // something to carry, and asked at once when packets only leave by one and none come back.
  void traffic(InterfaceIndex interface, std::uint64_t packets_out, std::uint64_t packets_in, TimePoint last, TimePoint now);
  // A Binding Acknowledgement that was found authentic arrived there.
  void acknowledged(const CareOf& care_of, TimePoint now);
  // True when the packet is an Echo Reply, whoever sent it: nobody else needs to look at it.
  bool receive(const PacketReceived& packet, TimePoint now);

  void on_deadline(TimePoint now, Outputs& outputs);
  TimePoint next_deadline() const;

  // As far as it is known; everything empty for an interface that is not measured, `online` too when a home agent answers no
  // probes at all.
  Measured measured(InterfaceIndex interface) const;

  static constexpr Duration kTrafficCounts = std::chrono::seconds{60};
  static constexpr unsigned kSuspiciousPackets = 3;
  static constexpr Duration kSuspiciousTime = std::chrono::seconds{2};
  static constexpr Duration kSuspicionInterval = std::chrono::seconds{10};  // there are flows that nobody ever answers

 private:
  struct Path {
    ProbedPath probed;
    std::optional<bool> online = std::nullopt;
    std::uint64_t unanswered = 0;  // packets that left since one came in
    TimePoint unanswered_since{};
    TimePoint suspected_at = TimePoint::min();
  };

  // No probe was ever answered, but registrations are: losing them means nothing.
  bool answers_none() const { return ever_acknowledged_ && !ever_answered_; }
  bool is_busy(TimePoint now) const { return now < traffic_at_ + kTrafficCounts; }
  void set_intervals(TimePoint now);
  void suspect(Path& path, TimePoint now);
  void ask_the_others(const Path& doubtful, TimePoint now);
  void judge();
  std::optional<bool> judge(const Path& path) const;

  Address home_agent_;
  RandomSource& random_;
  std::uint16_t identifier_;
  std::uint16_t sequence_;
  std::map<InterfaceIndex, Path> paths_;
  TimePoint traffic_at_ = TimePoint::min();
  bool busy_ = false;
  bool ever_answered_ = false;
  bool ever_acknowledged_ = false;
};

}  // namespace mipflow::mobile_node
