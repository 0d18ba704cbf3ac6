// SPDX-License-Identifier: GPL-3.0-or-later
// The command line of `mipflow setup`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mipflow/base/expected.hpp"

namespace mipflow::tools {

struct SetupOptions {
  enum class Subject : unsigned char {
    MobileNode,     // this host's mnd.toml
    HomeAgent,      // this host's had.toml
    AddMobileNode,  // one more [[mobile-node]] in this host's had.toml
  };
  Subject subject = Subject::MobileNode;
  // The answers that were given beforehand, as texts: they are judged like those that are typed.
  std::optional<std::string> home_agent, home_address, home_prefix, home_link, identifier, spi;
  std::optional<std::filesystem::path> secret_file;  // "-": standard input
  bool generate_secret = false;
  std::filesystem::path directory;
  std::string socket;  // of the daemon that may run already; empty: the usual one
  bool yes = false;
  bool dry_run = false;
  bool json = false;
  bool help = false;
};

// `arguments` with the word `setup`, wherever it stands. The error is a sentence for the user.
Expected<SetupOptions, std::string> parse_setup_options(const std::vector<std::string>& arguments);

// What --help prints.
std::string describe_setup();
// "--home-agent" and so on, for completions.
std::vector<std::string> setup_option_names();

}  // namespace mipflow::tools
