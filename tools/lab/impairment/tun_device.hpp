// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "mipflow/base/bytes.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::lab {

// A tun device, from the constructor to the destructor. The kernel routes packets into it, segmented and with their checksums
// filled, and takes what is written as if it had come in there.
class TunDevice {
 public:
  // std::system_error when the kernel refuses.
  explicit TunDevice(const std::string& name);

  int descriptor() const { return descriptor_.get(); }
  // nullopt: nothing is waiting. std::system_error when the device has gone.
  std::optional<Bytes> read();
  // False when the kernel does not take it.
  bool write(BytesView packet);

 private:
  platform::FileDescriptor descriptor_;
};

}  // namespace mipflow::lab
