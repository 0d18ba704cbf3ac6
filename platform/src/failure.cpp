// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/failure.hpp"

#include <system_error>

namespace mipflow::platform {

std::string error_text(int error) { return std::generic_category().message(error); }

}  // namespace mipflow::platform
