// SPDX-License-Identifier: GPL-3.0-or-later
// A program that gives its rights up as a daemon or one of its helpers does, and then tries what an intruder would.
//   confined_probe daemon|holders|groups|free USER FOLDER FOREIGN
// FOLDER is its own; in FOREIGN it has no business. "free" gives nothing up: then all has to work that the kernel knows at all.
// Prints a line for each attempt: its name and the errno, 0 when it was let.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "mipflow/platform/daemon_main.hpp"
#include "mipflow/platform/privileges.hpp"
#include "mipflow/platform/program_group_helper.hpp"
#include "mipflow/platform/socket_holders.hpp"

using namespace mipflow::platform;

namespace {

// Of a call that gives -1 when it is refused. What it opened is closed.
int of_call(long result) { return result < 0 ? errno : 0; }
int of_descriptor(int descriptor) {
  if (descriptor < 0) return errno;
  ::close(descriptor);
  return 0;
}

int try_to_create(const std::string& file) {
  const int error = of_descriptor(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  ::unlink(file.c_str());
  return error;
}

int try_tcp() {
  const int socket = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno;
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  address.sin6_port = htons(1);  // nobody is there: refused by the other end is as good as let
  const int error = of_call(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  ::close(socket);
  return error == ECONNREFUSED ? 0 : error;
}

int try_to_run() {
  const pid_t child = static_cast<pid_t>(::syscall(SYS_fork));
  if (child < 0) return errno;
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return 0;
}

int try_executable_memory() {
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return errno;
  const int error = of_call(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
  ::munmap(page, 4096);
  return error;
}

int try_to_mount(const std::string& folder) {
  const int error = of_call(::mount("none", folder.c_str(), "tmpfs", 0, nullptr));
  if (error == 0) ::umount(folder.c_str());
  return error;
}

int try_link(const std::string& to, const std::string& name) {
  const int error = of_call(::symlink(to.c_str(), name.c_str()));
  ::unlink(name.c_str());
  return error;
}

int try_ptrace(pid_t process) {
  const int error = of_call(::ptrace(PTRACE_ATTACH, process, nullptr, nullptr));
  if (error == 0) {
    ::waitpid(process, nullptr, 0);
    ::ptrace(PTRACE_DETACH, process, nullptr, nullptr);
  }
  return error;
}

struct Attempt {
  const char* name;
  std::function<int()> carry_out;
};

// `other`: a process of root's.
std::vector<Attempt> attempts(const std::string& own, const std::string& foreign, pid_t other) {
  const std::string memory = "/proc/" + std::to_string(other) + "/mem";
  return {
      {"create-own", [=] { return try_to_create(own + "/file"); }},
      {"create-foreign", [=] { return try_to_create(foreign + "/file"); }},
      {"create-etc", [] { return try_to_create("/etc/mipflow-confined-probe"); }},
      {"read-shadow", [] { return of_descriptor(::open("/etc/shadow", O_RDONLY | O_CLOEXEC)); }},
      {"read-passwd", [] { return of_descriptor(::open("/etc/passwd", O_RDONLY | O_CLOEXEC)); }},
      {"write-memory", [=] { return of_descriptor(::open(memory.c_str(), O_RDWR | O_CLOEXEC)); }},
      {"ptrace", [=] { return try_ptrace(other); }},
      {"signal", [=] { return of_call(::kill(other, SIGCONT)); }},
      {"fork", try_to_run},
      {"setuid", [] { return of_call(::syscall(SYS_setuid, 0)); }},
      {"mount", [=] { return try_to_mount(foreign); }},
      {"chroot", [] { return of_call(::chroot("/")); }},
      {"unshare", [] { return of_call(::unshare(CLONE_NEWUTS)); }},
      {"link", [=] { return try_link("/etc/shadow", own + "/link"); }},
      {"executable-memory", try_executable_memory},
      {"tcp", try_tcp},
      {"socket-netlink", [] { return of_descriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)); }},
      {"socket-vsock", [] { return of_descriptor(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0)); }},
      {"socket-alg", [] { return of_descriptor(::socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)); }},
      // What the filter lets through is then refused because there is nothing to look at, with rights or without.
      {"bpf", [] { return of_call(::syscall(SYS_bpf, BPF_OBJ_GET, nullptr, 0)) == EPERM ? EPERM : 0; }},
      {"io-uring", [] { return of_call(::syscall(SYS_io_uring_setup, 0, nullptr)) == EPERM ? EPERM : 0; }},
      {"keyring", [] { return of_call(::syscall(SYS_keyctl, 0, -3, 0)) == EPERM ? EPERM : 0; }},
      {"execute", [] {
         const char* const words[] = {"/bin/true", nullptr};
         ::execv("/bin/true", const_cast<char* const*>(words));
         return errno;
       }},
  };
}

Result<void> give_up(const std::string& as, const ServiceUser& user, const std::string& own, FileConfinement& confinement) {
  HelperProcess::Role role{"probe", user, kCapabilitiesOfAll, SystemCalls::Daemon, FileConfinement::Folders{}, {}};
  if (as == "holders") role = socket_holders_role(user);
  if (as == "groups") role = program_groups_role();
  if (auto done = drop_privileges(role.user, role.capabilities); !done) return done;
  if (role.files) {
    role.files->writable = {own};
    auto confined = FileConfinement::begin(*role.files);
    if (!confined) return mipflow::Unexpected{confined.error()};
    confinement = std::move(*confined);
  }
  return filter_system_calls(role.system_calls);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string as = argv[1], own = argv[3], foreign = argv[4];
  const pid_t other = ::getppid();
  // Before the drop: the helpers may not write to anything else, and a buffer wants fstat().
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  FileConfinement confinement;
  if (as != "free") {
    const auto user = find_service_user(argv[2]);
    if (!user) return 2;
    if (const auto done = give_up(as, *user, own, confinement); !done) {
      std::fprintf(stderr, "%s\n", done.error().message.c_str());
      return 1;
    }
    std::printf("landlock %d\n", confinement.is_in_force() ? 1 : 0);
  }
  for (const auto& attempt : attempts(own, foreign, other)) {
    const int error = attempt.carry_out();
    std::printf("%s %d\n", attempt.name, error);
  }
  return 0;
}
