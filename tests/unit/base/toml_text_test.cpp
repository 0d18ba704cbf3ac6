// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

#include "mipflow/base/toml_text.hpp"

namespace mipflow {

TEST_CASE("characters that are not ASCII may stand in strings and comments", "[toml_text]") {
  for (const char* text :
       {"", "a = 1", "# \u00fc", "a = \"\u00fc\"", "a = '\u00fc'", "a = '\u00fc\\' # \u00fc", "a = \"\\\"\u00fc\"", "a = \"\\\\\" # \u00fc",
        "a = \"\"\"\u00fc\n\u00fc\"\"\"", "a = '''\u00fc'\n\\'''", "a = \"\"\"\\\n  b\u00fc\"\"\"", "\xef\xbb\xbf" "a = 1", "a = \"\" # \u00fc",
        "a = \"\\", "a = \"\"\"\\\n "}) {
    INFO(text);
    CHECK_FALSE(find_obstacle(text));
  }
}

TEST_CASE("others are found, with line and column in characters", "[toml_text]") {
  struct Row {
    const char* text;
    TextPosition position;
  };
  const Row row = GENERATE(values<Row>({{"\u00fc", {1, 1}},
                                        {"\n\n b\u00fc", {3, 3}},
                                        {"a = \"\u00fc\u20ac\" \u00fc", {1, 10}},
                                        {"# \u00fc\r\n\u00fc", {2, 1}},
                                        {"a = '\\' \u00fc", {1, 9}},
                                        {"a = \"\\\"\" \u00fc", {1, 10}},
                                        {"a = \"\" \u00fc", {1, 8}},
                                        {"a = \"open\n\u00fc", {2, 1}},
                                        {"a = \"open\\\n\u00fc", {2, 1}},
                                        {"a = \"\\\u00fc\"", {1, 7}},
                                        {"a = \"\"\"\n\"\"\" \u00fc", {2, 5}},
                                        {"a = \"\"\"\\ \n \u00fc\"\"\"", {2, 2}},
                                        {"a = 1\xff", {1, 6}},
                                        {"a\xef\xbb\xbf = 1", {1, 2}}}));
  INFO(row.text);
  const auto obstacle = find_obstacle(row.text);
  REQUIRE(obstacle);
  CHECK(obstacle->position == row.position);
}

TEST_CASE("keys have an end, wherever they stand", "[toml_text]") {
  std::string key = "a";
  for (std::size_t parts = 1; parts < kMostKeyParts; ++parts) key += ".a";
  for (const auto& [before, behind] : std::vector<std::pair<std::string, std::string>>{
           {"", " = 1"}, {"[", "]"}, {"[[", "]]"}, {"x = {", " = 1}"}, {"x = {y = 1, ", " = 1}"}, {"x.y = 1.5\n", " = 1"}}) {
    INFO(before);
    CHECK_FALSE(find_obstacle(before + key + behind));
    const auto obstacle = find_obstacle(before + key + ".a" + behind);
    REQUIRE(obstacle);
    CHECK(obstacle->reason == std::string("a key of more than 32 parts"));
  }
  CHECK_FALSE(find_obstacle("x = \"" + std::string(1000, '.') + "\" # " + std::string(1000, '.')));
  std::string numbers = "x = [";
  for (int i = 0; i < 1000; ++i) numbers += "1.5, ";
  CHECK_FALSE(find_obstacle(numbers + ']'));
}

}  // namespace mipflow
