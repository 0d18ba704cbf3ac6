// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/deadline_queue.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "mipflow/base/random.hpp"
#include "support/seed.hpp"

using namespace mipflow;
using namespace std::chrono_literals;

TEST_CASE("deadline queue against a table that is searched, on random operations") {
  SeededRandom random(test::seed("deadline queue"));
  DeadlineQueue<unsigned> queue;
  std::map<unsigned, TimePoint> model;
  TimePoint now{};
  const auto earliest = [&] {
    TimePoint out = kNever;
    for (const auto& [key, at] : model) out = std::min(out, at);
    return out;
  };
  for (int step = 0; step < 20'000; ++step) {
    const auto key = static_cast<unsigned>(random.next_u64() % 40);
    switch (random.next_u64() % 4) {
      case 0:
      case 1: {
        // Short and long deadlines by turns are what makes a lazy heap grow.
        const TimePoint at = now + std::chrono::milliseconds{random.next_u64() % (random.next_u64() % 2 ? 50 : 100'000)};
        queue.set(key, at);
        model[key] = at;
        break;
      }
      case 2:
        queue.cancel(key);
        model.erase(key);
        break;
      default:
        now += std::chrono::milliseconds{random.next_u64() % 20};
        while (const auto due = queue.take_due(now)) {
          REQUIRE(model.contains(*due));
          REQUIRE(model[*due] == earliest());
          REQUIRE(model[*due] <= now);
          model.erase(*due);
        }
        break;
    }
    REQUIRE(queue.next() == earliest());
    REQUIRE(queue.first().has_value() == !model.empty());
    if (!model.empty()) REQUIRE(model.at(*queue.first()) == earliest());
    REQUIRE((queue.next() > now || queue.find(key).has_value() == model.contains(key)));
    REQUIRE(queue.size() == model.size());
    REQUIRE(queue.heap_size() <= 2 * queue.size() + 65);
  }
}

TEST_CASE("putting a deadline off and back does not lose it") {
  DeadlineQueue<int> queue;
  const TimePoint t{};
  queue.set(1, t + 10s);
  queue.set(1, t + 20s);
  CHECK(queue.next() == t + 20s);
  queue.set(1, t + 5s);
  CHECK(queue.next() == t + 5s);
  CHECK_FALSE(queue.take_due(t + 5s - 1ns));
  CHECK(queue.take_due(t + 5s) == 1);
  CHECK(queue.next() == kNever);
}
