// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/service_user.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <limits>

namespace mipflow::platform {

namespace {

constexpr std::size_t kLongestEntry = 65'536;  // octets; a group with thousands of members

struct Numbers {
  uid_t user = 0;
  gid_t group = 0;
};

// "990" or "990:991". The largest number means "nobody in particular" to the kernel's calls.
std::optional<Numbers> numbers_in(const std::string& text) {
  const auto number = [](std::string_view digits) -> std::optional<uid_t> {
    uid_t out = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (error != std::errc{} || end != digits.data() + digits.size() || out == std::numeric_limits<uid_t>::max()) return std::nullopt;
    return out;
  };
  const std::string_view view = text;
  const auto colon = view.find(':');
  const auto user = number(view.substr(0, colon));
  const auto group = colon == std::string_view::npos ? user : number(view.substr(colon + 1));
  if (!user || !group) return std::nullopt;
  return Numbers{*user, *group};
}

std::optional<Numbers> user_named(const std::string& name) {
  std::vector<char> buffer(kLongestEntry);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return std::nullopt;
  return Numbers{entry.pw_uid, entry.pw_gid};
}

ServiceUser with_operators(std::string name, const Numbers& numbers) {
  ServiceUser out{.name = std::move(name), .user = numbers.user, .group = numbers.group, .further_groups = {}};
  if (const auto operators = group_named(kOperatorsGroup); operators && *operators != out.group) out.further_groups.push_back(*operators);
  return out;
}

}  // namespace

Result<ServiceUser> find_service_user(const std::string& wanted) {
  if (const auto numbers = numbers_in(wanted)) return with_operators(wanted, *numbers);
  const std::string name = wanted.empty() ? kServiceUser : wanted;
  if (const auto found = user_named(name)) return with_operators(name, *found);
  if (wanted.empty()) return with_operators(name_of_user(0), Numbers{});
  return fail("there is no user " + wanted + " (--user); make it with systemd-sysusers or 'adduser --system --group', or name another one");
}

ServiceUser present_user() { return with_operators(name_of_user(::geteuid()), {::geteuid(), ::getegid()}); }

std::optional<gid_t> group_named(const std::string& name) {
  std::vector<char> buffer(kLongestEntry);
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return std::nullopt;
  return entry.gr_gid;
}

std::optional<gid_t> group_of_keys() { return ::geteuid() == 0 ? group_named(kServiceUser) : ::getegid(); }

std::string name_of_user(uid_t user) {
  std::vector<char> buffer(kLongestEntry);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return std::to_string(user);
  return entry.pw_name;
}

std::string name_of_group(gid_t group) {
  std::vector<char> buffer(kLongestEntry);
  ::group entry{};
  ::group* found = nullptr;
  if (::getgrgid_r(group, &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return std::to_string(group);
  return entry.gr_name;
}

}  // namespace mipflow::platform
