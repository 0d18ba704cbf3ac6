// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>

#include "mipflow/base/expected.hpp"
#include "mipflow/datapath/data_path.hpp"

namespace mipflow::datapath {

// What a DataPath has pinned stays pinned, whoever removes files of the bpf file system. The data path itself does not need its
// pins, and carries packets without; but the next daemon takes over by them, so without them it would begin with empty tables under
// live flows.
class PinKeeper {
 public:
  // Holds every object that is pinned below the directory. The error says what the kernel refused.
  static Expected<PinKeeper, Error> open(const std::string& pin_directory);
  PinKeeper(PinKeeper&&) noexcept;
  PinKeeper& operator=(PinKeeper&&) noexcept;
  // Keeps nothing any more and removes nothing. Has to go before the data path is opened again: with a directory that it had to make
  // anew it holds the lock that the data path wants.
  ~PinKeeper();

  // An inotify descriptor, readable when something below the directory was removed or renamed.
  int descriptor() const;
  // Reads what the descriptor tells, and forgets it. True when something is missing.
  bool is_loss();
  // Pins again what is missing, with the directories that it was in.
  Expected<void, Error> restore();

 private:
  struct Implementation;
  explicit PinKeeper(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mipflow::datapath
