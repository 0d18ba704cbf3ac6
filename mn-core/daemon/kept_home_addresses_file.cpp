// SPDX-License-Identifier: GPL-3.0-or-later
#include "kept_home_addresses_file.hpp"

#include <cerrno>
#include <system_error>

#include "mipflow/platform/kept_file.hpp"

namespace mipflow::mnd {

Expected<std::vector<mobile_node::KeptHomeAddress>, std::string> KeptHomeAddressesFile::read() const {
  const auto document = platform::read_sealed_file(file_, mobile_node::kLongestKeptHomeAddresses);
  if (document) return mobile_node::read_kept_home_addresses(*document);
  if (document.error().error == ENOENT) return std::vector<mobile_node::KeptHomeAddress>{};
  return Unexpected{document.error().message};
}

Expected<void, std::string> KeptHomeAddressesFile::write(const std::string& document) const {
  std::error_code error;
  std::filesystem::create_directories(state_directory_, error);
  if (error) return Unexpected{"cannot make the state directory " + state_directory_.string() + ": " + error.message()};
  if (const auto kept = platform::write_sealed_file(file_, document); !kept) return Unexpected{kept.error().message};
  return {};
}

}  // namespace mipflow::mnd
