// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/shell_pattern.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

#include "support/seed.hpp"

namespace mipflow {
namespace {

// What the declaration says, word by word.
bool by_definition(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    for (std::size_t eaten = 0; eaten <= text.size(); ++eaten)
      if (by_definition(pattern.substr(1), text.substr(eaten))) return true;
    return false;
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) && by_definition(pattern.substr(1), text.substr(1));
}

}  // namespace

TEST_CASE("shell patterns", "[base]") {
  CHECK(matches_shell_pattern("ww*", "wwan0"));
  CHECK(matches_shell_pattern("*/firefox", "/usr/lib/firefox/firefox"));
  CHECK(matches_shell_pattern("/user.slice/*/app-?.scope", "/user.slice/a/b/app-1.scope"));
  CHECK(matches_shell_pattern("", ""));
  CHECK(matches_shell_pattern("**", ""));
  CHECK_FALSE(matches_shell_pattern("", "x"));
  CHECK_FALSE(matches_shell_pattern("?", ""));
  CHECK_FALSE(matches_shell_pattern("[a]", "a"));
  CHECK_FALSE(matches_shell_pattern("wlan", "wlan0"));
}

TEST_CASE("shell patterns: the same as their definition", "[base][random]") {
  std::mt19937_64 random(test::seed("shell_pattern_test"));
  int matching = 0;
  for (int run = 0; run < 50'000; ++run) {
    std::string pattern;
    std::string text;
    for (std::uint64_t i = random() % 8; i > 0; --i) pattern += "ab*?"[random() % 4];
    for (std::uint64_t i = random() % 10; i > 0; --i) text += "ab"[random() % 2];
    INFO(pattern << " and " << text);
    REQUIRE(matches_shell_pattern(pattern, text) == by_definition(pattern, text));
    matching += by_definition(pattern, text) ? 1 : 0;
  }
  CHECK(matching > 1000);
}

TEST_CASE("shell patterns: many stars take no time", "[base]") {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  CHECK_FALSE(matches_shell_pattern(pattern + "b", std::string(4000, 'a')));
}

TEST_CASE("a pattern that is not trusted takes no more steps than it is given") {
  const std::string text(4096, 'a');
  std::size_t steps = 100'000;
  CHECK(matches_shell_pattern("*" + std::string(200, 'a') + "b", text, steps) == std::nullopt);
  CHECK(steps == 0);
  CHECK(matches_shell_pattern("*", text, steps) == std::nullopt);
  steps = 1000;
  CHECK(matches_shell_pattern("*/ssh", "/usr/bin/ssh", steps) == true);
  CHECK(matches_shell_pattern("*/ssh", "/usr/bin/bash", steps) == false);
  CHECK(steps > 950);
}

}  // namespace mipflow
