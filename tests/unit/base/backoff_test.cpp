// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/backoff.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace mipflow;
using namespace std::chrono_literals;

TEST_CASE("RFC 6275 §11.8: waits of 1 s double up to 32 s and stay there") {
  Backoff backoff(1s, 32s);
  TimePoint now{};
  std::vector<Duration> waits;
  for (int i = 0; i < 8; ++i) {
    CHECK(backoff.transmissions() == static_cast<unsigned>(i));
    const TimePoint next = backoff.sent_at(now);
    waits.push_back(next - now);
    CHECK(backoff.at_maximum() == (waits.back() == 32s));
    now = next;
  }
  CHECK(waits == std::vector<Duration>{1s, 2s, 4s, 8s, 16s, 32s, 32s, 32s});

  backoff.reset();
  CHECK(backoff.transmissions() == 0);
  CHECK_FALSE(backoff.at_maximum());
  CHECK(backoff.sent_at(now) == now + 1s);
}

TEST_CASE("the first registration's 1.5 s never exceed the maximum either") {
  Backoff backoff(1500ms, 32s);
  TimePoint now{};
  std::vector<Duration> waits;
  for (int i = 0; i < 7; ++i) waits.push_back(backoff.sent_at(now) - now);
  CHECK(waits == std::vector<Duration>{1500ms, 3s, 6s, 12s, 24s, 32s, 32s});
}
