// SPDX-License-Identifier: GPL-3.0-or-later
#include "laboratory.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace mipflow::benchmarks {

void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

void shell(const std::string& command) {
  if (std::system(command.c_str()) != 0) fail("failed: " + command);
}

void enter_laboratory() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) fail(std::string("this needs root: unshare: ") + std::strerror(errno));
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 || ::mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) != 0)
    fail(std::string("cannot mount a bpf file system: ") + std::strerror(errno));
  shell("ip link set lo up");
  shell("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.forwarding=1");
}

double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::size_t resident_octets() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t kernel_octets() {
  std::ifstream file("/proc/meminfo");
  std::size_t sum = 0;
  for (std::string name, unit; file >> name;) {
    std::size_t kilobytes = 0;
    file >> kilobytes;
    std::getline(file, unit);
    if (name == "SUnreclaim:" || name == "Percpu:" || name == "VmallocUsed:") sum += kilobytes * 1024;
  }
  return sum;
}

}  // namespace mipflow::benchmarks
