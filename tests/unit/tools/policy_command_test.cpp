// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "whole_command.hpp"

using nlohmann::json;
using namespace mipflow::tools;

namespace {

Outcome check(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"policy", "check"});
  return run(arguments);
}

constexpr const char* kGood =
    "[[class]]\n"
    "name = \"voice\"\n"
    "interfaces = [\"wwan0\", \"*\"]\n"
    "home-address = \"2001:DB8:100:0::5060\"\n"
    "route-optimization = \"yes\"\n"
    "[class.match]\n"
    "protocol = \"udp\"\n";

constexpr const char* kBad =
    "[[class]]\n"
    "name = \"bulk\"\n"
    "interfaces = 7\n";

}  // namespace

TEST_CASE("a right policy is shown class by class, with where each comes from") {
  const TemporaryDirectory directory;
  const auto file = directory.write("voice.toml", kGood);
  const auto outcome = check({file});
  CHECK(outcome.code == kExitDone);
  CHECK(outcome.err.empty());
  CHECK_THAT(outcome.out, Catch::Contains("voice"));
  CHECK_THAT(outcome.out, Catch::Contains("wwan0, *"));
  CHECK_THAT(outcome.out, Catch::Contains("2001:db8:100::5060"));
  CHECK_THAT(outcome.out, Catch::Contains("ROUTE OPTIMIZATION") && Catch::Contains("yes"));
  CHECK_THAT(outcome.out, Catch::Contains(file + ":1"));

  const auto classes = nlohmann::json::parse(check({file, "--json"}).out).at("classes");
  REQUIRE(classes.size() == 2);
  CHECK(classes[0]["home_address"] == "2001:db8:100::5060");
  CHECK(classes[0]["route_optimization"] == "yes");
  CHECK(classes[1]["home_address"] == "figure-6");
  CHECK(classes[1]["route_optimization"] == "prefer");
}

TEST_CASE("a wrong policy is answered with file, line and reason") {
  const TemporaryDirectory directory;
  const auto good = directory.write("good.toml", kGood);
  const auto bad = directory.write("bad.toml", kBad);
  const auto outcome = check({good, bad});
  CHECK(outcome.code == kExitRefused);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Catch::Contains(bad + ":3:"));

  const auto as_json = check({good, bad, "--json"});
  CHECK(as_json.code == kExitRefused);
  const auto report = nlohmann::json::parse(as_json.out);
  CHECK(report["valid"] == false);
  REQUIRE(report["errors"].size() >= 1);
  CHECK(report["errors"][0]["file"] == bad);
  CHECK(report["errors"][0]["line"] == 3);
}

TEST_CASE("a file that can not be read is named") {
  const TemporaryDirectory directory;
  const auto missing = check({directory.path() + "/none.toml"});
  CHECK(missing.code == kExitRefused);
  CHECK_THAT(missing.err, Catch::Contains("none.toml: can not be read: No such file or directory"));
  const auto no_file = check({directory.path()});
  CHECK(no_file.code == kExitRefused);
  CHECK_THAT(no_file.err, Catch::Contains("is a directory"));
}

TEST_CASE("the policy in use is shown with the layer and origin of each class") {
  const FakeControlServer server(always(success({{"classes",
                                                  {{{"name", "web"}, {"interfaces", {"wifi", "*"}}, {"never", {"cellular"}}, {"return_after_seconds", 0}, {"home_address", "figure-6"},
                                                    {"route_optimization", "no"}, {"bypass", false}, {"layer", "user"}, {"user", 0}, {"origin", "user:1"}},
                                                   {{"name", "portal"}, {"interfaces", {"*"}}, {"never", json::array()}, {"return_after_seconds", 0}, {"home_address", "figure-6"},
                                                    {"route_optimization", "no"}, {"bypass", true}, {"layer", "operator"}, {"user", nullptr}, {"origin", nullptr}}}},
                                                 {"network_version", 4}})));
  const auto outcome = run({"policy", "show", "--socket", server.path()});
  CHECK(outcome.code == kExitDone);
  CHECK(outcome.out ==
        "CLASS   LAYER      INTERFACES               HOME ADDRESS  ROUTE OPTIMIZATION  FROM\n"
        "web     user root  wifi, *, never cellular  figure-6      no                  user:1\n"
        "portal  operator   bypass                   figure-6      no                  -\n"
        "the network's policy is version 4\n");
}

TEST_CASE("a test of a policy sends the files and shows which flows would change") {
  const TemporaryDirectory directory;
  const auto file = directory.write("voice.toml", kGood);
  const json effects = {{{"id", 7}, {"class_before", "default"}, {"class_after", "voice"}, {"interface_before", "wlan0"}, {"interface_after", "wwan0"}, {"note", nullptr}},
                        {{"id", 12}, {"class_before", "web"}, {"class_after", "web"}, {"interface_before", nullptr}, {"interface_after", "wwan0"}, {"note", "keeps its home address until it ends"}}};
  const FakeControlServer server(always(success({{"effects", effects}, {"objection", ""}})));
  const auto outcome = run({"policy", "test", file, "--socket", server.path()});
  CHECK(outcome.code == kExitDone);
  CHECK(outcome.out ==
        "FLOW  CLASS             INTERFACE       NOTE\n"
        "   7  default -> voice  wlan0 -> wwan0  -\n"
        "  12  web               - -> wwan0      keeps its home address until it ends\n");
  CHECK(json::parse(server.last_request())["files"] == json::array({{{"name", file}, {"text", kGood}}}));
}

TEST_CASE("a policy that the daemon would refuse is no success, with --json as well") {
  const FakeControlServer server(always(success({{"effects", json::array()}, {"objection", "No class leaves a way to the home agent."}})));
  for (const bool as_json : {false, true}) {
    std::vector<std::string> arguments{"policy", "test", "--socket", server.path()};
    if (as_json) arguments.push_back("--json");
    const auto outcome = run(arguments);
    CHECK(outcome.code == kExitRefused);
    CHECK_THAT(outcome.err, Catch::Contains("would refuse this policy: No class leaves a way"));
  }
}

TEST_CASE("a user's own policy is sent as it is, and a missing file is not") {
  const TemporaryDirectory directory;
  const auto file = directory.write("mine.toml", kGood);
  const FakeControlServer server(always(success({{"moved", {7}}})));
  const auto outcome = run({"policy", "user", "set", file, "--socket", server.path()});
  CHECK(outcome.out == "your policy is in use; flows that move: 7\n");
  CHECK(json::parse(server.last_request())["text"] == kGood);
  CHECK(run({"policy", "user", "set", directory.path() + "/none", "--socket", server.path()}).code == kExitRefused);
  CHECK(run({"policy", "user", "remove", "--socket", server.path()}).out == "your policy is removed; flows that move: 7\n");
}
