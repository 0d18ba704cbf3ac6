// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

#include "mipflow/base/expected.hpp"
#include "mipflow/datapath/data_path.hpp"

namespace mipflow::datapath {

using Result = Expected<void, Error>;

// "`what`: `strerror(code)`", with `hint` or, without one, what this errno usually means here and what to do.
Unexpected<Error> failure(int code, std::string_view what, std::string_view hint = {});

}  // namespace mipflow::datapath
