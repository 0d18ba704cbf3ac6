// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>

#include "mipflow/base/bytes.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/home-agent/load_sharing.hpp"
#include "sharing/association.hpp"

namespace mipflow::home_agent {

// Opens what came from an agent, for both sides. Only what is believed comes back; the rest is counted and told to the
// operator, where he can do something about it, and gets the answer that it deserves.
std::optional<Association::Opened> receive(Association& association, const std::string& agent, BytesView message, TimePoint now,
                                           LoadSharingCounters& counters, Outputs& outputs);

// Seals and sends records, as many messages as they need. False when the other one's session is not known: nothing was
// sent, and what has to be repeated until it is answered is repeated when it is.
template <class Record>
bool send_records(Association& association, std::vector<Record> records, Outputs& outputs) {
  const std::size_t most = wire::most_records(wire::type_of(std::vector<Record>{}));
  for (auto first = records.begin(); first != records.end();) {
    const auto last = first + static_cast<std::ptrdiff_t>(std::min<std::size_t>(most, static_cast<std::size_t>(records.end() - first)));
    auto packet = association.seal(std::vector<Record>(first, last));
    if (!packet) return false;
    outputs.packets.push_back(std::move(*packet));
    first = last;
  }
  return true;
}

}  // namespace mipflow::home_agent
