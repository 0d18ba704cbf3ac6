// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "doctor.hpp"

namespace mipflow::tools {
namespace {

using enum Finding::Result;

struct NeededModule {
  const char* name;
  const char* option;  // of the kernel's configuration
  const char* purpose;
  bool mobile_node_only;
};
constexpr NeededModule kModules[] = {
    {"sch_ingress", "CONFIG_NET_SCH_INGRESS", "clsact, where the data path is attached", false},
    {"cls_bpf", "CONFIG_NET_CLS_BPF", "the data path itself", false},
    {"act_mirred", "CONFIG_NET_ACT_MIRRED", "packets that are handed to mip0", false},
    {"nf_tables", "CONFIG_NF_TABLES", "the rules that find first packets", true},
    {"nfnetlink_queue", "CONFIG_NETFILTER_NETLINK_QUEUE", "first packets of flows on their way to the daemon", true},
    {"xt_bpf", "CONFIG_NETFILTER_XT_MATCH_BPF", "the question whether a flow is known", true},
    {"dummy", "CONFIG_DUMMY", "the device mip0", false},
};

Finding examine_ipv6(const Host& host) {
  if (!host.has("proc/sys/net/ipv6"))
    return {"IPv6", Error, "the kernel has none, or it is turned off",
            "remove ipv6.disable=1 from the kernel's command line and boot again"};
  if (const auto off = host.read("proc/sys/net/ipv6/conf/all/disable_ipv6"); off && off->starts_with("1"))
    return {"IPv6", Error, "it is turned off for all interfaces", "sysctl net.ipv6.conf.all.disable_ipv6=0"};
  return {"IPv6", Good, "is on", ""};
}

Finding examine_bpf(const Host& host) {
  // Only the host's own network namespace shows how programs are run; that they can be, every one does.
  const auto jit = host.read("proc/sys/net/core/bpf_jit_enable");
  if (!jit && !host.has("proc/sys/kernel/unprivileged_bpf_disabled"))
    return {"eBPF", Error, "the kernel can not run it", "use a kernel with CONFIG_BPF_SYSCALL and CONFIG_BPF_JIT"};
  if (!jit) return {"eBPF", Good, "is there", ""};
  if (jit->starts_with("0"))
    return {"eBPF", Warning, "its programs are interpreted, which is slow", "sysctl net.core.bpf_jit_enable=1"};
  return {"eBPF", Good, "is there and compiled", ""};
}

Finding examine_btf(const Host& host) {
  if (host.has("sys/kernel/btf/vmlinux")) return {"BTF", Good, "the kernel describes its types", ""};
  return {"BTF", Warning, "the kernel does not describe its types (BTF); some of its messages about eBPF are harder to read",
          "nothing has to be done; kernels with CONFIG_DEBUG_INFO_BTF have it"};
}

// A line of /proc/mounts: device, place, type, ...
bool is_mounted(const Host& host, const std::string& place, const std::string& type) {
  std::istringstream mounts(host.read("proc/mounts").value_or(""));
  for (std::string device, where, what, rest; mounts >> device >> where >> what && std::getline(mounts, rest);)
    if (what == type && (place.empty() || where == place)) return true;
  return false;
}

std::vector<Finding> examine_mounts(const Host& host) {
  std::vector<Finding> out;
  if (is_mounted(host, "/sys/fs/bpf", "bpf")) out.push_back({"BPF file system", Good, "is mounted at /sys/fs/bpf", ""});
  else
    out.push_back(
        {"BPF file system", Error, "is not mounted, so flows can not outlive their daemon", "mount -t bpf bpf /sys/fs/bpf"});
  if (is_mounted(host, "", "cgroup2")) out.push_back({"cgroup v2", Good, "is mounted", ""});
  else
    out.push_back({"cgroup v2", Warning,
                   "is not mounted: applications do not see their home address, and rules can not name units",
                   "boot with systemd.unified_cgroup_hierarchy=1, or: mount -t cgroup2 none /sys/fs/cgroup"});
  return out;
}

std::vector<Finding> examine_modules(const Host& host) {
  std::vector<Finding> out;
  std::string unseen;
  for (const auto& module : kModules) {
    const auto there = host.has_module(module.name);
    if (!there)
      unseen += (unseen.empty() ? "" : ", ") + std::string(module.name);
    else if (*there)
      out.push_back({module.name, Good, fmt::format("is there: {}", module.purpose), ""});
    else
      out.push_back({module.name, module.mobile_node_only ? Warning : Error,
                     fmt::format("is missing{}: {}", module.mobile_node_only ? ", which a mobile node needs" : "", module.purpose),
                     fmt::format("use a kernel with {}, or install the package that brings the module (linux-modules-extra on Ubuntu)",
                                 module.option)});
  }
  if (!unseen.empty())
    out.push_back({"kernel modules", Unknown,
                   fmt::format("the kernel's list of them is not to be seen here (a container?): {}", unseen),
                   "a daemon that lacks one says so when it starts"});
  return out;
}

}  // namespace

const char* to_string(Finding::Result result) {
  switch (result) {
    case Good: return "good";
    case Warning: return "warning";
    case Error: return "error";
    case Unknown: return "unknown";
  }
  return "unknown";
}

std::optional<std::string> Host::read(const std::string& path) const {
  std::ifstream in(root / path, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool Host::has(const std::string& path) const {
  std::error_code error;
  return std::filesystem::exists(root / path, error);
}

std::optional<bool> Host::has_module(const std::string& name) const {
  if (has("sys/module/" + name)) return true;
  const auto folder = "lib/modules/" + kernel_release;
  const auto built_in = read(folder + "/modules.builtin");
  const auto loadable = read(folder + "/modules.dep");
  if (!built_in && !loadable) return std::nullopt;
  // A line names a file: kernel/net/sched/sch_ingress.ko, perhaps compressed. Its name has - where the module has _.
  auto dashed = name;
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  for (const auto& list : {built_in.value_or(""), loadable.value_or("")})
    for (const auto& file : {"/" + name + ".ko", "/" + dashed + ".ko"})
      if (list.find(file) != std::string::npos) return true;
  return false;
}

std::vector<Finding> examine_kernel(const Host& host) {
  std::vector<Finding> out{examine_ipv6(host), examine_bpf(host), examine_btf(host)};
  for (auto&& part : {examine_mounts(host), examine_modules(host)}) out.insert(out.end(), part.begin(), part.end());
  return out;
}

}  // namespace mipflow::tools
