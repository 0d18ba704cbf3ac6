// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "mipflow/base/expected.hpp"
#include "mipflow/mn-core/kept_home_addresses.hpp"

namespace mipflow::mnd {

// The home addresses that stay the mobile node's over a restart, in the state directory, where only root reads and writes.
class KeptHomeAddressesFile {
 public:
  explicit KeptHomeAddressesFile(std::filesystem::path state_directory)
      : state_directory_(std::move(state_directory)), file_(state_directory_ / mobile_node::kKeptHomeAddresses) {}

  const std::filesystem::path& path() const { return file_; }
  // None when there is no file; else what is wrong with it, as half a sentence.
  Expected<std::vector<mobile_node::KeptHomeAddress>, std::string> read() const;
  // On failure what went wrong.
  Expected<void, std::string> write(const std::string& document) const;

 private:
  std::filesystem::path state_directory_;
  std::filesystem::path file_;
};

}  // namespace mipflow::mnd
