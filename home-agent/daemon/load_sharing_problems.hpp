// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "mipflow/home-agent/load_sharing.hpp"

namespace mipflow::had {

// What is wrong between this home agent and those that share its load, as sentences that say what to do. `port_trouble`: why
// the port is not open; empty: it is.
std::vector<std::string> load_sharing_problems(const home_agent::LoadSharing& configuration, const std::vector<home_agent::AgentSnapshot>& agents,
                                               const home_agent::LoadSharingCounters& counters, const std::string& port_trouble);

// "ha2: serving, 12 home addresses", in the order of the configuration.
std::vector<std::string> agents_in_words(const std::vector<home_agent::AgentSnapshot>& agents);

}  // namespace mipflow::had
