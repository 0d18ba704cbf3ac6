// SPDX-License-Identifier: GPL-3.0-or-later
// How a daemon gives up what it does not need. The order, as daemon_main.cpp has it:
//   1. as root: find_daemon_user(), prepare_as_root()   folders, the bpf file system, helper processes
//   2. drop_privileges()                                the user, capabilities
//   3. the configuration is read: what can not be read now can not be read again later either
//   4. confine()                                        files that can be written, system calls
#pragma once

#include "mipflow/platform/daemon_main.hpp"
#include "mipflow/platform/helpers.hpp"
#include "mipflow/platform/privileges.hpp"

namespace mipflow::platform {

// Whom the daemon becomes: for root as the options say, for others who they are.
Result<ServiceUser> find_daemon_user(const DaemonOptions& options);

// --prepare
Result<void> give_folders_of_daemon(const DaemonOptions& options, const DaemonName& name, const ServiceUser& user);

// Changes the pin directory of the options to the path by which the user reaches it. For a daemon that was started as its user already
// there are only the helpers.
Result<Helpers> prepare_as_root(DaemonOptions& options, const DaemonWork& work, const ServiceUser& user);
// What prepare_as_root() made for a daemon that then could not start is gone, as far as nothing is in it.
void take_back_prepared(const DaemonOptions& options);

// `state_directory`: that of the configuration, empty without one. The result has to be kept while the daemon runs.
Result<FileConfinement> confine(const DaemonOptions& options, const std::filesystem::path& state_directory);

}  // namespace mipflow::platform
