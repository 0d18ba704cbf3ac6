// SPDX-License-Identifier: GPL-3.0-or-later
// The filter of system calls (seccomp). What stands here is all that is left: a new call of a new C library is refused with EPERM until
// it stands here as well, and the kernel's log says which one it was (audit type 1326).
#include <linux/prctl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <span>
#include <string>

#include "mipflow/platform/privileges.hpp"

namespace mipflow::platform {

namespace {

constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr std::uint64_t kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;

// Every process: its memory, its time, its end, and descriptors that are open.
constexpr const char* kOfAll[] = {
    "brk", "munmap", "mremap", "madvise", "futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "membarrier",
    "exit", "exit_group", "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
    "clock_gettime", "clock_getres", "gettimeofday", "time", "clock_nanosleep", "nanosleep", "getrandom", "uname", "sysinfo",
    "read", "readv", "pread64", "preadv", "write", "writev", "close", "lseek", "fstat", "fcntl", "poll", "ppoll",
    "recvmsg", "recvfrom", "sendmsg", "sendto"};

// Looking at files that the user may read.
constexpr const char* kLooking[] = {
    "stat", "lstat", "newfstatat", "statx", "statfs", "fstatfs", "readlink", "readlinkat", "access", "faccessat", "faccessat2",
    "getdents64", "getcwd", "getxattr", "lgetxattr", "fgetxattr"};

constexpr const char* kFolders[] = {"mkdir", "mkdirat", "rmdir", "unlink", "unlinkat"};

// Changing them; where, Landlock and the file modes say.
constexpr const char* kFiles[] = {
    "rename", "renameat", "renameat2", "pwrite64", "pwritev", "ftruncate", "fallocate", "fsync", "fdatasync", "flock",
    "chmod", "fchmod", "fchmodat", "chown", "lchown", "fchown", "fchownat", "umask"};

constexpr const char* kEvents[] = {
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "pipe2", "pselect6", "select", "dup", "dup3",
    "timerfd_create", "timerfd_settime", "timerfd_gettime", "inotify_init1", "inotify_add_watch", "inotify_rm_watch"};

constexpr const char* kSockets[] = {"bind", "connect", "listen", "accept", "accept4", "getsockname", "getpeername",
                                    "getsockopt", "setsockopt", "sendmmsg", "recvmmsg", "shutdown"};

// The data path; which user and limits there are; the end of the helpers.
constexpr const char* kOfDaemon[] = {"bpf", "getresuid", "getresgid", "getgroups", "capget", "getrlimit", "wait4"};

constexpr const char* kOfProgramGroups[] = {"setxattr"};

constexpr int kFamilies[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};

// Of sockets; none that reaches a terminal.
constexpr unsigned long kControls[] = {FIONBIO, FIONREAD, TCGETS, SIOCETHTOOL, SIOCGIFHWADDR, SIOCGIFMTU, SIOCGIFNAME, SIOCGIFINDEX, SIOCGIFFLAGS};

class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(EPERM)), ::seccomp_release) {}
  bool is_open() const { return context_ != nullptr; }

  // A call that this architecture or library does not have needs no rule.
  void allow(const char* name) { add(name, SCMP_ACT_ALLOW, {}); }
  void allow_all(std::span<const char* const> names) {
    for (const char* name : names) allow(name);
  }
  void allow(const char* name, std::initializer_list<scmp_arg_cmp> when) { add(name, SCMP_ACT_ALLOW, when); }
  // As a kernel that does not have it would answer, so that the C library takes the older call, into which the filter can look.
  void deny_as_missing(const char* name) { add(name, SCMP_ACT_ERRNO(ENOSYS), {}); }

  Result<void> load() {
    if (error_ != 0) return fail("cannot make the filter of system calls", -error_);
    // drop_privileges() has done it; a filter without it needs CAP_SYS_ADMIN.
    ::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_NNP, 0);
    // Linux 4.14 and later can; the others say nothing.
    ::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_LOG, 1);
    if (const int error = ::seccomp_load(context_.get()); error != 0)
      return fail("cannot filter the system calls; the kernel needs CONFIG_SECCOMP_FILTER", -error);
    return {};
  }

 private:
  void add(const char* name, std::uint32_t action, std::initializer_list<scmp_arg_cmp> when) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || error_ != 0) return;
    error_ = ::seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(when.size()), when.begin());
  }

  std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
  int error_ = 0;
};

scmp_arg_cmp bits_unset(unsigned argument, std::uint64_t bits) { return {argument, SCMP_CMP_MASKED_EQ, bits, 0}; }
scmp_arg_cmp equal(unsigned argument, std::uint64_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }

// Nothing becomes code that was data.
void allow_memory(Filter& filter) {
  filter.allow("mmap", {bits_unset(2, PROT_EXEC)});
  filter.allow("mmap", {bits_unset(2, PROT_WRITE)});
  filter.allow("mprotect", {bits_unset(2, PROT_EXEC)});
  filter.allow("tgkill", {equal(0, static_cast<std::uint64_t>(::getpid()))});  // abort()
}

void allow_reading(Filter& filter) {
  filter.allow_all(kLooking);
  filter.allow("open", {bits_unset(1, kWriting)});
  filter.allow("openat", {bits_unset(2, kWriting)});
}

void allow_daemon(Filter& filter) {
  filter.allow_all(kLooking);
  filter.allow_all(kFolders);
  filter.allow_all(kFiles);
  filter.allow_all(kEvents);
  filter.allow_all(kSockets);
  filter.allow_all(kOfDaemon);
  filter.allow("open");
  filter.allow("openat");
  for (const int family : kFamilies) filter.allow("socket", {equal(0, static_cast<std::uint64_t>(family))});
  filter.allow("socketpair", {equal(0, AF_UNIX)});
  for (const unsigned long control : kControls) filter.allow("ioctl", {equal(1, control)});
  // Threads, and neither processes nor namespaces.
  filter.allow("clone", {{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD | kNamespaces, CLONE_THREAD}});
  filter.deny_as_missing("clone3");
  filter.allow("prctl", {equal(0, PR_SET_NAME)});
  filter.allow("prctl", {equal(0, PR_SET_VMA)});  // how the C library names its memory
  filter.allow("prctl", {equal(0, PR_CAPBSET_READ)});
  filter.allow("prlimit64", {equal(0, 0)});
}

}  // namespace

Result<void> filter_system_calls(SystemCalls left) {
  Filter filter;
  if (!filter.is_open()) return fail("cannot make the filter of system calls");
  filter.allow_all(kOfAll);
  allow_memory(filter);
  switch (left) {
    case SystemCalls::Daemon:
      allow_daemon(filter);
      break;
    case SystemCalls::SocketHolders:
      allow_reading(filter);
      break;
    case SystemCalls::ProgramGroups:
      allow_reading(filter);
      filter.allow_all(kFolders);
      filter.allow_all(kOfProgramGroups);
      // Files that are there; Landlock says where.
      filter.allow("openat", {bits_unset(2, kWriting & ~std::uint64_t{O_WRONLY})});
      break;
  }
  return filter.load();
}

}  // namespace mipflow::platform
