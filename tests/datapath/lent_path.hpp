// SPDX-License-Identifier: GPL-3.0-or-later
// Data paths for test cases. The kernel looks through the programs each time that they are loaded, which takes longer than most
// test cases; so one is lent to one test case after the other, empty each time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mipflow/datapath/data_path.hpp"

namespace mipflow::datapath {

// /sys/fs/bpf/mipflow/test for the mobile node, …/test-ha, …/test-cn.
std::string pin_directory_of(Role role);

// A data path with the options of options_for(), nothing set, all counters 0, attached to these interfaces.
std::unique_ptr<DataPath> borrow(Role role, const std::vector<std::string>& uplinks);
// What was borrowed, or another one that was opened in its place with the same options.
void give_back(Role role, std::unique_ptr<DataPath> path);
// Instead of giving it back: for test cases after which nobody knows what is attached where. False: something is left.
bool take_away(Role role, std::unique_ptr<DataPath> path);
// Takes away what waits for the next test case.
void clear_store();

}  // namespace mipflow::datapath
