// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/daemon_main.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

#include "daemon_privileges.hpp"
#include "mipflow/platform/instance_lock.hpp"

namespace mipflow::platform {

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitConfiguration = 78;

class Program {
 public:
  Program(const DaemonWork& work, const DaemonOptions& options) : work_(work), options_(options) {}

  int run() {
    const auto user = find_daemon_user(options_);
    if (!user) return failed(user.error().message);
    Helpers helpers;
    if (!options_.check) {
      auto prepared = prepare_as_root(options_, work_, *user);
      if (!prepared) return failed(prepared.error().message);
      helpers = std::move(*prepared);
    }
    // --check says what the daemon would, and so has to be no more than the daemon.
    if (const auto done = drop_privileges(*user, options_.check ? Capabilities{} : work_.capabilities); !done) return failed(done.error().message);
    const auto loaded = work_.load(options_);
    if (!loaded) {
      for (const auto& error : loaded.error()) print(to_string(error));
      if (!options_.check) take_back_prepared(options_);
      return kExitConfiguration;
    }
    if (options_.check) {
      std::printf("%s is valid\n", options_.configuration.c_str());
      return 0;
    }
    if (options_.user.empty() && user->is_root())
      print(std::string("runs as root, with few capabilities: there is no user ") + kServiceUser +
            "; make it with systemd-sysusers or 'adduser --system --group --no-create-home --home /nonexistent --force-badname " +
            kServiceUser + "' and restart");
    const auto confined = confine(options_, loaded->state_directory);
    if (!confined) return failed(confined.error().message);
    if (const auto done = loaded->run(helpers); !done) {
      take_back_prepared(options_);
      return failed(done.error().message);
    }
    return 0;
  }

  int prepare() const {
    const auto user = find_daemon_user(options_);
    if (!user) return failed(user.error().message);
    const auto done = give_folders_of_daemon(options_, work_.name, *user);
    return done ? 0 : failed(done.error().message);
  }

  int clean_up() const {
    const auto lock = InstanceLock::take(options_.runtime_directory, work_.name.brief, options_.device);
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
  DaemonOptions options_;
};

}  // namespace

int daemon_main(int argc, char** argv, const DaemonWork& work) {
  const auto options = parse_daemon_options(argc, argv, work.name);
  if (!options) return options.error().status;
  // Whoever reads our standard error may go away; that is no reason to stop.
  std::signal(SIGPIPE, SIG_IGN);
  Program program(work, *options);
  // Nothing below throws on purpose; what the system denies (memory, a thread) ends here with a reason.
  try {
    if (options->prepare) return program.prepare();
    return options->clean_up ? program.clean_up() : program.run();
  } catch (const std::exception& error) {
    return program.failed(error.what());
  }
}

}  // namespace mipflow::platform
