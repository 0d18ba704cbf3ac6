// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <bpf/bpf.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "error.hpp"

namespace mipflow::datapath {

// A hash map of the kernel with its types. Does not own the descriptor.
template <class Key, class Value>
class Map {
 public:
  Map() = default;
  Map(int fd, const char* name) : fd_(fd), name_(name) {}

  // `flags` as of bpf_map_update_elem(). The value is replaced as a whole, as packets see it.
  Result set(const Key& key, const Value& value, std::uint64_t flags = BPF_ANY) const {
    const int error = bpf_map_update_elem(fd_, &key, &value, flags);
    if (error < 0) return failure(-error, std::string("cannot write to the data path's table ") + name_);
    return {};
  }
  // Nothing to erase is no error.
  Result erase(const Key& key) const {
    const int error = bpf_map_delete_elem(fd_, &key);
    if (error < 0 && error != -ENOENT) return failure(-error, std::string("cannot erase from the data path's table ") + name_);
    return {};
  }
  bool find(const Key& key, Value& value) const { return bpf_map_lookup_elem(fd_, &key, &value) == 0; }

  // Everything in it. What is changed meanwhile may be in it or not.
  std::vector<std::pair<Key, Value>> read_all() const {
    std::vector<std::pair<Key, Value>> out;
    for_each([&](const Key& key, const Value& value) { out.emplace_back(key, value); });
    return out;
  }
  // The same without keeping a copy: a home agent may have a million. A few thousand entries per system call.
  template <class Entry>
  void for_each(Entry&& entry) const {
    // A hash map hands out whole buckets only: with ENOSPC one is longer than the buffers.
    std::vector<Key> keys(4096);
    std::vector<Value> values(4096);
    std::uint32_t position = 0;
    bool first = true;
    for (;;) {
      std::uint32_t next = 0;
      auto count = static_cast<std::uint32_t>(keys.size());
      const int error = bpf_map_lookup_batch(fd_, first ? nullptr : &position, &next, keys.data(), values.data(), &count, nullptr);
      if (error == -ENOSPC && keys.size() < (1u << 20)) {
        keys.resize(keys.size() * 2);
        values.resize(values.size() * 2);
        continue;
      }
      if (error != 0 && error != -ENOENT) break;
      for (std::uint32_t i = 0; i < count; ++i) entry(keys[i], values[i]);
      if (error == -ENOENT) break;
      position = next;
      first = false;
    }
  }

 private:
  int fd_ = -1;
  const char* name_ = "";
};

}  // namespace mipflow::datapath
