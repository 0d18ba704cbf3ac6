// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

#include "mipflow/datapath/data_path.hpp"
#include "mipflow/platform/failure.hpp"
#include "mipflow/platform/plan_changes.hpp"

namespace mipflow::platform {

// Carries the plan's tables into the maps of the data path. The counterpart of KernelTables. The addresses that a mobile
// node watches are not among them: its data path knows none, see NeighbourListener.
class DataPathTables {
 public:
  DataPathTables(datapath::DataPath& data_path, datapath::Role role) : data_path_(data_path), role_(role) {}

  void add(const PlanChanges& changes, std::vector<Failure>& refused);
  void remove(const PlanChanges& changes, std::vector<Failure>& refused);

  // What the maps lack of the plan, and what they hold more, as changes for add() and remove().
  PlanChanges difference(const forwarding::ForwardingPlan& plan) const;

 private:
  datapath::DataPath& data_path_;
  datapath::Role role_;
};

}  // namespace mipflow::platform
