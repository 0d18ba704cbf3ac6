// SPDX-License-Identifier: GPL-3.0-or-later
// Folders of a daemon that root makes and gives to the daemon's user.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/service_user.hpp"

namespace mipflow::platform {

// Makes the folder with this mode when it is missing. One that belongs to somebody else, because an earlier version had made it as root
// or a daemon ran as another user, is given to the user with what is in it. A folder with anything that `is_ours` does not
// know by its name is left alone as it is, so that nobody loses /tmp to a slip of the pen; that is no failure if the user can write
// there. Follows no link, and gives no file away that has a second name.
Result<void> give_folder(const std::filesystem::path& folder, const ServiceUser& user, mode_t mode, bool (*is_ours)(std::string_view name));

// Names in --runtime-dir and --state-dir.
bool is_runtime_name(std::string_view name);
bool is_state_name(std::string_view name);

// Makes the pin directory and gives it, with what an earlier daemon pinned there, to the user, likewise the folder above it when
// it is mipflow's own or holds nothing else. Gives the path by which the user reaches it: the same, or where folders above are closed (systemd mounts
// /sys/fs/bpf with mode 0700) one through a descriptor that stays open.
Result<std::filesystem::path> give_pin_directory(const std::filesystem::path& folder, const ServiceUser& user);

}  // namespace mipflow::platform
