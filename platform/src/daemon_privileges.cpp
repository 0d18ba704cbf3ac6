// SPDX-License-Identifier: GPL-3.0-or-later
#include "daemon_privileges.hpp"

#include <unistd.h>

#include "mipflow/platform/given_folders.hpp"
#include "mipflow/platform/program_group_helper.hpp"

namespace mipflow::platform {

namespace {

constexpr const char* kUsualStateDirectory = "/var/lib/mipflow";
constexpr const char* kNetworkSettings = "/proc/sys/net/ipv6";

Result<void> give_folders(DaemonOptions& options, const DaemonName& name, const ServiceUser& user) {
  if (auto done = give_folder(options.runtime_directory, user, 0755, is_runtime_name); !done) return done;
  if (name.keeps_state) {
    const auto& state = options.state_directory.empty() ? std::filesystem::path(kUsualStateDirectory) : options.state_directory;
    if (auto done = give_folder(state, user, 0700, is_state_name); !done) return done;
  }
  auto pins = give_pin_directory(options.pin_directory, user);
  if (!pins) return Unexpected{pins.error()};
  options.pin_directory = std::move(*pins);
  return {};
}

Result<Helpers> start_helpers(const ServiceUser& user) {
  auto holders = HelperProcess::start(socket_holders_role(user));
  if (!holders) return Unexpected{holders.error()};
  auto groups = HelperProcess::start(program_groups_role());
  if (!groups) return Unexpected{groups.error()};
  return Helpers{look_for_holders_by(std::move(*holders)), keep_program_groups_by(std::move(*groups))};
}

}  // namespace

Result<void> give_folders_of_daemon(const DaemonOptions& options, const DaemonName& name, const ServiceUser& user) {
  DaemonOptions unused = options;
  return give_folders(unused, name, user);
}

Result<ServiceUser> find_daemon_user(const DaemonOptions& options) {
  return ::geteuid() == 0 ? find_service_user(options.user) : present_user();
}

Result<Helpers> prepare_as_root(DaemonOptions& options, const DaemonWork& work, const ServiceUser& user) {
  if (::geteuid() == 0)
    if (auto done = give_folders(options, work.name, user); !done) return Unexpected{done.error()};
  return work.looks_at_programs ? start_helpers(user) : Helpers{};
}

void take_back_prepared(const DaemonOptions& options) {
  ::rmdir(options.pin_directory.c_str());
  ::rmdir(options.pin_directory.parent_path().c_str());
}

Result<FileConfinement> confine(const DaemonOptions& options, const std::filesystem::path& state_directory) {
  FileConfinement::Folders folders{.writable = {options.runtime_directory, options.pin_directory.parent_path(), kNetworkSettings}};
  if (!state_directory.empty()) folders.writable.push_back(state_directory);
  auto confined = FileConfinement::begin(folders);
  if (!confined) return confined;
  if (auto done = filter_system_calls(SystemCalls::Daemon); !done) return Unexpected{done.error()};
  return confined;
}

}  // namespace mipflow::platform
