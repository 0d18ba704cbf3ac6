// SPDX-License-Identifier: GPL-3.0-or-later
#include "loaded_programs.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

#include "file_descriptor.hpp"
#include "layout.h"

// Generated; they use the types of layout.h.
#include <correspondent_node.skel.h>
#include <home_agent.skel.h>
#include <mobile_node.skel.h>

namespace mipflow::datapath {

namespace {

// What libbpf wrote: its return values alone do not say which map or program was refused and why. The verifier's reason
// stands at the end.
thread_local std::string libbpf_says;
constexpr std::size_t kKept = 2048;

int remember(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  char line[16384];
  std::vsnprintf(line, sizeof line, format, arguments);
  libbpf_says += line;
  if (libbpf_says.size() > kKept) libbpf_says.erase(0, libbpf_says.size() - kKept);
  return 0;
}

const void* programs_of(Role role, std::size_t* size) {
  switch (role) {
    case Role::MobileNode: return mobile_node__elf_bytes(size);
    case Role::HomeAgent: return home_agent__elf_bytes(size);
    case Role::CorrespondentNode: return correspondent_node__elf_bytes(size);
  }
  return nullptr;
}

std::optional<std::uint32_t> capacity_of(std::string_view map, const Options& options) {
  if (map == "departures") return options.flow_capacity + options.flow_capacity / kFlowsPerFurtherKey;
  if (map == "arrivals" || map == "activity") return options.flow_capacity;
  if (map == "bindings" || map == "routing_header_sources") return options.binding_capacity;
  if (map == "correspondent_bindings") return options.correspondent_capacity;
  if (map == "home_addresses" || map == "care_of_addresses" || map == "home_agents" || map == "signalling_addresses")
    return options.address_capacity;
  // The care-of address before the present one is accepted for a moment too.
  if (map == "tunnels" || map == "tunnel_activity" || map == "watched_addresses") return options.tunnel_capacity;
  if (map == "tunnel_sources") return options.tunnel_capacity * 2;
  if (map == "ring") return options.ring_octets;
  return std::nullopt;
}

// Maps with a dot are sections of the object (settings, constants): they belong to one load only.
bool is_pinned(const bpf_map* map) { return bpf_map__name(map)[0] != '.' && std::strchr(bpf_map__name(map), '.') == nullptr; }

std::string pin_path(const std::string& directory, const bpf_map* map) { return directory + "/" + bpf_map__name(map); }

bool fits(const bpf_map* map, int pinned_fd) {
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  return bpf_obj_get_info_by_fd(pinned_fd, &info, &length) == 0 && info.type == bpf_map__type(map) &&
         info.key_size == bpf_map__key_size(map) && info.value_size == bpf_map__value_size(map) &&
         info.max_entries == bpf_map__max_entries(map) && info.map_flags == bpf_map__map_flags(map);
}

// All or nothing: flows that point into bindings of another daemon would send packets anywhere.
bool take_over_maps(bpf_object* object, const std::string& directory) {
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    if (!is_pinned(map)) continue;
    const FileDescriptor pinned(bpf_obj_get(pin_path(directory, map).c_str()));
    if (!pinned || !fits(map, pinned.get())) return false;
  }
  bpf_object__for_each_map(map, object) {
    if (!is_pinned(map)) continue;
    const FileDescriptor pinned(bpf_obj_get(pin_path(directory, map).c_str()));
    if (!pinned || bpf_map__reuse_fd(map, pinned.get()) != 0) return false;
  }
  return true;
}

Result pin_maps(bpf_object* object, const std::string& directory) {
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    if (!is_pinned(map)) continue;
    const std::string path = pin_path(directory, map);
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    if (const int error = bpf_map__pin(map, path.c_str()); error != 0)
      return failure(-error, "cannot pin the data path's table " + path);
  }
  return {};
}

}  // namespace

void keep_what_libbpf_says() {
  libbpf_set_print(remember);
  libbpf_says.clear();
}

Unexpected<Error> load_failure(int code, std::string_view what) {
  std::string hint;
  if (code == EPERM) hint = "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed: run as root; ";
  if (code == EACCES || code == EINVAL) hint = "this kernel's verifier refuses the program: please report this; ";
  if (!libbpf_says.empty()) hint += "libbpf: " + libbpf_says;
  return failure(code, what, hint);
}

void LoadedPrograms::CloseObject::operator()(bpf_object* object) const { bpf_object__close(object); }
LoadedPrograms::LoadedPrograms(LoadedPrograms&&) noexcept = default;
LoadedPrograms& LoadedPrograms::operator=(LoadedPrograms&&) noexcept = default;
LoadedPrograms::~LoadedPrograms() = default;

Expected<LoadedPrograms, Error> LoadedPrograms::load(const Options& options, const Interface& mip0) {
  keep_what_libbpf_says();
  // The version is part of the path: maps of another version are not even looked at.
  const std::string maps = options.pin_directory + "/maps-" + std::to_string(MIPFLOW_LAYOUT_VERSION);

  for (bool take_over : {true, false}) {
    std::size_t size = 0;
    const void* bytes = programs_of(options.role, &size);
    LoadedPrograms loaded;
    loaded.object_.reset(bpf_object__open_mem(bytes, size, nullptr));
    if (!loaded.object_) return load_failure(errno, "cannot read the data path's programs");

    bpf_map* map;
    bpf_object__for_each_map(map, loaded.object_.get()) {
      if (const auto capacity = capacity_of(bpf_map__name(map), options)) bpf_map__set_max_entries(map, *capacity);
    }
    mipflow_settings settings{};
    settings.mip0 = options.mip0;
    settings.path_mtu_lifetime_ns = static_cast<std::uint64_t>(options.path_mtu_lifetime.count());
    std::memcpy(settings.mip0_link_layer, mip0.link_layer.data(), sizeof settings.mip0_link_layer);
    bpf_map* constants = bpf_object__find_map_by_name(loaded.object_.get(), ".rodata.settings");
    if (constants == nullptr || bpf_map__set_initial_value(constants, &settings, sizeof settings) != 0)
      return load_failure(EINVAL, "cannot set the data path's settings");

    if (take_over) {
      if (!take_over_maps(loaded.object_.get(), maps)) continue;
      loaded.taken_over_ = true;
    }
    if (const int error = bpf_object__load(loaded.object_.get()); error != 0)
      return load_failure(-error, "cannot load the data path's programs into the kernel");
    if (!take_over) {
      // What another version or other capacities left is of no use to anybody.
      std::error_code ignored;
      for (const auto& entry : std::filesystem::directory_iterator(options.pin_directory, ignored))
        if (entry.is_directory()) std::filesystem::remove_all(entry.path(), ignored);
      if (!std::filesystem::create_directory(maps, ignored)) return failure(ignored.value(), "cannot make " + maps);
      if (auto pinned = pin_maps(loaded.object_.get(), maps); !pinned) return Unexpected{pinned.error()};
    }
    return loaded;
  }
  return failure(EINVAL, "cannot load the data path's programs");
}

int LoadedPrograms::map_fd(const char* name) const { return bpf_object__find_map_fd_by_name(object_.get(), name); }

int LoadedPrograms::program_fd(const char* name) const {
  const bpf_program* program = bpf_object__find_program_by_name(object_.get(), name);
  return program == nullptr ? -1 : bpf_program__fd(program);
}

}  // namespace mipflow::datapath
