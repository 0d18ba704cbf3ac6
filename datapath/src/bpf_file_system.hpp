// SPDX-License-Identifier: GPL-3.0-or-later
// Directories in the bpf file system, which keeps maps and programs alive without a process.
#pragma once

#include <string>

#include "error.hpp"
#include "file_descriptor.hpp"
#include "mipflow/datapath/pin_directory.hpp"

namespace mipflow::datapath {

// Held as long as the descriptor is open: two daemons on one pin directory would undo each other's work. EBUSY.
Expected<FileDescriptor, Error> lock_pin_directory(const std::string& path);

// Removes the directory and what is pinned in it, and directories above it up to the file system's root as far as they
// are empty.
Result remove_pin_directory(const std::string& path);

}  // namespace mipflow::datapath
