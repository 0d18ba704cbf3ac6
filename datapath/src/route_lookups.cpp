// SPDX-License-Identifier: GPL-3.0-or-later
#include "route_lookups.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "file_descriptor.hpp"

namespace mipflow::datapath {

namespace {

// One per interface of the process's network namespace, and "all" and "default".
const std::filesystem::path kSettings = "/proc/sys/net/ipv6/conf";

char read_setting(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char out = 0;
  if (!file || ::read(file.get(), &out, 1) != 1) return 0;
  return out;
}

// 0 or an errno.
int write_setting(const std::filesystem::path& path, char value) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), &value, 1) != 1) return errno;
  return 0;
}

}  // namespace

Result allow_route_lookups(const Interface& mip0) {
  const auto forwarding = kSettings / mip0.name / "forwarding";
  if (read_setting(forwarding) == '1') return {};

  std::vector<std::filesystem::path> switched;
  std::error_code ignored;
  for (const auto& interface : std::filesystem::directory_iterator(kSettings, ignored)) {
    const auto accept_advertisements = interface.path() / "accept_ra";
    if (interface.path().filename() == "all" || interface.path().filename() == "default" ||
        read_setting(accept_advertisements) != '1')
      continue;
    if (write_setting(accept_advertisements, '2') == 0) switched.push_back(accept_advertisements);
  }
  const int error = write_setting(forwarding, '1');
  for (const auto& accept_advertisements : switched) write_setting(accept_advertisements, '1');
  if (error != 0)
    return failure(error, "cannot write " + forwarding.string(), "it lets the data path's programs ask for routes: run as root, with /proc/sys writable");
  return {};
}

}  // namespace mipflow::datapath
