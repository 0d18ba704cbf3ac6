// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/daemon_main.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "mipflow/platform/instance_lock.hpp"

namespace mipflow::platform {

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitConfiguration = 78;

class Program {
 public:
  Program(const DaemonWork& work, const DaemonOptions& options) : work_(work), options_(options) {}

  int run() const {
    const auto loaded = work_.load(options_);
    if (!loaded) {
      for (const auto& error : loaded.error()) print(to_string(error));
      return kExitConfiguration;
    }
    if (options_.check) {
      std::printf("%s is valid\n", options_.configuration.c_str());
      return 0;
    }
    if (const auto done = (*loaded)(); !done) return failed(done.error().message);
    return 0;
  }

  int clean_up() const {
    const auto lock = InstanceLock::take(options_.runtime_directory / (work_.name.brief + ".lock"));
    if (!lock) return failed(lock.error().message);
    std::vector<Failure> failures;
    work_.take_back(options_, failures);
    for (const auto& failure : failures) print(failure.message);
    return failures.empty() ? 0 : kExitFailed;
  }

  int failed(const std::string& why) const {
    print(why);
    return kExitFailed;
  }

 private:
  void print(const std::string& line) const { std::fprintf(stderr, "%s: %s\n", work_.name.program.c_str(), line.c_str()); }

  const DaemonWork& work_;
  const DaemonOptions& options_;
};

}  // namespace

int daemon_main(int argc, char** argv, const DaemonWork& work) {
  const auto options = parse_daemon_options(argc, argv, work.name);
  if (!options) return options.error().status;
  // Whoever reads our standard error may go away; that is no reason to stop.
  std::signal(SIGPIPE, SIG_IGN);
  const Program program(work, *options);
  // Nothing below throws on purpose; what the system denies (memory, a thread) ends here with a reason.
  try {
    return options->clean_up ? program.clean_up() : program.run();
  } catch (const std::exception& error) {
    return program.failed(error.what());
  }
}

}  // namespace mipflow::platform
