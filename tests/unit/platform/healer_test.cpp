// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/healer.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <vector>

using namespace mipflow::platform;
using namespace std::chrono_literals;

TEST_CASE("what is lost together is healed once, and what could not be healed is tried again later") {
  boost::asio::io_context loop;
  std::vector<bool> healed;
  std::vector<std::chrono::steady_clock::time_point> at;
  Healer* self = nullptr;
  Healer healer(loop, [&](bool programs) {
    healed.push_back(programs);
    at.push_back(std::chrono::steady_clock::now());
    if (healed.size() == 1) self->lost(false);
  });
  self = &healer;
  healer.lost(false);
  healer.lost(true);
  healer.lost(false);
  CHECK(healed.empty());
  loop.run();  // until there is nothing to wait for
  CHECK(healed == std::vector<bool>{true, false});
  CHECK(at[1] - at[0] >= 500ms);
}

TEST_CASE("after a stop nothing is healed") {
  boost::asio::io_context loop;
  bool healed = false;
  Healer healer(loop, [&](bool) { healed = true; });
  healer.lost(true);
  healer.stop();
  healer.lost(true);
  loop.run();
  CHECK_FALSE(healed);
}
