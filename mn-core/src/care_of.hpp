// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "mipflow/base/address.hpp"

namespace mipflow::mobile_node {

// A care-of address together with the interface that has it: packets with this outer source leave there.
struct CareOf {
  Address address;
  InterfaceIndex interface = 0;
  friend auto operator<=>(const CareOf&, const CareOf&) = default;
};

}  // namespace mipflow::mobile_node
