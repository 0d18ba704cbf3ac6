// SPDX-License-Identifier: GPL-3.0-or-later
// The secrets behind the keygen tokens, RFC 6275 §5.2.1, §5.2.2 and §5.2.7.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "mipflow/base/address.hpp"
#include "mipflow/base/random.hpp"
#include "mipflow/base/time.hpp"
#include "mipflow/wire/constants.hpp"
#include "mipflow/wire/mobility_header.hpp"

namespace mipflow::correspondent_node {

// The octet that ends what a token is made of (§5.2.5), so that none serves as the other.
enum class TokenKind : std::uint8_t { Home = 0, CareOf = 1 };

struct Nonce {
  std::uint64_t value;
  TimePoint ends;  // not accepted from here on
  std::uint16_t index;
};

// The node key Kcn and the nonces. Nothing is kept per mobile node: a token is made again from the address and the nonce
// whenever it is needed. A nonce comes into being when it is first used; while nobody asks there is none.
class Nonces {
 public:
  // A new one every so often: a token then serves for MAX_TOKEN_LIFETIME at least, MAX_NONCE_LIFETIME at most.
  static constexpr Duration kRenewedAfter = wire::kMaxNonceLifetime - wire::kMaxTokenLifetime;
  // One that became void before that is renewed as well, but no more often than this: so there are never more than 240.
  static constexpr Duration kRenewedAtMostEvery = std::chrono::seconds{1};

  explicit Nonces(RandomSource& random);

  // The nonce that tokens are made of now. `void_until`: nonces that end by then would not be accepted from strangers.
  const Nonce& current(TimePoint now, TimePoint void_until = {});
  // nullopt when the index is unknown or its nonce too old.
  std::optional<Nonce> find(std::uint16_t index, TimePoint now) const;
  wire::KeygenToken token(TokenKind kind, const Address& address, const Nonce& nonce) const;

  // §5.2.2: what has expired is not kept either.
  TimePoint next_deadline() const { return nonces_.empty() ? kNever : nonces_.front().ends; }
  void on_deadline(TimePoint now);

  std::size_t size() const { return nonces_.size(); }

 private:
  RandomSource& random_;
  std::array<std::uint8_t, 20> node_key_{};  // Kcn
  std::deque<Nonce> nonces_;                 // oldest first
  // Begins anywhere: after a restart a mobile node's old index is most likely unknown and it is told so, by status 136 to
  // 138, where a known one would make its authenticator wrong and the answer silence.
  std::uint16_t next_index_;
};

}  // namespace mipflow::correspondent_node
