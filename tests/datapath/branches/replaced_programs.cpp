// SPDX-License-Identifier: GPL-3.0-or-later
// Lets the tests of the data path run with other programs than those that are built in: with ones that count their branches
// (count_branches.py), or with ones that somebody has changed, to see which test notices (change_programs.py). Loaded in front of
// libbpf (LD_PRELOAD), of which it takes the place of two functions; the code under test knows nothing of it.
//
// MIPFLOW_TEST_PROGRAMS: a folder with mobile_node.bpf.o and so on; not set: the programs are those that are built in.
// MIPFLOW_TEST_COUNTERS: a folder for the counters of what ran, one file per program and process.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr const char* kCounters = ".data.branches";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "replaced_programs: %s\n", what.c_str());
  std::abort();
}

template <typename Function>
Function* behind(const char* name) {
  void* found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) fail(std::string("libbpf has no ") + name);
  return reinterpret_cast<Function*>(found);
}

// By what only this one has.
std::string name_of(const bpf_object* object) {
  if (bpf_object__find_program_by_name(object, "choose_for_connection") != nullptr) return "socket_addresses";
  if (bpf_object__find_program_by_name(object, "known_flow") != nullptr) return "mobile_node";
  return bpf_object__find_map_by_name(object, "tunnels") != nullptr ? "home_agent" : "correspondent_node";
}

// The counters of every object that was loaded. Programs may be attached, and count, when their object has long been closed: they
// are read at the end, and a descriptor keeps each until then.
class BranchCounters {
 public:
  BranchCounters() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) fail("getrlimit");
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  ~BranchCounters() {
    const std::string directory = environment("MIPFLOW_TEST_COUNTERS");
    if (directory.empty()) return;
    for (const auto& [name, total] : totals()) {
      std::ofstream file(directory + "/" + name + "." + std::to_string(::getpid()));
      for (const std::uint64_t counter : total) file << counter << "\n";
    }
  }
  void keep(const bpf_object* object) {
    const bpf_map* map = bpf_object__find_map_by_name(object, kCounters);
    if (map == nullptr) return;
    const int fd = ::dup(bpf_map__fd(map));
    if (fd < 0) fail("no descriptor is left for counters");
    kept_.push_back({name_of(object), fd, bpf_map__value_size(map) / sizeof(std::uint64_t)});
  }

 private:
  struct Kept {
    std::string name;
    int fd;
    std::size_t size;
  };
  std::map<std::string, std::vector<std::uint64_t>> totals() const {
    std::map<std::string, std::vector<std::uint64_t>> out;
    for (const auto& [name, fd, size] : kept_) {
      const std::uint32_t zero = 0;
      std::vector<std::uint64_t> counters(size);
      if (bpf_map_lookup_elem(fd, &zero, counters.data()) != 0) fail("cannot read the counters of " + name);
      std::vector<std::uint64_t>& total = out[name];
      total.resize(size);
      for (std::size_t i = 0; i < size; ++i) total[i] += counters[i];
    }
    return out;
  }
  std::vector<Kept> kept_;
};

BranchCounters branch_counters;

}  // namespace

extern "C" {

bpf_object* bpf_object__open_mem(const void* bytes, std::size_t size, const bpf_object_open_opts* options) {
  bpf_object* built_in = behind<decltype(bpf_object__open_mem)>("bpf_object__open_mem")(bytes, size, options);
  const std::string directory = environment("MIPFLOW_TEST_PROGRAMS");
  if (directory.empty() || built_in == nullptr) return built_in;
  const std::string file = directory + "/" + name_of(built_in) + ".bpf.o";
  bpf_object__close(built_in);
  return bpf_object__open_file(file.c_str(), nullptr);
}

int bpf_object__load(bpf_object* object) {
  // lent_path.cpp empties the arrays of one place between test cases, but not those that a process may map into its memory.
  if (bpf_map* counters = bpf_object__find_map_by_name(object, kCounters); counters != nullptr)
    bpf_map__set_map_flags(counters, BPF_F_MMAPABLE);
  const int error = behind<decltype(bpf_object__load)>("bpf_object__load")(object);
  if (error == 0) branch_counters.keep(object);
  return error;
}
}
