// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch.hpp>

#include <filesystem>

#include "mipflow/platform/configuration.hpp"
#include "temporary_directory.hpp"

using namespace mipflow;
using namespace mipflow::platform;
using flow_separator::PolicyFile;
using flow_separator::PolicyLayer;
using test::TemporaryDirectory;

namespace {

std::vector<std::string> names(const std::vector<PolicyFile>& files) {
  std::vector<std::string> out;
  for (const auto& file : files) out.push_back(std::filesystem::path(file.name).parent_path().filename().string() + '/' +
                                              std::filesystem::path(file.name).filename().string());
  return out;
}

PolicyFile of_root(std::string text) { return {"root.toml", std::move(text), PolicyLayer::User, 0}; }
PolicyFile of_network(std::string text) { return {"network", std::move(text), PolicyLayer::Network}; }

}  // namespace

TEST_CASE("the operator's policy files take the place of the vendor's") {
  const TemporaryDirectory directory;
  directory.write("vendor/10-a.toml", "# vendor");
  directory.write("vendor/20-b.toml", "# vendor");
  directory.write("vendor/30-c.toml", "[[class]]\n");
  directory.write("own/20-b.toml", "# own");
  directory.write("own/15-z.toml", "# own");
  std::filesystem::create_symlink("/dev/null", directory / "own/30-c.toml");
  const auto files = read_policy_files(directory / "own", directory / "vendor");
  REQUIRE(files);
  CHECK(names(*files) == std::vector<std::string>{"vendor/10-a.toml", "own/15-z.toml", "own/20-b.toml", "own/30-c.toml"});
  CHECK(files->at(2).text == "# own");
  CHECK(files->at(3).text.empty());
  CHECK(read_policy_files(directory / "nowhere", directory / "neither")->empty());
}

TEST_CASE("policy files that can not be read are mistakes") {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory / "own/10-a.toml");
  std::filesystem::create_symlink("nowhere", directory / "own/20-b.toml");
  const auto files = read_policy_files(directory / "own", directory / "vendor");
  REQUIRE_FALSE(files);
  REQUIRE(files.error().size() == 2);
  CHECK_THAT(to_string(files.error()[0]), Catch::EndsWith("own/10-a.toml: cannot be read: Is a directory"));
  CHECK_THAT(to_string(files.error()[1]), Catch::EndsWith("own/20-b.toml: cannot be read: No such file or directory"));
}

TEST_CASE("users and groups of this host are known in a policy") {
  CHECK(host_names().user("root") == 0u);
  CHECK(host_names().group("root") == 0u);
  CHECK_FALSE(host_names().user("no-such-user-here"));
  CHECK_FALSE(host_names().group("no-such-group-here"));
  const auto policy = parse_policy({of_root("[[class]]\nname = \"mine\"\n")});
  REQUIRE(policy);
  CHECK((*policy)->find("root:mine") != nullptr);
}

TEST_CASE("a user's or the network's mistakes do not take the operator's policy away") {
  const TemporaryDirectory directory;
  directory.write("own/10-a.toml", "[[class]]\nname = \"a\"\n");
  const std::vector<PolicyFile> foreign{of_root("[[class]]\nsize = 7\n"), of_network("[[class]]\nname = \"b\"\n")};
  CHECK_FALSE(load_policy(directory / "own", foreign));

  ConfigurationErrors left_out;
  const auto policy = load_policy_leaving_out(directory / "own", foreign, left_out);
  REQUIRE(policy);
  CHECK((*policy)->find("a") != nullptr);
  CHECK((*policy)->find("network:b") != nullptr);
  CHECK((*policy)->classes().size() == 3);
  REQUIRE(left_out.size() == 1);
  CHECK_THAT(to_string(left_out[0]), Catch::StartsWith("root.toml:2:1: unknown key \"size\""));

  directory.write("own/20-b.toml", "[[class]]\nsize = 7\n");
  left_out.clear();
  const auto refused = load_policy_leaving_out(directory / "own", foreign, left_out);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().size() == 1);
  CHECK_THAT(refused.error()[0].file, Catch::EndsWith("20-b.toml"));
}
