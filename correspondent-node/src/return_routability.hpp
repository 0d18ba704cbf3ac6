// SPDX-License-Identifier: GPL-3.0-or-later
// The correspondent node's side of return routability, RFC 6275 §5.2.5 and §9.4.
#pragma once

#include "binding_cache.hpp"
#include "mipflow/base/role.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/packet.hpp"
#include "nonces.hpp"

namespace mipflow::correspondent_node {

// Answers to where the question came from, and forgets both. There is no limit on how many: one answer of 64 octets for
// one question of 56 is no lever, and any limit shared by all would let a flood of one stop the tests of the others.
class ReturnRoutability {
 public:
  ReturnRoutability(Nonces& nonces, const BindingCache& cache) : nonces_(nonces), cache_(cache) {}

  // True when it was answered.
  bool answer(const wire::HomeTestInit& init, const wire::PacketView& view, TimePoint now, Outputs& outputs);
  bool answer(const wire::CareOfTestInit& init, const wire::PacketView& view, TimePoint now, Outputs& outputs);

 private:
  Nonces& nonces_;
  const BindingCache& cache_;
};

}  // namespace mipflow::correspondent_node
