// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include "mipflow/base/token_bucket.hpp"

using namespace mipflow;
using namespace std::chrono_literals;

TEST_CASE("a token bucket allows a burst, then so many per second, and never saves more than a burst") {
  TokenBucket bucket(10, 3);
  TimePoint now{};
  CHECK(bucket.take(now));
  CHECK(bucket.take(now));
  CHECK(bucket.take(now));
  CHECK_FALSE(bucket.take(now));
  CHECK_FALSE(bucket.take(now + 99ms));
  CHECK(bucket.take(now + 100ms));
  CHECK_FALSE(bucket.take(now + 100ms));
  now += 1h;
  int taken = 0;
  while (bucket.take(now)) ++taken;
  CHECK(taken == 3);
}
