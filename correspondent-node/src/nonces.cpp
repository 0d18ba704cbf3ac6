// SPDX-License-Identifier: GPL-3.0-or-later
#include "nonces.hpp"

#include "mipflow/base/bytes.hpp"
#include "mipflow/base/crypto.hpp"

namespace mipflow::correspondent_node {

Nonces::Nonces(RandomSource& random) : random_(random), next_index_(random.next_u16()) {
  for (std::uint8_t& octet : node_key_) octet = static_cast<std::uint8_t>(random_.next_u64());
}

const Nonce& Nonces::current(TimePoint now, TimePoint void_until) {
  on_deadline(now);
  const auto is_good = [&](const Nonce& nonce) {
    const Duration age = now - (nonce.ends - wire::kMaxNonceLifetime);
    return age < (nonce.ends > void_until ? kRenewedAfter : kRenewedAtMostEvery);
  };
  if (nonces_.empty() || !is_good(nonces_.back()))
    nonces_.push_back({random_.next_u64(), now + wire::kMaxNonceLifetime, next_index_++});
  return nonces_.back();
}

std::optional<Nonce> Nonces::find(std::uint16_t index, TimePoint now) const {
  if (nonces_.empty()) return std::nullopt;
  // Indices count up, and around.
  const auto position = static_cast<std::uint16_t>(index - nonces_.front().index);
  if (position >= nonces_.size() || nonces_[position].ends <= now) return std::nullopt;
  return nonces_[position];
}

// RFC 6275 §5.2.5: First(64, HMAC_SHA1(Kcn, address | nonce | 0 or 1))
wire::KeygenToken Nonces::token(TokenKind kind, const Address& address, const Nonce& nonce) const {
  Writer input;
  input.address(address);
  input.u64(nonce.value);
  input.u8(static_cast<std::uint8_t>(kind));
  const Sha1Digest digest = hmac_sha1(node_key_, input.view());
  return Reader(digest).u64();
}

void Nonces::on_deadline(TimePoint now) {
  while (!nonces_.empty() && nonces_.front().ends <= now) nonces_.pop_front();
}

}  // namespace mipflow::correspondent_node
