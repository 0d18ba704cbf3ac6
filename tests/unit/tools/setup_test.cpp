// SPDX-License-Identifier: GPL-3.0-or-later
// mipflow setup in a directory of the test's own, with answers as options and with answers that are typed.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "mipflow/platform/configuration.hpp"
#include "mipflow/platform/security_associations.hpp"
#include "mipflow/platform/service_user.hpp"
#include "whole_command.hpp"

using namespace mipflow;
using namespace mipflow::tools;
using Catch::Contains;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kKey = "000102030405060708090a0b0c0d0e0f";

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

mode_t mode_of(const std::filesystem::path& file) {
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

// Where the daemons have a user of their own they can read the keys.
const mode_t kModeOfKeys = platform::group_named(platform::kServiceUser) ? 0640 : 0600;

// A place for the files, and what is said to the command there.
class Place {
 public:
  std::filesystem::path operator/(const char* name) const { return directory_ / name; }
  void write(const char* name, const std::string& text) const {
    std::filesystem::create_directories(directory_);
    std::ofstream(directory_ / name) << text;
  }
  std::string write_beside(const char* name, const std::string& text) const { return around_.write(name, text); }

  Outcome setup(Words words) const {
    words.insert(words.begin(), "setup");
    words.insert(words.end(), {"--directory", directory_.string(), "--socket", around_.path() + "/no.sock"});
    return run(words);
  }
  // Every answer is one line; nothing more is typed.
  Outcome setup_typing(Words words, const Words& answers) const {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::string typed;
    for (const auto& answer : answers) typed += answer + "\n";
    REQUIRE(::write(ends[1], typed.data(), typed.size()) == static_cast<ssize_t>(typed.size()));
    ::close(ends[1]);
    words.insert(words.begin(), "setup");
    words.insert(words.end(), {"--directory", directory_.string(), "--socket", around_.path() + "/no.sock"});
    auto outcome = run(words, true, ends[0]);
    ::close(ends[0]);
    return outcome;
  }

 private:
  TemporaryDirectory around_;
  std::filesystem::path directory_ = std::filesystem::path(around_.path()) / "etc";
};

Words mobile_node_options(const std::string& secret_file) {
  return {"--home-agent", "2001:db8:7::1", "--home-address", "2001:db8:7::100", "--identifier", "alice@example.org", "--secret-file", secret_file};
}

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_CASE("setup: a mobile node's files are written as its daemon reads them, with the comments of the example") {
  const Place place;
  const auto options = mobile_node_options(place.write_beside("secret", std::string("  ") + kKey + "\n"));
  const auto done = place.setup(options + Words{"--yes"});
  INFO(done.err);
  REQUIRE(done.code == 0);
  const auto settings = platform::load_mobile_node_settings(place / "mnd.toml");
  REQUIRE(settings);
  CHECK(to_string(settings->node.home_agent) == "2001:db8:7::1");
  CHECK(to_string(settings->node.primary_home_address) == "2001:db8:7::100");
  CHECK(to_string(settings->node.home_prefix) == "2001:db8:7::/64");
  CHECK(settings->node.security_association.network_access_identifier == "alice@example.org");
  CHECK(settings->node.security_association.spi == 256);
  CHECK(settings->node.security_association.key.size() == 16);
  CHECK(mode_of(place / "security-associations.toml") == kModeOfKeys);
  CHECK(mode_of(place / "mnd.toml") == 0644);
  CHECK_THAT(text_of(place / "mnd.toml"), Contains("home-address = \"2001:db8:7::100\"     # the Primary Home Address") && Contains("# spi = 256"));
  CHECK_THAT(done.out, Contains("[[mobile-node]]\nidentifier = \"alice@example.org\"\nhome-address = \"2001:db8:7::100\"\n") &&
                           Contains("systemctl enable --now mipflow-mnd") && !Contains(kKey));
  CHECK_FALSE(std::filesystem::exists(place / "mnd.toml.old"));
}

TEST_CASE("setup: with --dry-run nothing is written, and the same is shown") {
  const Place place;
  const auto options = mobile_node_options(place.write_beside("secret", kKey));
  const auto done = place.setup(options + Words{"--dry-run"});
  CHECK(done.code == 0);
  CHECK_FALSE(std::filesystem::exists(place / "mnd.toml"));
  CHECK_FALSE(std::filesystem::exists(place / ""));
  CHECK_THAT(done.out, Contains("+ home-agent = \"2001:db8:7::1\"") && Contains("key = (the secret)") && !Contains(kKey) && Contains("--dry-run"));
}

TEST_CASE("setup: files that are there keep everything else, and the former one is kept") {
  const Place place;
  const std::string before = "# ours\nhome-agent = \"2001:db8:9::1\"\nhome-address = \"2001:db8:7::99\" # mine\nhome-prefix = \"2001:db8:7::/48\"\n"
                             "identifier = \"bob@example.org\"\nsecurity-associations = \"keys.toml\"\nlog-level = \"debug\"\n[timers]\nudp-idle = \"1min\"\n";
  const std::string keys = "[[association]]\nidentifier = \"bob@example.org\"\nspi = 300\nkey = \"" + std::string(32, 'a') + "\"\n";
  place.write("mnd.toml", before);
  place.write("keys.toml", keys);
  REQUIRE(::chmod((place / "keys.toml").c_str(), 0600) == 0);
  const auto done = place.setup({"--home-agent", "2001:db8:7::1", "--yes"});
  INFO(done.err);
  REQUIRE(done.code == 0);
  auto expected = before;
  expected.replace(expected.find("2001:db8:9::1"), 13, "2001:db8:7::1");
  CHECK(text_of(place / "mnd.toml") == expected);
  CHECK(text_of(place / "mnd.toml.old") == before);
  CHECK(text_of(place / "keys.toml") == keys);
  CHECK_THAT(done.out, Contains("- home-agent = \"2001:db8:9::1\"") && Contains("keys.toml stays as it is"));

  SECTION("a second secret of the same name needs its number in the configuration") {
    REQUIRE(place.setup({"--spi", "301", "--generate-secret", "--yes"}).code == 0);
    const auto settings = platform::load_mobile_node_settings(place / "mnd.toml");
    REQUIRE(settings);
    CHECK(settings->node.security_association.spi == 301);
    CHECK(platform::load_security_associations(place / "keys.toml")->size() == 2);
  }
  SECTION("secrets that others could read are closed, though nothing else changes") {
    REQUIRE(::chmod((place / "keys.toml").c_str(), 0644) == 0);
    const auto again = place.setup({"--yes"});
    CHECK(again.code == 0);
    CHECK_THAT(again.out, Contains("others than root and the daemons can no longer read it"));
    CHECK(mode_of(place / "keys.toml") == kModeOfKeys);
    CHECK(text_of(place / "keys.toml") == keys);
  }
  SECTION("what is as it should be is not written again") {
    std::filesystem::remove(place / "mnd.toml.old");
    const auto again = place.setup({"--home-agent", "2001:db8:7::1", "--yes"});
    CHECK(again.code == 0);
    CHECK_THAT(again.out, Contains("There is nothing to write."));
    CHECK_FALSE(std::filesystem::exists(place / "mnd.toml.old"));
  }
}

TEST_CASE("setup: a wrong answer is refused with what the daemon would say, and nothing is written") {
  struct Row {
    Words instead;
    const char* message;
  };
  const std::vector<Row> rows{
      {{"--home-agent", "laptop"}, "--home-agent: \"laptop\" is no IPv6 address"},
      {{"--home-agent", "ff02::1"}, "--home-agent: \"ff02::1\" is multicast"},
      {{"--home-address", "2001:db8::/64"}, "--home-address: \"2001:db8::/64\" is no IPv6 address"},
      {{"--home-prefix", "2001:db8:8::/64"}, "--home-prefix: 2001:db8:7::100 is not below home-prefix 2001:db8:8::/64"},
      {{"--home-prefix", "64"}, "--home-prefix: \"64\" is no prefix"},
      {{"--identifier", ""}, "--identifier: there is no way without it"},
      {{"--identifier", std::string(254, 'x')}, "--identifier: expected 1 to 253 octets"},
      {{"--identifier", "a\xff"}, "--identifier: is no text that the file can hold"},
      {{"--spi", "255"}, "--spi: is 255; expected a whole number from 256"},
      {{"--spi", "many"}, "--spi: is text; expected a whole number from 256"},
      {{"--home-link", "eth0"}, "--home-link says nothing here"},
      {{"--nonsense"}, "unrecognised option"},
      {{"laptop"}, "mipflow setup home-agent"},
      {{"--generate-secret"}, "two secrets"},
      {{"--secret-file", "/nowhere/at/all"}, "cannot read /nowhere/at/all"},
  };
  for (const auto& row : rows) {
    const Place place;
    auto options = mobile_node_options(place.write_beside("secret", kKey));
    for (std::size_t index = 0; index + 1 < options.size(); index += 2)
      if (options[index] == row.instead.front()) options.erase(options.begin() + static_cast<std::ptrdiff_t>(index), options.begin() + static_cast<std::ptrdiff_t>(index) + 2);
    const auto done = place.setup(options + row.instead + Words{"--yes"});
    INFO(row.message << "\n" << done.err);
    CHECK(done.code == 2);
    CHECK_THAT(done.err, Contains(row.message));
    CHECK_FALSE(std::filesystem::exists(place / "mnd.toml"));
  }
  const Place place;
  const auto short_key = place.setup(mobile_node_options(place.write_beside("secret", "00ff")) + Words{"--yes"});
  CHECK(short_key.code == 2);
  CHECK_THAT(short_key.err, Contains("--secret-file: is no key; expected 32 to 1024 hexadecimal digits") && !Contains("00ff"));
}

TEST_CASE("setup: what is missing is named, all at once; nobody is asked who is not there") {
  const Place place;
  const auto done = place.setup({"--yes"});
  CHECK(done.code == 2);
  CHECK(done.err == "mipflow: missing: --home-agent, --home-address, --identifier, --secret-file (or --generate-secret); 'mipflow setup --help' explains\n");
  const auto nobody = place.setup({});
  CHECK(nobody.code == 2);
  CHECK_THAT(nobody.err, Contains("there is nobody to be asked") && Contains("--yes"));
}

TEST_CASE("setup: files that can not be changed, or are overruled, are said so") {
  const Place place;
  const auto secret = place.write_beside("secret", kKey);
  SECTION("no TOML") {
    place.write("mnd.toml", "home-agent = \n");
    const auto done = place.setup(mobile_node_options(secret) + Words{"--yes"});
    CHECK(done.code == 1);
    CHECK_THAT(done.err, Contains("mnd.toml:1:") && Contains("mend it, or move it away"));
    CHECK(text_of(place / "mnd.toml") == "home-agent = \n");
  }
  SECTION("another mistake in the same file") {
    place.write("mnd.toml", "colour = \"red\"\n");
    const auto done = place.setup(mobile_node_options(secret) + Words{"--yes"});
    CHECK(done.code == 1);
    CHECK_THAT(done.err, Contains("nothing was written") && Contains("colour: unknown key"));
    CHECK(text_of(place / "mnd.toml") == "colour = \"red\"\n");
  }
  SECTION("a file that is read later") {
    std::filesystem::create_directories(place / "mnd.d");
    place.write("mnd.d/site.toml", "home-agent = \"2001:db8:55::1\"\n");
    const auto done = place.setup(mobile_node_options(secret) + Words{"--yes"});
    CHECK(done.code == 1);
    CHECK_THAT(done.err, Contains("another home-agent") && Contains("mnd.d/"));
    CHECK_FALSE(std::filesystem::exists(place / "mnd.toml"));
  }
}

TEST_CASE("setup: typed answers are judged one by one, and a new secret is handed out") {
  const Place place;
  const auto done = place.setup_typing({}, {"laptop", "2001:db8:7::1", "", "2001:db8:7::100", "", "alice@example.org", "", "short", "", "y"});
  INFO(done.out << done.err);
  REQUIRE(done.code == 0);
  CHECK_THAT(done.out, Contains("  \"laptop\" is no IPv6 address") && Contains("  there is no way without it") &&
                           Contains("Prefix of the home network [2001:db8:7::/64]:") && Contains("(SPI), the same at both ends [256]:") &&
                           Contains("  is no key; expected 32") && Contains("Write this? [Y/n]"));
  const auto settings = platform::load_mobile_node_settings(place / "mnd.toml");
  REQUIRE(settings);
  const auto& key = settings->node.security_association.key;
  REQUIRE(key.size() == 32);
  std::string digits;
  for (const auto octet : key) {
    digits += "0123456789abcdef"[octet >> 4];
    digits += "0123456789abcdef"[octet & 15];
  }
  CHECK_THAT(done.out, Contains("key = \"" + digits + "\""));

  SECTION("another time the former answers are suggested, and the secret stays") {
    const auto again = place.setup_typing({}, {"", "2001:db8:7::101", "", "", "", "", ""});
    INFO(again.out << again.err);
    CHECK(again.code == 0);
    const auto changed = platform::load_mobile_node_settings(place / "mnd.toml");
    CHECK(to_string(changed->node.primary_home_address) == "2001:db8:7::101");
    CHECK(changed->node.security_association.key == key);
    CHECK_THAT(again.out, !Contains(digits));
  }
}

TEST_CASE("setup: who gives up, or says no, changes nothing") {
  const Place place;
  const auto gone = place.setup_typing({}, {"2001:db8:7::1"});
  CHECK(gone.code == 1);
  CHECK_THAT(gone.err, Contains("given up: nothing was written"));
  const auto no = place.setup_typing({"--generate-secret"}, {"2001:db8:7::1", "2001:db8:7::100", "", "alice@example.org", "", "n"});
  CHECK(no.code == 1);
  CHECK_FALSE(std::filesystem::exists(place / "mnd.toml"));
}

TEST_CASE("setup: a home agent, and the mobile nodes that it serves") {
  const Place place;
  const auto too_early = place.setup({"add-mobile-node", "--identifier", "alice@example.org", "--home-address", "2001:db8:7::100", "--generate-secret", "--yes"});
  CHECK(too_early.code == 1);
  CHECK_THAT(too_early.err, Contains("mipflow setup home-agent"));

  const auto made = place.setup({"home-agent", "--home-agent", "2001:db8:7::1", "--home-link", "virtual", "--yes"});
  INFO(made.err);
  REQUIRE(made.code == 0);
  auto settings = platform::load_home_agent_settings(place / "had.toml");
  REQUIRE(settings);
  CHECK(to_string(settings->agent.home_prefixes.at(0).prefix) == "2001:db8:7::/64");
  CHECK(settings->agent.mobile_nodes.empty());
  CHECK_THAT(text_of(place / "had.toml"), Contains("# [[mobile-node]]") && Contains("# cap = 64") && Contains("\n[timers]"));

  for (const std::string name : {"alice", "bob"}) {
    const auto added = place.setup({"add-mobile-node", "--identifier", name + "@example.org", "--home-address",
                                    name == "bob" ? "2001:db8:7::101" : "2001:db8:7::100", "--generate-secret", "--yes"});
    INFO(added.err);
    REQUIRE(added.code == 0);
    CHECK_THAT(added.out, Contains("mipflow setup --home-agent 2001:db8:7::1 --home-address 2001:db8:7::10") && Contains("--home-prefix 2001:db8:7::/64"));
  }
  settings = platform::load_home_agent_settings(place / "had.toml");
  REQUIRE(settings);
  REQUIRE(settings->agent.mobile_nodes.size() == 2);
  CHECK(settings->agent.mobile_nodes[1].security_association.network_access_identifier == "bob@example.org");

  SECTION("a name that is there already is changed, not added") {
    REQUIRE(place.setup({"add-mobile-node", "--identifier", "bob@example.org", "--home-address", "2001:db8:7::102", "--yes"}).code == 0);
    const auto changed = platform::load_home_agent_settings(place / "had.toml");
    REQUIRE(changed->agent.mobile_nodes.size() == 2);
    CHECK(to_string(changed->agent.mobile_nodes[1].primary_home_address) == "2001:db8:7::102");
    CHECK(changed->agent.mobile_nodes[1].security_association.key == settings->agent.mobile_nodes[1].security_association.key);
  }
  SECTION("a home address that another one has, or that is not ours, is refused") {
    const auto taken = place.setup({"add-mobile-node", "--identifier", "carol@example.org", "--home-address", "2001:db8:7::100", "--generate-secret", "--yes"});
    CHECK(taken.code == 2);
    CHECK_THAT(taken.err, Contains("two mobile nodes have the home address 2001:db8:7::100"));
    const auto foreign = place.setup({"add-mobile-node", "--identifier", "carol@example.org", "--home-address", "2001:db8:8::1", "--generate-secret", "--yes"});
    CHECK(foreign.code == 2);
    CHECK_THAT(foreign.err, Contains("2001:db8:8::1 is below no [[prefix]]"));
  }
}

TEST_CASE("setup: a running home agent takes a new mobile node with a reload") {
  const Place place;
  REQUIRE(place.setup({"home-agent", "--home-agent", "2001:db8:7::1", "--home-link", "virtual", "--yes"}).code == 0);
  const FakeControlServer server(always(success({{"role", "home-agent"}})));
  const Words add{"add-mobile-node", "--identifier", "alice@example.org", "--home-address", "2001:db8:7::100", "--generate-secret"};
  const auto directory = (place / "").string();
  const auto done = run(Words{"setup", "--directory", directory, "--socket", server.path()} + add + Words{"--yes"});
  CHECK(done.code == 0);
  CHECK_THAT(done.out, Contains("without ending any flow with: mipflow --home-agent reload"));
}

TEST_CASE("setup: as JSON") {
  const Place place;
  const auto done = place.setup(mobile_node_options(place.write_beside("secret", kKey)) + Words{"--json", "--dry-run"});
  REQUIRE(done.code == 0);
  const auto result = nlohmann::json::parse(done.out);
  CHECK(result["files"][0]["state"] == "not written");
  CHECK(result["secret_is_new"] == false);
  CHECK(place.setup({"--json"}).code == 2);
}
