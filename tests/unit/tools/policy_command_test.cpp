// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fake_control_server.hpp"
#include "mipflow/tools/command.hpp"

using namespace mipflow::tools;

namespace {

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

Outcome check(std::vector<std::string> arguments) {
  std::ostringstream out;
  std::ostringstream err;
  arguments.insert(arguments.begin(), {"policy", "check"});
  const int code = run_command(arguments, {out, err});
  return {code, out.str(), err.str()};
}

constexpr const char* kGood =
    "[[class]]\n"
    "name = \"voice\"\n"
    "interfaces = [\"wwan0\", \"*\"]\n"
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
  CHECK_THAT(outcome.out, Catch::Contains(file + ":1"));
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
