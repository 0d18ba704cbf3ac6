// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/base/bytes.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace mipflow;

TEST_CASE("what is written can be read") {
  const Address value = *Address::parse("2001:db8::1");
  Writer writer;
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0f);
  writer.address(value);
  writer.bytes(Bytes{0xaa, 0xbb});
  writer.zeros(3);
  CHECK(writer.size() == 15 + 16 + 2 + 3);
  for (std::size_t i = 0; i < 15; ++i) CHECK(writer.view()[i] == i + 1);  // network byte order

  Reader reader(writer.view(), 100);
  CHECK(reader.offset() == 100);
  CHECK(reader.u8() == 0x01);
  CHECK(reader.u16() == 0x0203);
  CHECK(reader.u32() == 0x04050607);
  CHECK(reader.u64() == 0x08090a0b0c0d0e0f);
  CHECK(reader.address() == value);
  CHECK(reader.offset() == 100 + 31);
  CHECK(reader.remaining() == 5);
  CHECK(reader.bytes(2)[1] == 0xbb);
  CHECK(reader.rest().size() == 3);
  reader.skip(3);
  CHECK(reader.remaining() == 0);
  CHECK_FALSE(reader.failed());
}

TEST_CASE("the first read past the end fails, and every later one too") {
  const Bytes bytes{1, 2, 3};
  SECTION("integers") {
    Reader reader(bytes);
    CHECK(reader.u32() == 0);
    CHECK(reader.failed());
    CHECK(reader.u8() == 0);  // though there would be one
    CHECK(reader.remaining() == 3);
  }
  SECTION("every kind of read") {
    Reader a(bytes), b(bytes), c(bytes), d(bytes), e(bytes);
    CHECK(a.u64() == 0);
    CHECK(b.address() == Address{});
    CHECK(c.bytes(4).empty());
    d.skip(4);
    CHECK(e.sub_reader(4).failed());
    for (const Reader* reader : {&a, &b, &c, &d, &e}) CHECK(reader->failed());
  }
  SECTION("lengths that would wrap") {
    Reader reader(bytes);
    reader.skip(1);
    reader.skip(std::numeric_limits<std::size_t>::max());
    CHECK(reader.failed());
    CHECK(reader.offset() == 1);
  }
  SECTION("an empty buffer") {
    Reader reader(BytesView{});
    CHECK_FALSE(reader.failed());
    CHECK(reader.u8() == 0);
    CHECK(reader.failed());
  }
}

TEST_CASE("a sub-reader sees its octets only and knows where they stand") {
  const Bytes bytes{1, 2, 3, 4, 5};
  Reader reader(bytes, 40);
  reader.skip(1);
  Reader sub = reader.sub_reader(2);
  CHECK(reader.offset() == 43);
  CHECK(sub.offset() == 41);
  CHECK(sub.u16() == 0x0203);
  CHECK(sub.u8() == 0);
  CHECK(sub.failed());
  CHECK_FALSE(reader.failed());
  CHECK(reader.u8() == 4);
}

TEST_CASE("patching overwrites what was written before") {
  Writer writer;
  writer.zeros(4);
  writer.patch_u16(1, 0xabcd);
  writer.patch_u8(3, 0xef);
  CHECK(writer.take() == Bytes{0, 0xab, 0xcd, 0xef});
}
