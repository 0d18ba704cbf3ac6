// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "care_of.hpp"
#include "mipflow/base/time.hpp"

namespace mipflow::mobile_node {

// Path MTU from each care-of address to the home agent, RFC 8201: what Packet Too Big messages told, forgotten after ten
// minutes so that a better path is found again.
class PathMtu {
 public:
  static constexpr std::uint32_t kSmallest = 1280;                     // RFC 8200 §5: every link carries that
  static constexpr Duration kForgetAfter = std::chrono::minutes{10};   // RFC 8201 §4

  // True when the path MTU is smaller now. A value below 1280 is no valid report (RFC 8201 §4).
  bool reported(const CareOf& care_of, std::uint32_t mtu, std::uint32_t link_mtu, TimePoint now);
  // Of the path, at most that of the link.
  std::uint32_t of(const CareOf& care_of, std::uint32_t link_mtu) const;
  // Forgets old reports; true when there were some.
  bool on_deadline(TimePoint now);
  TimePoint next_deadline() const;

 private:
  struct Report {
    CareOf care_of;
    std::uint32_t mtu;
    TimePoint until;
  };
  std::map<InterfaceIndex, Report> reports_;
};

}  // namespace mipflow::mobile_node
