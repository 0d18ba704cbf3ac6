// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "mipflow/base/expected.hpp"

namespace mipflow::platform {

// The command line of the daemons. Every path can be given, so that several daemons can share a machine: one in
// each network namespace.
struct DaemonOptions {
  std::filesystem::path configuration;
  std::filesystem::path runtime_directory = "/run/mipflow";
  std::filesystem::path pin_directory;
  std::filesystem::path state_directory;  // empty = what the configuration says
  std::string user;  // whom the daemon becomes, see find_service_user(); empty = _mipflow when there is such a user
  std::string device = "mip0";
  std::uint16_t queue = 6275;             // NFQUEUE number
  bool check = false;                     // validate the configuration and exit
  bool prepare = false;                   // make the folders, give them to the user, and exit
  bool clean_up = false;                  // take back what a daemon that died left, and exit
  bool keep_state = false;                // leave the kernel as it is when stopping
};

// Of the project, like "0.1.0".
const char* version();

// What a daemon is called: "mipflow-mnd" and "mnd".
struct DaemonName {
  std::string program;
  std::string brief;  // names files: <brief>.toml, <brief>.sock, <brief>.lock
  std::string purpose;
  bool has_first_packets = false;  // so it has an option for the queue that they come by
  bool keeps_state = false;        // over a restart, so it has an option for the directory
};

// The exit status of a command line that needs no daemon: --help and --version (0), a wrong one (2). What there is to
// say has been printed.
struct Exit {
  int status = 0;
};
Expected<DaemonOptions, Exit> parse_daemon_options(int argc, const char* const* argv, const DaemonName& name);

}  // namespace mipflow::platform
