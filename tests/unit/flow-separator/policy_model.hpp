// SPDX-License-Identifier: GPL-3.0-or-later
// A policy as the random test wrote it, and the trivial way to find the class of a flow: one rule after the other, word by word
// what docs/policy.md says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mipflow/flow-separator/policy.hpp"

namespace mipflow::flow_separator::testing {

// Empty: does not ask.
struct ModelMatch {
  struct Time {
    std::vector<unsigned> days;  // empty: every day
    unsigned begin = 0;          // minutes
    unsigned end = 1440;
  };
  using Ranges = std::vector<std::pair<unsigned, unsigned>>;
  Ranges protocols, ports, local_ports, dscps, flow_labels, icmp_types, users, groups;
  std::vector<Prefix> peers;
  std::vector<unsigned> extension_headers;  // numbers of bits
  std::vector<std::string> programs, cgroups, units;
  std::vector<Time> times;

  bool accepts(const FlowAttributes& flow, std::optional<LocalTime> time) const;
  bool asks() const { return !text().empty(); }
  std::string text() const;  // the keys, one per line
};

struct ModelClass {
  std::string name;       // as the file writes it
  std::string full_name;
  PolicyLayer layer = PolicyLayer::Default;
  std::optional<std::uint32_t> user;
  Selectable selectable = Selectable::No;
  ModelMatch match;
  std::vector<ModelMatch> exceptions;

  bool accepts(const FlowAttributes& flow, std::optional<LocalTime> time) const;
  std::string text() const;
};

// The full name of the class of the flow.
std::string classify(const std::vector<ModelClass>& model, const FlowAttributes& flow, std::optional<LocalTime> time);

}  // namespace mipflow::flow_separator::testing
