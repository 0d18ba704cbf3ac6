// SPDX-License-Identifier: GPL-3.0-or-later
// ProgramGroups in a helper process: groups belong to root, and only root moves processes between those of different users.
#pragma once

#include <memory>

#include "mipflow/platform/flow_wish.hpp"
#include "mipflow/platform/helper_process.hpp"

namespace mipflow::platform {

std::unique_ptr<ProgramGroupKeeper> keep_program_groups_by(std::unique_ptr<HelperProcess> helper);
// What that needs: the user of this process, which is root, and of all files the control groups alone.
HelperProcess::Role program_groups_role();

}  // namespace mipflow::platform
