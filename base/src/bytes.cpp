// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/bytes.hpp"

#include <cassert>
#include <cstring>

namespace mipflow {

bool Reader::take(std::size_t count) {
  // Compares with what is left, never adds: `count` comes from the network and the sum could wrap.
  if (failed_ || count > remaining()) {
    failed_ = true;
    return false;
  }
  position_ += count;
  return true;
}

std::uint8_t Reader::u8() { return take(1) ? bytes_[position_ - 1] : std::uint8_t{0}; }

std::uint16_t Reader::u16() {
  if (!take(2)) return 0;
  const std::uint8_t* p = bytes_.data() + position_ - 2;
  return static_cast<std::uint16_t>(p[0] << 8 | p[1]);
}

std::uint32_t Reader::u32() {
  if (!take(4)) return 0;
  const std::uint8_t* p = bytes_.data() + position_ - 4;
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}

std::uint64_t Reader::u64() {
  if (!take(8)) return 0;
  const std::uint8_t* p = bytes_.data() + position_ - 8;
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | p[i];
  return value;
}

Address Reader::address() {
  Address value;
  if (take(16)) std::memcpy(value.octets.data(), bytes_.data() + position_ - 16, 16);
  return value;
}

BytesView Reader::bytes(std::size_t count) {
  if (!take(count)) return {};
  return bytes_.subspan(position_ - count, count);
}

void Reader::skip(std::size_t count) { take(count); }

Reader Reader::sub_reader(std::size_t count) {
  const std::size_t start = offset();
  Reader sub(bytes(count), start);
  sub.failed_ = failed_;
  return sub;
}

void Writer::u8(std::uint8_t value) { out_.push_back(value); }

void Writer::u16(std::uint16_t value) {
  u8(static_cast<std::uint8_t>(value >> 8));
  u8(static_cast<std::uint8_t>(value));
}

void Writer::u32(std::uint32_t value) {
  u16(static_cast<std::uint16_t>(value >> 16));
  u16(static_cast<std::uint16_t>(value));
}

void Writer::u64(std::uint64_t value) {
  u32(static_cast<std::uint32_t>(value >> 32));
  u32(static_cast<std::uint32_t>(value));
}

void Writer::address(const Address& value) { bytes(value.octets); }
void Writer::bytes(BytesView value) { out_.insert(out_.end(), value.begin(), value.end()); }
void Writer::zeros(std::size_t count) { out_.resize(out_.size() + count); }

void Writer::patch_u16(std::size_t offset, std::uint16_t value) {
  assert(offset + 2 <= out_.size());
  out_[offset] = static_cast<std::uint8_t>(value >> 8);
  out_[offset + 1] = static_cast<std::uint8_t>(value);
}

void Writer::patch_u8(std::size_t offset, std::uint8_t value) {
  assert(offset < out_.size());
  out_[offset] = value;
}

}  // namespace mipflow
