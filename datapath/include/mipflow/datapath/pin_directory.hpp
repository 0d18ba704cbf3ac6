// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "mipflow/datapath/data_path.hpp"

namespace mipflow::datapath {

// Makes the directory and those above it; mounts the bpf file system on /sys/fs/bpf when the path lies there and nothing
// is mounted yet. EINVAL when the path lies in no bpf file system. DataPath::open() does it as well; this is for who may
// mount and is somebody else then.
Expected<void, Error> make_pin_directory(const std::string& path);

}  // namespace mipflow::datapath
