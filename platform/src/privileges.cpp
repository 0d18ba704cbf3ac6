// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/privileges.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <utility>

namespace mipflow::platform {

namespace {

constexpr int kMostCapabilities = 64;

constexpr std::array<const char*, 41> kNames{
    "CHOWN",          "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER",         "FSETID",        "KILL",         "SETGID",
    "SETUID",         "SETPCAP",      "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN",    "NET_RAW",
    "IPC_LOCK",       "IPC_OWNER",    "SYS_MODULE",      "SYS_RAWIO",      "SYS_CHROOT",    "SYS_PTRACE",   "SYS_PACCT",
    "SYS_ADMIN",      "SYS_BOOT",     "SYS_NICE",        "SYS_RESOURCE",   "SYS_TIME",      "SYS_TTY_CONFIG", "MKNOD",
    "LEASE",          "AUDIT_WRITE",  "AUDIT_CONTROL",   "SETFCAP",        "MAC_OVERRIDE",  "MAC_ADMIN",    "SYSLOG",
    "WAKE_ALARM",     "BLOCK_SUSPEND", "AUDIT_READ",     "PERFMON",        "BPF",           "CHECKPOINT_RESTORE"};

using CapabilityWords = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

Result<Capabilities> permitted_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  CapabilityWords words{};
  if (::syscall(SYS_capget, &header, words.data()) != 0) return fail("cannot read the capabilities", errno);
  return Capabilities(std::uint64_t{words[1].permitted} << 32 | words[0].permitted);
}

Result<void> set_capabilities(Capabilities kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  CapabilityWords words{};
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i].effective = words[i].permitted = static_cast<std::uint32_t>(kept.bits() >> (32 * i));
  if (::syscall(SYS_capset, &header, words.data()) != 0) return fail("cannot give capabilities back", errno);
  return {};
}

// A program that were run could get nothing from there.
void empty_bounding_set() {
  for (int number = 0; number < kMostCapabilities; ++number) {
    // EPERM without CAP_SETPCAP: whoever started us so decides what the set holds.
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) return;
  }
}

Result<void> become(const ServiceUser& user) {
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return fail("cannot keep capabilities over a change of the user", errno);
  if (::setgroups(user.further_groups.size(), user.further_groups.data()) != 0)
    return fail("cannot become the user " + user.name + ": its groups cannot be set", errno);
  if (::setresgid(user.group, user.group, user.group) != 0)
    return fail("cannot become the user " + user.name + ": its group cannot be set", errno);
  if (::setresuid(user.user, user.user, user.user) != 0) return fail("cannot become the user " + user.name, errno);
  return {};
}

// There must be no way back.
Result<void> expect_dropped(const ServiceUser& user, Capabilities kept) {
  uid_t users[3]{};
  gid_t groups[3]{};
  if (::getresuid(&users[0], &users[1], &users[2]) != 0 || ::getresgid(&groups[0], &groups[1], &groups[2]) != 0)
    return fail("cannot tell which user this is", errno);
  for (int i = 0; i < 3; ++i)
    if (users[i] != user.user || groups[i] != user.group) return fail("the change to the user " + user.name + " has not taken place");
  if (!user.is_root() && ::setresuid(0, 0, 0) == 0) return fail("root could be had back after the change to the user " + user.name);
  const auto permitted = permitted_capabilities();
  if (!permitted) return Unexpected{permitted.error()};
  // What is permitted only could be made effective at any time.
  if (*permitted != kept || present_privileges().effective != kept) return fail("the capabilities are not those that were to be kept");
  return {};
}

}  // namespace

std::vector<std::string> Capabilities::names() const {
  std::vector<std::string> out;
  for (int number = 0; number < kMostCapabilities; ++number)
    if (has(number))
      out.push_back("CAP_" + (static_cast<std::size_t>(number) < kNames.size() ? kNames[static_cast<std::size_t>(number)] : std::to_string(number)));
  return out;
}

Privileges present_privileges() {
  Privileges out;
  out.user = name_of_user(::geteuid());
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::istringstream value(line.substr(colon + 1));
    const auto hexadecimal = [&] {
      std::uint64_t bits = 0;
      value >> std::hex >> bits;
      return Capabilities(bits);
    };
    const auto number = [&] {
      unsigned out_of = 0;
      value >> out_of;
      return out_of;
    };
    const std::string_view key = std::string_view(line).substr(0, colon);
    if (key == "CapEff") out.effective = hexadecimal();
    if (key == "CapBnd") out.bounding = hexadecimal();
    if (key == "NoNewPrivs") out.no_new_privileges = number() == 1;
    if (key == "Seccomp") out.system_calls_filtered = number() == 2;
  }
  return out;
}

Result<void> drop_privileges(const ServiceUser& user, Capabilities wanted) {
  const auto permitted = permitted_capabilities();
  if (!permitted) return Unexpected{permitted.error()};
  const Capabilities kept = *permitted & wanted;
  empty_bounding_set();
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  const ServiceUser target = ::geteuid() == 0 ? user : present_user();
  if (::geteuid() == 0)
    if (auto done = become(target); !done) return done;
  if (auto done = set_capabilities(kept); !done) return done;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail("cannot give new privileges up", errno);
  // Keys are in the memory: no core dump, and no look into it by other processes of the user.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail("cannot switch core dumps off", errno);
  return expect_dropped(target, kept);
}

}  // namespace mipflow::platform
