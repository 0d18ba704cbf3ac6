// SPDX-License-Identifier: GPL-3.0-or-later
// Writes what a home agent with many bindings keeps on disk, for restart.py:
//   kept_bindings FILE BINDINGS HOME_ADDRESSES_OF_EACH_MOBILE_NODE
#include <cstdlib>

#include "laboratory.hpp"
#include "mipflow/platform/binding_store.hpp"
#include "mipflow/platform/clock.hpp"
#include "mobile_nodes.hpp"

using namespace mipflow;
using namespace mipflow::benchmarks;

int main(int count, char** values) {
  if (count != 4) fail("kept_bindings FILE BINDINGS HOME_ADDRESSES_OF_EACH_MOBILE_NODE");
  const auto bindings = static_cast<unsigned>(std::atol(values[2]));
  const auto each = static_cast<unsigned>(std::atol(values[3]));
  const Now now = platform::read_clock();
  platform::StoredState state;
  for (unsigned i = 0; i < bindings; ++i)
    state.bindings.push_back({.home_address = home_address_of(i),
                              .care_of_address = kCareOf,
                              .primary_home_address = home_address_of(i - i % each),
                              .network_access_identifier = association_of(i / each).network_access_identifier,
                              .spi = association_of(i / each).spi,
                              .sequence = 1,
                              .last_timestamp = wire::ntp_timestamp(now.wall),
                              .wall_expiry = now.wall + std::chrono::hours{1}});
  platform::BindingStore store(values[1]);
  if (const auto saved = store.save(state); !saved) fail(saved.error().message);
  return 0;
}
