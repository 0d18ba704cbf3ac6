// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/daemon_options.hpp"

#include <net/if.h>

#include <boost/program_options.hpp>
#include <iostream>

namespace mipflow::platform {

namespace po = boost::program_options;

namespace {

po::options_description describe(DaemonOptions& out, const DaemonName& name) {
  using std::filesystem::path;
  // std::filesystem::path reads itself in quotes from a stream, so the options are taken as text.
  const auto to = [](path& target) { return po::value<std::string>()->notifier([&target](const std::string& value) { target = value; }); };
  po::options_description options("Options");
  options.add_options()
    ("config", to(out.configuration), ("configuration file (default: /etc/mipflow/" + name.brief + ".toml)").c_str())
    ("runtime-dir", to(out.runtime_directory), "directory of the lock and the control socket (default: /run/mipflow)")
    ("pin-dir", to(out.pin_directory), ("directory in a bpf file system (default: /sys/fs/bpf/mipflow/" + name.brief + ")").c_str())
    ("user", po::value(&out.user), "user that the daemon becomes, a name or UID[:GID] (default: _mipflow if there is such a user, else root)")
    ("device", po::value(&out.device), "name of the device that is made (default: mip0)");
  if (name.keeps_state)
    options.add_options()
      ("state-dir", to(out.state_directory), "directory of what has to survive a restart (default: from the configuration)");
  if (name.has_first_packets)
    options.add_options()("queue", po::value(&out.queue), "NFQUEUE number of first packets (default: 6275)");
  options.add_options()
    ("check", po::bool_switch(&out.check), "validate the configuration and exit")
    ("prepare", po::bool_switch(&out.prepare), "as root: make the daemon's folders, give them to its user, and exit; a start as root does it by itself")
    ("clean-up", po::bool_switch(&out.clean_up), "take back what a daemon that died left in the kernel and exit")
    ("keep-state", po::bool_switch(&out.keep_state), "when stopping, leave the kernel as it is for the next daemon")
    ("version", "print the version and exit")
    ("help", "print this text and exit");
  return options;
}

}  // namespace

const char* version() { return MIPFLOW_VERSION; }

Expected<DaemonOptions, Exit> parse_daemon_options(int argc, const char* const* argv, const DaemonName& name) {
  DaemonOptions out;
  out.configuration = "/etc/mipflow/" + name.brief + ".toml";
  out.pin_directory = "/sys/fs/bpf/mipflow/" + name.brief;
  const auto options = describe(out, name);
  const auto complain = [&](const std::string& message) {
    std::cerr << name.program << ": " << message << "; see " << name.program << " --help\n";
    return Unexpected{Exit{2}};
  };
  po::variables_map values;
  // The library reports a wrong command line by exceptions; they end here.
  try {
    po::store(po::command_line_parser(argc, argv).options(options).positional({}).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    return complain(error.what());
  }
  if (values.contains("help")) {
    std::cout << "Usage: " << name.program << " [options]\n" << name.purpose << "\n\n" << options;
    return Unexpected{Exit{0}};
  }
  if (values.contains("version")) {
    std::cout << name.program << " " << version() << "\n";
    return Unexpected{Exit{0}};
  }
  if (out.device.empty() || out.device.size() >= IF_NAMESIZE || out.device.find('/') != std::string::npos)
    return complain("--device: an interface name has 1 to 15 characters and no slash");
  if (out.check + out.clean_up + out.prepare > 1) return complain("--check, --clean-up and --prepare are different things");
  return out;
}

}  // namespace mipflow::platform
