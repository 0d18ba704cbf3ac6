// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <random>
#include <vector>

#include "mipflow/flow-redirector/condition_record.hpp"
#include "support/seed.hpp"

namespace mipflow::flow_redirector {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{std::chrono::hours{1}};

// Keeps everything and looks at all of it.
struct WholeHistory {
  struct Item {
    TimePoint at;
    std::optional<unsigned> value;
  };
  std::vector<Item> items{{TimePoint{}, std::nullopt}};

  std::optional<TimePoint> below_since(unsigned bound) const {
    std::optional<TimePoint> since;
    for (auto item = items.rbegin(); item != items.rend() && item->value && *item->value < bound; ++item) since = item->at;
    return since;
  }
};

}  // namespace

TEST_CASE("a peak record says the same as the whole history", "[condition_record][random]") {
  std::mt19937_64 random(test::seed("condition_record_test"));
  for (int run = 0; run < 300; ++run) {
    PeakRecord<unsigned> record;
    WholeHistory history;
    TimePoint now = kStart;
    for (int step = 0; step < 60; ++step, now += 1s) {
      std::optional<unsigned> value;
      if (random() % 12 != 0) value = static_cast<unsigned>(random() % 40);
      record.set(value, now);
      if (history.items.back().value != value) history.items.push_back({now, value});
      for (unsigned bound = 0; bound <= 41; ++bound) REQUIRE(record.below_since(bound) == history.below_since(bound));
    }
  }
}

TEST_CASE("a value that falls for ever takes no more memory, and nobody returns too early", "[condition_record]") {
  PeakRecord<unsigned> record;
  WholeHistory history;
  for (unsigned i = 0; i < 1'000; ++i) {
    const TimePoint now = kStart + i * 1s;
    record.set(10'000 - i, now);
    history.items.push_back({now, 10'000 - i});
    REQUIRE(record.peaks() <= PeakRecord<unsigned>::kMaxPeaks);
  }
  for (unsigned bound = 9'002; bound <= 10'001; ++bound) {
    REQUIRE(record.below_since(bound));
    REQUIRE(*record.below_since(bound) >= *history.below_since(bound));
  }
  CHECK(record.below_since(9'030) == history.below_since(9'030));  // what is recent is exact
}

}  // namespace mipflow::flow_redirector
