// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "error.hpp"
#include "interface.hpp"

struct bpf_object;

namespace mipflow::datapath {

// From now on libbpf's warnings are kept for our own error messages instead of being written to standard error.
void keep_what_libbpf_says();
// An error with what libbpf said since then, and what this errno means when programs are loaded.
Unexpected<Error> load_failure(int code, std::string_view what);

// The eBPF object of a role in the kernel: programs verified and loaded, maps pinned below the pin directory or taken
// over from there.
class LoadedPrograms {
 public:
  // Pinned maps are taken over when all of them are there and have the sizes that `options` ask for; otherwise all are
  // made anew. The directory has to exist.
  static Expected<LoadedPrograms, Error> load(const Options& options, const Interface& mip0);

  LoadedPrograms(LoadedPrograms&&) noexcept;
  LoadedPrograms& operator=(LoadedPrograms&&) noexcept;
  ~LoadedPrograms();

  int map_fd(const char* name) const;      // -1: the role has no such map
  int program_fd(const char* name) const;  // -1: the role has no such program
  // Takes over the maps of the daemon before this one.
  bool maps_taken_over() const { return taken_over_; }

 private:
  struct CloseObject {
    void operator()(bpf_object* object) const;
  };
  std::unique_ptr<bpf_object, CloseObject> object_;
  bool taken_over_ = false;

  LoadedPrograms() = default;
};

}  // namespace mipflow::datapath
