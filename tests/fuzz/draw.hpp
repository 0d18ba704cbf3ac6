// SPDX-License-Identifier: GPL-3.0-or-later
// Decisions made by the octets of an input. They come from its front, so that a change far behind leaves what was decided before
// as it was; behind the end every decision is the first possible one.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mipflow/base/address.hpp"
#include "mipflow/base/bytes.hpp"

namespace mipflow::fuzz {

class Draw {
 public:
  // `known`: addresses that are as likely as all others together. They have to outlive this.
  explicit Draw(BytesView input, std::span<const Address> known = {}) : left_(input), known_(known) {}

  bool is_over() const { return left_.empty(); }

  std::uint8_t u8() {
    if (left_.empty()) return 0;
    const std::uint8_t value = left_.front();
    left_ = left_.subspan(1);
    return value;
  }
  // In statements of their own: compilers differ in which side of an operator they look at first.
  std::uint16_t u16() {
    const std::uint8_t high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  std::uint64_t u64() {
    const std::uint64_t high = u32();
    return high << 32 | u32();
  }
  bool flag() { return (u8() & 1) != 0; }
  // 0 to bound - 1; `bound` is at most 256.
  std::size_t below(std::size_t bound) { return u8() % bound; }

  template <class Values>
  const auto& one_of(const Values& values) { return values[below(std::size(values))]; }

  template <std::size_t kSize>
  std::array<std::uint8_t, kSize> array() {
    std::array<std::uint8_t, kSize> out{};
    for (auto& octet : out) octet = u8();
    return out;
  }
  Address address() {
    if (!known_.empty()) {
      const std::uint8_t which = u8();
      if (which < 0xf0) return known_[which % known_.size()];
    }
    return {array<16>()};
  }
  template <class Value, class Make>
  std::optional<Value> perhaps(const Make& make) {
    if (!flag()) return std::nullopt;
    return make();
  }
  // As many octets as there are, but not more than asked for.
  BytesView view(std::size_t count) {
    const BytesView out = left_.first(std::min(count, left_.size()));
    left_ = left_.subspan(out.size());
    return out;
  }
  Bytes bytes(std::size_t count) {
    const BytesView out = view(count);
    return {out.begin(), out.end()};
  }
  // Up to `most` octets (at most 65,535), as the input says.
  Bytes some_bytes(std::size_t most) {
    const std::size_t count = most < 256 ? u8() : u16();
    return bytes(std::min(count, most));
  }
  std::string some_text(std::size_t most) {
    const Bytes out = some_bytes(most);
    return {out.begin(), out.end()};
  }
  // Everything that is left.
  BytesView rest() { return view(left_.size()); }

 private:
  BytesView left_;
  std::span<const Address> known_;
};

}  // namespace mipflow::fuzz
