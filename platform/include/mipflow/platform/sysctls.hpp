// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "mipflow/platform/failure.hpp"

namespace mipflow::platform {

// Kernel settings that a role needs and that are put back when it goes. What they were is kept in a file, so that a
// clean-up after a crash can put them back as well.
class Sysctls {
 public:
  // `record` is the file; what stands in it from a daemon that died counts as the former values.
  explicit Sysctls(std::filesystem::path record);

  // `name` as below /proc/sys, with slashes: "net/ipv6/conf/all/forwarding". No change when it has the value already.
  Result<void> set(const std::string& name, const std::string& value);
  // nullopt when the kernel has no such setting.
  static std::optional<std::string> get(const std::string& name);
  void restore();

 private:
  void save() const;

  std::filesystem::path record_;
  std::map<std::string, std::string> former_;
};

}  // namespace mipflow::platform
