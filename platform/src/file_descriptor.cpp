// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/file_descriptor.hpp"

#include <unistd.h>

namespace mipflow::platform {

void FileDescriptor::reset() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace mipflow::platform
