// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/configuration_text.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace mipflow::platform;

namespace {

ConfigurationText parse(const std::string& text) {
  auto parsed = ConfigurationText::parse(text, "a.toml");
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("a value is replaced where it stands, and nothing else") {
  auto file = parse("# Ümläute\nname = \"ä\"   # whose\nlist = [\n  1,\n]\n[table]\nname = \"inner\"\n");
  CHECK(file.set({.key = "name"}, std::string("b \"c\" \\ \n")));
  CHECK(file.whole() == "# Ümläute\nname = \"b \\\"c\\\" \\\\ \\u000a\"   # whose\nlist = [\n  1,\n]\n[table]\nname = \"inner\"\n");
  CHECK(file.text_at({.key = "name"}) == "b \"c\" \\ \n");
  CHECK(file.set({.key = "list"}, 7));
  CHECK(file.number_at({.key = "list"}) == 7);
  CHECK(file.text_at({.key = "list"}) == std::nullopt);
}

TEST_CASE("a key that is a comment so far becomes one; a new one stands behind the last one of its table") {
  auto file = parse("a = 1\n# spi = 256    # from 256 up\n# spi is a number\n\n[[node]]\n# spi = 1  # inner\nx = 1\n\n[[node]]\n[end]\ny = 1");
  CHECK(file.set({.key = "spi"}, 300));
  CHECK(file.set({.list = "node", .index = 0, .key = "spi"}, 301));
  CHECK(file.set({.list = "node", .index = 1, .key = "spi"}, 302));
  CHECK(file.set({.list = "node", .index = 0, .key = "z"}, std::string("new")));
  CHECK(file.set({.key = "b"}, 2));
  CHECK(file.whole() ==
        "a = 1\nspi = 300    # from 256 up\nb = 2\n# spi is a number\n\n[[node]]\nspi = 301  # inner\nx = 1\nz = \"new\"\n\n[[node]]\nspi = 302\n"
        "[end]\ny = 1\n");
}

TEST_CASE("the first key of a file without any") {
  auto file = parse("");
  CHECK(file.set({.key = "a"}, 1));
  CHECK(file.whole() == "a = 1\n");
  auto commented = parse("# nothing yet\n[table]\n");
  CHECK(commented.set({.key = "a"}, 1));
  CHECK(commented.whole() == "a = 1\n# nothing yet\n[table]\n");
}

TEST_CASE("tables come to the end, and go into comments") {
  auto file = parse("[[node]]\na = 1 # one\n# of them\n\n[[node]]\na = 2\n");
  CHECK(file.append_table("node") == 2);
  CHECK(file.append_table("other") == 0);
  CHECK(file.set({.list = "node", .index = 2, .key = "a"}, 3));
  CHECK(file.comment_out("node", 0));
  CHECK(file.whole() == "# [[node]]\n# a = 1 # one\n# of them\n\n[[node]]\na = 2\n\n[[node]]\na = 3\n\n[[other]]\n");
  CHECK(file.tables_in("node") == 2);
  CHECK(file.set({.list = "node", .index = 1, .key = "name"}, std::string("b")));
  CHECK(file.find_tables("node", "name", "b") == std::vector<std::size_t>{1});
  CHECK(file.find_tables("nowhere", "name", "b").empty());
  CHECK_FALSE(file.comment_out("node", 2));
  CHECK_FALSE(file.comment_out("nowhere", 0));
}

TEST_CASE("what can not be done changes nothing") {
  auto file = parse("node = [{a = 1}]\n");
  const auto before = file.whole();
  CHECK_FALSE(file.set({.list = "node", .index = 0, .key = "b"}, 1));
  CHECK_FALSE(file.set({.list = "node", .index = 1, .key = "a"}, 1));
  CHECK_FALSE(file.set({.key = "text"}, std::string("\xff is no UTF-8")));
  CHECK(file.whole() == before);
  const auto broken = ConfigurationText::parse("a = \n", "a.toml");
  REQUIRE_FALSE(broken);
  CHECK(to_string(broken.error().front()).starts_with("a.toml:1:"));
}

TEST_CASE("the files that mipflow comes with can be filled in") {
  for (const std::string name : {"mnd.toml", "had.toml"}) {
    std::ifstream in(std::filesystem::path(MIPFLOW_SOURCE_DIR) / "packaging" / "etc" / name);
    std::ostringstream text;
    text << in.rdbuf();
    auto file = parse(text.str());
    REQUIRE(file.set({.key = "log-level"}, std::string("debug")));
    CHECK(file.text_at({.key = "log-level"}) == "debug");
    const auto lines = [](const std::string& whole) { return std::count(whole.begin(), whole.end(), '\n'); };
    CHECK(lines(file.whole()) == lines(text.str()));
  }
}
