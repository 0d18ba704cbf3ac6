// SPDX-License-Identifier: GPL-3.0-or-later
// Bounded reading and writing of network byte order. All length arithmetic on received bytes lives here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mipflow/base/address.hpp"

namespace mipflow {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

// Reads a buffer front to back with sticky failure: after the first read past the end every read yields zeros and
// failed() stays true, so a decoder may read a whole fixed part and ask once.
class Reader {
 public:
  explicit Reader(BytesView bytes, std::size_t base_offset = 0) : bytes_(bytes), base_(base_offset) {}

  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  Address address();
  BytesView bytes(std::size_t count);  // empty on failure
  void skip(std::size_t count);
  // A reader for the next `count` octets only; a failed reader when there are fewer.
  Reader sub_reader(std::size_t count);

  std::size_t remaining() const { return bytes_.size() - position_; }
  // Offset of the next octet from the start of the outermost buffer: the pointer of an ICMPv6 Parameter Problem.
  std::size_t offset() const { return base_ + position_; }
  bool failed() const { return failed_; }
  BytesView rest() const { return bytes_.subspan(position_); }

 private:
  bool take(std::size_t count);

  BytesView bytes_;
  std::size_t base_;
  std::size_t position_ = 0;
  bool failed_ = false;
};

// Appends in network byte order.
class Writer {
 public:
  void u8(std::uint8_t value);
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void address(const Address& value);
  void bytes(BytesView value);
  void zeros(std::size_t count);
  // Overwrites two octets written before; `offset` + 2 must not exceed size().
  void patch_u16(std::size_t offset, std::uint16_t value);
  void patch_u8(std::size_t offset, std::uint8_t value);

  std::size_t size() const { return out_.size(); }
  const Bytes& view() const { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

}  // namespace mipflow
