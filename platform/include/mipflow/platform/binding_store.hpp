// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <vector>

#include "mipflow/home-agent/home_agent.hpp"
#include "mipflow/platform/failure.hpp"

namespace mipflow::platform {

// The home agent's bindings on disk:
//   mipflow-bindings 1 <number of bindings> <HMAC-SHA-256 of what follows, keyed with the first word>
//   one JSON object per line
// Written to a second file, synchronised, and renamed over the first, so that there is always a whole one. A file whose
// digest is wrong is refused as a whole: a binding from a torn file would send somebody's packets to the wrong place.
class BindingStore {
 public:
  explicit BindingStore(std::filesystem::path file) : file_(std::move(file)) {}

  // An empty list when there is no file.
  Result<std::vector<home_agent::PersistedBinding>> load() const;
  Result<void> save(const std::vector<home_agent::PersistedBinding>& bindings) const;

 private:
  std::filesystem::path file_;
};

}  // namespace mipflow::platform
