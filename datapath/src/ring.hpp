// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include "error.hpp"

struct ring_buffer;

namespace mipflow::datapath {

using RingRecord = std::variant<PacketReceived, FlowClosed, UnboundSource>;

// Reading end of the ring that the programs write signalling, ended flows and unbound sources to.
class Ring {
 public:
  static Expected<Ring, Error> open(int map_fd);

  int fd() const;
  // At most `limit` records, oldest first.
  Expected<std::vector<RingRecord>, Error> read(std::size_t limit);

 private:
  struct Batch {
    std::vector<RingRecord> records;
    std::size_t limit = 0;
  };
  struct Free {
    void operator()(ring_buffer* ring) const;
  };
  static int take(void* context, void* data, std::size_t size);

  std::unique_ptr<Batch> batch_;  // its address is the callback's context
  std::unique_ptr<ring_buffer, Free> ring_;
};

}  // namespace mipflow::datapath
