// SPDX-License-Identifier: GPL-3.0-or-later
// Whom the daemons become, and who may ask them.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "mipflow/platform/failure.hpp"

namespace mipflow::platform {

inline constexpr const char* kServiceUser = "_mipflow";    // its group has the same name, and may read the keys
inline constexpr const char* kOperatorsGroup = "mipflow";  // may ask the daemons, and may not read the keys

struct ServiceUser {
  std::string name;  // for people
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> further_groups;  // that of the operators, so that the control socket can be given to it; empty without one

  bool is_root() const { return user == 0; }
};

// `wanted`: a name; numbers like "990" or "990:991" (user and group), which need stand in no list of users; "" for kServiceUser,
// or where there is none, for root.
Result<ServiceUser> find_service_user(const std::string& wanted);
// The user that this process is now.
ServiceUser present_user();

// nullopt when there is no such group.
std::optional<gid_t> group_named(const std::string& name);
// The group that may read files with keys which belong to root: that of this process, or for root kServiceUser's. nullopt: none.
std::optional<gid_t> group_of_keys();
// "_mipflow", or the number where it has no name.
std::string name_of_user(uid_t user);
std::string name_of_group(gid_t group);

}  // namespace mipflow::platform
