// SPDX-License-Identifier: GPL-3.0-or-later
// What a bad network does to packets: it loses some, brings some twice, and lets some wait so that later ones overtake them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "mipflow/base/bytes.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::lab {

// Of every packet, independently of all others. Probabilities from 0 to 1.
struct ImpairmentProfile {
  double loss = 0;
  double duplicate = 0;           // of what is not lost: it comes twice
  double reorder = 0;             // of each copy: it waits `reorder_by` longer than others
  Duration reorder_by{};
  Duration delay{};               // of every packet
  std::size_t most_held = 20000;  // packets; what does not fit is `crowded_out`
};

// Every packet that came in is in exactly one of lost, crowded_out and passed; what goes out is passed + duplicated.
struct ImpairmentCounters {
  std::uint64_t received = 0;
  std::uint64_t received_octets = 0;
  std::uint64_t lost = 0;
  std::uint64_t crowded_out = 0;
  std::uint64_t passed = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;  // copies that waited `reorder_by`
};

enum class Fate { Passed, Duplicated, Lost, CrowdedOut };

// The network between receive() and take_due(). The same seed and the same packets have the same fates, whatever the times.
class Impairment {
 public:
  // `random` has to outlive it.
  Impairment(const ImpairmentProfile& profile, RandomSource& random) : profile_(profile), random_(random) {}

  Fate receive(Bytes packet, TimePoint now);
  // The next packet that goes out at `now`; nullopt: none yet.
  std::optional<Bytes> take_due(TimePoint now);
  // When take_due() has something again; kNever: nothing is held.
  TimePoint next_due() const;

  const ImpairmentCounters& counters() const { return counters_; }

 private:
  struct Held {
    TimePoint due;
    std::uint64_t number;  // packets of the same time leave in the order in which they came
    Bytes packet;
    bool operator<(const Held& other) const { return due != other.due ? due > other.due : number > other.number; }
  };

  void hold(Bytes packet, TimePoint now, bool reordered);
  bool happens(double probability);

  ImpairmentProfile profile_;
  RandomSource& random_;
  std::priority_queue<Held> held_;
  std::uint64_t next_number_ = 0;
  ImpairmentCounters counters_;
};

}  // namespace mipflow::lab
