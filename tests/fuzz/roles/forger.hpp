// SPDX-License-Identifier: GPL-3.0-or-later
// Somebody on the way who sees every packet and has no key: sends again what was sent, changed or not, and makes up packets between
// the addresses that there are.
#pragma once

#include <deque>

#include "fuzz/draw.hpp"
#include "mipflow/base/bytes.hpp"

namespace mipflow::fuzz {

class Forger {
 public:
  explicit Forger(Draw& draw) : draw_(draw) {}

  void overhear(const Bytes& packet);
  // Never empty.
  Bytes packet();

 private:
  static constexpr std::size_t kMostRemembered = 64;

  const Bytes* overheard();
  Bytes changed(Bytes packet);
  Bytes made_of_octets();

  Draw& draw_;
  std::deque<Bytes> overheard_;
};

// Makes the checksum of a Mobility Header or an ICMPv6 message right, for what else is wrong to be looked at.
void mend_checksum(Bytes& packet);

}  // namespace mipflow::fuzz
