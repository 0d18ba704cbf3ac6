// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include "mipflow/base/toml_text.hpp"

namespace mipflow {

TEST_CASE("characters that are not ASCII may stand in strings and comments", "[toml_text]") {
  for (const char* text :
       {"", "a = 1", "# \u00fc", "a = \"\u00fc\"", "a = '\u00fc'", "a = '\u00fc\\' # \u00fc", "a = \"\\\"\u00fc\"", "a = \"\\\\\" # \u00fc",
        "a = \"\"\"\u00fc\n\u00fc\"\"\"", "a = '''\u00fc'\n\\'''", "a = \"\"\"\\\n  b\u00fc\"\"\"", "\xef\xbb\xbf" "a = 1", "a = \"\" # \u00fc",
        "a = \"\\", "a = \"\"\"\\\n "}) {
    INFO(text);
    CHECK(find_stray_character(text) == std::nullopt);
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
  CHECK(find_stray_character(row.text) == row.position);
}

}  // namespace mipflow
