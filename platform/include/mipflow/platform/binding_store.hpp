// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/file_descriptor.hpp"

namespace mipflow::platform {

// What a home agent has to have again after a restart.
struct StoredState {
  std::vector<home_agent::PersistedBinding> bindings;
  home_agent::PersistedServices services{};
  friend bool operator==(const StoredState&, const StoredState&) = default;
};

// What became of it since it was last written.
struct StoredChanges {
  home_agent::PersistedChanges bindings;
  std::optional<home_agent::PersistedServices> services{};  // all of them, when something about them changed
  bool empty() const { return bindings.empty() && !services; }
};

// The home agent's bindings and what its services gave out, on disk, as text:
//   mipflow-bindings 4
//   block <octets> <HMAC-SHA-256 of them, keyed with "mipflow-bindings">
//   …the octets: one JSON object per line: a binding, a lease ("leased_address"), the version of the policies
//   ("policy_version"), what is delegated to another home agent ("delegated_address"), what another one has delegated to
//   this one ("forwarded_address")…
//   …more blocks…
//   whole <number of blocks>
//   …blocks that were appended since: bindings in the place of older ones, the ends of bindings ("ended_address"), services in
//   the place of all before ("services": "anew")…
// A refresh so costs its own line, not the file. When more is appended than stands before it, the file is written anew: to a
// second file, synchronised, and renamed over the first.
//
// What is damaged is refused as a whole: bindings from a damaged file would send somebody's packets to the wrong place. The
// exception is the last block behind `whole`, which a power cut may have torn; it is left out, as nobody was told that it is
// written. Versions 1 (bindings only), 2 (nothing of other home agents) and 3 (one block, its digest in the first line) are
// read as well.
//
// One thread at a time.
class BindingStore {
 public:
  explicit BindingStore(std::filesystem::path file) : file_(std::move(file)) {}

  // Empty when there is no file.
  Result<StoredState> load();
  Result<void> save(const StoredState& state);
  // Only while can_append(): else, also behind a failure, there is nothing to append to, and save() is due.
  Result<void> append(const StoredChanges& changes);
  bool can_append() const { return static_cast<bool>(appended_to_); }

  // Octets of a torn block that the last load() left out.
  std::size_t torn_octets() const { return torn_octets_; }

 private:
  Result<void> open_for_appending(std::size_t whole_octets, std::size_t octets);
  Result<void> write_anew_when_long();

  std::filesystem::path file_;
  FileDescriptor appended_to_;      // none: cannot be appended to
  std::size_t whole_octets_ = 0;    // up to `whole`
  std::size_t octets_ = 0;          // of the file
  std::size_t torn_octets_ = 0;
};

}  // namespace mipflow::platform
