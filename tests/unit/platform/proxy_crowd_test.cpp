// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/proxy_crowd.hpp"

#include <catch2/catch.hpp>

using mipflow::platform::ProxyCrowd;

TEST_CASE("more than a thousand home addresses on a home link are told once, and again when they had become few") {
  ProxyCrowd crowd;
  CHECK_FALSE(crowd.look(1'000));
  const auto first = crowd.look(1'001);
  REQUIRE(first);
  CHECK(first->severity == mipflow::Severity::Warning);
  CHECK(first->text.find("1001 home addresses") != std::string::npos);
  CHECK_FALSE(crowd.look(5'000));
  CHECK_FALSE(crowd.look(500));
  CHECK_FALSE(crowd.look(1'001));
  CHECK_FALSE(crowd.look(499));
  CHECK(crowd.look(1'001));
}
