// SPDX-License-Identifier: GPL-3.0-or-later
#include "lent_path.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "kernel_fixture.hpp"

namespace mipflow::datapath {

namespace {

struct Lent {
  Role role;
  std::unique_ptr<DataPath> path;
};
// One role at a time: the programs of several would see each other's packets on the same interfaces.
std::optional<Lent> in_store;

void must(const Expected<void, Error>& result) {
  if (!result) throw std::runtime_error(result.error().text);
}

// What the tables of the daemon hold, the daemon's way, so that it knows.
void empty_tables(DataPath& path) {
  for (const auto& [key, item] : path.flows()) must(path.erase_flow(key));
  for (const auto& [id, item] : path.bindings()) must(path.erase_binding(id));
  for (const auto& [address, item] : path.home_addresses()) must(path.erase_home_address(address));
  for (const auto& [address, item] : path.care_of_addresses()) must(path.erase_care_of_address(address));
  for (const auto& address : path.home_agents()) must(path.erase_home_agent(address));
  for (const auto& source : path.routing_header_sources()) must(path.erase_routing_header_source(source));
  for (const auto& [pair, item] : path.correspondent_bindings()) must(path.erase_correspondent_binding(pair));
  for (const auto& address : path.signalling_addresses()) must(path.erase_signalling_address(address));
  for (const auto& [address, item] : path.tunnels()) must(path.erase_tunnel(address));
  for (const auto& source : path.tunnel_sources()) must(path.erase_tunnel_source(source));
  for (const auto& watched : path.watched_addresses()) must(path.erase_watched_address(watched));
}

void empty_map(int fd) {
  bpf_map_info info{};
  std::uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(fd, &info, &length) != 0) throw std::runtime_error("cannot ask about a map");
  std::vector<std::uint8_t> key(info.key_size);
  if (info.type == BPF_MAP_TYPE_LRU_HASH && std::strcmp(info.name, "uplinks") != 0)  // these are attached still
    while (bpf_map_get_next_key(fd, nullptr, key.data()) == 0) bpf_map_delete_elem(fd, key.data());
  const auto processors = static_cast<std::size_t>(libbpf_num_possible_cpus());
  const std::vector<std::uint8_t> zeros((info.value_size + 7) / 8 * 8 * processors);
  if (info.type == BPF_MAP_TYPE_PERCPU_ARRAY)
    for (std::uint32_t i = 0; i < info.max_entries; ++i) bpf_map_update_elem(fd, &i, zeros.data(), BPF_ANY);
  // Variables and switches; not the tables that a daemon has in its memory.
  const bool is_switch = info.max_entries == 1 && (info.map_flags & BPF_F_MMAPABLE) == 0;
  if (info.type == BPF_MAP_TYPE_ARRAY && (is_switch || std::strstr(info.name, ".bss") != nullptr)) {
    const std::uint32_t zero = 0;
    bpf_map_update_elem(fd, &zero, zeros.data(), BPF_ANY);
  }
}

// What the programs remember by themselves: counters, fragments, whom the daemon was told of.
void forget(DataPath& path, Role role) {
  read_all(path);
  for (const int program : {attached_program(role, "mip0", false), attached_program(role, "wlan0", true)}) {
    std::uint32_t maps[64];
    bpf_prog_info info{};
    info.map_ids = reinterpret_cast<std::uintptr_t>(maps);
    info.nr_map_ids = std::size(maps);
    std::uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(program, &info, &length) != 0) throw std::runtime_error("cannot ask about a program");
    ::close(program);
    for (std::uint32_t i = 0; i < info.nr_map_ids; ++i) {
      const int map = bpf_map_get_fd_by_id(maps[i]);
      empty_map(map);
      ::close(map);
    }
  }
}

}  // namespace

std::string pin_directory_of(Role role) {
  switch (role) {
    case Role::MobileNode: return "/sys/fs/bpf/mipflow/test";
    case Role::HomeAgent: return "/sys/fs/bpf/mipflow/test-ha";
    case Role::CorrespondentNode: return "/sys/fs/bpf/mipflow/test-cn";
  }
  return {};
}

void clear_store() {
  if (in_store) take_away(in_store->role, std::move(in_store->path));
  in_store.reset();
}

std::unique_ptr<DataPath> borrow(Role role, const std::vector<std::string>& uplinks) {
  enter_laboratory();
  std::unique_ptr<DataPath> path;
  if (in_store && in_store->role == role) {
    path = std::move(in_store->path);
  } else {
    clear_store();
    auto opened = DataPath::open(options_for(role, pin_directory_of(role)));
    if (!opened) throw std::runtime_error(opened.error().text);
    path = std::move(*opened);
  }
  in_store.reset();
  std::vector<InterfaceIndex> wanted;
  for (const std::string& uplink : uplinks) wanted.push_back(interface_named(uplink.c_str()));
  const std::vector<InterfaceIndex> attached = path->uplinks();
  const auto among = [](const std::vector<InterfaceIndex>& all, InterfaceIndex one) { return std::ranges::find(all, one) != all.end(); };
  for (const InterfaceIndex uplink : attached)
    if (!among(wanted, uplink)) must(path->detach_uplink(uplink));
  for (const InterfaceIndex uplink : wanted)
    if (!among(attached, uplink)) must(path->attach_uplink(uplink));
  empty_tables(*path);
  forget(*path, role);
  return path;
}

void give_back(Role role, std::unique_ptr<DataPath> path) {
  if (path == nullptr) {
    take_away(role, nullptr);
    return;
  }
  in_store = Lent{role, std::move(path)};
}

bool take_away(Role role, std::unique_ptr<DataPath> path) {
  path.reset();
  return DataPath::remove_everything(pin_directory_of(role), role).has_value();
}

}  // namespace mipflow::datapath
