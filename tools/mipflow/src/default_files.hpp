// SPDX-License-Identifier: GPL-3.0-or-later
// The files of packaging/etc/, built in: mipflow setup begins with them where there are none.
#pragma once

namespace mipflow::tools {

extern const char* const kMobileNodeExample;
extern const char* const kHomeAgentExample;
extern const char* const kAssociationsExample;

}  // namespace mipflow::tools
