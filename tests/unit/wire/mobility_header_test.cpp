// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/wire/mobility_header.hpp"

#include <catch2/catch.hpp>

#include "codec_harness.hpp"

using namespace mipflow;
using namespace mipflow::wire;
using namespace mipflow::test;

TEST_CASE("every message has its golden octets, comes back as it went, and survives every cut") {
  SECTION("Binding Refresh Request") { check_codec(BindingRefreshRequest{}, "3b00000000000000"); }
  SECTION("Home Test Init") { check_codec(HomeTestInit{0x0102030405060708, {}}, "3b010100000000000102030405060708"); }
  SECTION("Care-of Test Init") {
    check_codec(CareOfTestInit{0x1122334455667788, {}}, "3b010200000000001122334455667788");
  }
  SECTION("Home Test") {
    check_codec(HomeTest{0x0102, 0x1122334455667788, 0xa1a2a3a4a5a6a7a8, {}},
                "3b020300000001021122334455667788a1a2a3a4a5a6a7a8");
  }
  SECTION("Care-of Test") {
    check_codec(CareOfTest{0x0304, 0x1122334455667788, 0xa1a2a3a4a5a6a7a8, {}},
                "3b020400000003041122334455667788a1a2a3a4a5a6a7a8");
  }
  SECTION("Binding Update without options ends with PadN 4") {
    check_codec(BindingUpdate{.sequence = 0x1234, .acknowledge = true, .lifetime_units = 900},
                "3b0105000000" "1234" "8000" "0384" "01020000");
  }
  SECTION("each flag of the Binding Update has its bit, and the others are kept") {
    check_codec(BindingUpdate{.home_registration = true}, "3b0105000000" "0000" "4000" "0000" "01020000");
    check_codec(BindingUpdate{.link_local_address_compatibility = true}, "3b0105000000" "0000" "2000" "0000" "01020000");
    check_codec(BindingUpdate{.key_management_mobility_capability = true}, "3b0105000000" "0000" "1000" "0000" "01020000");
    check_codec(BindingUpdate{.other_flags = 0x0fff}, "3b0105000000" "0000" "0fff" "0000" "01020000");
  }
  SECTION("Binding Acknowledgement: status, flags, sequence, lifetime") {
    check_codec(BindingAcknowledgement{.status = BindingStatus::SequenceNumberOutOfWindow,
                                       .key_management_mobility_capability = true,
                                       .other_flags = 0x41,
                                       .sequence = 0x2000,
                                       .lifetime_units = 0x0102},
                "3b0106000000" "87" "c1" "2000" "0102" "01020000");
  }
  SECTION("Binding Error") {
    check_codec(BindingError{BindingErrorStatus::UnrecognizedMobilityType, address("2001:db8:100::100"), {}},
                "3b0207000000" "02" "00" "20010db8010000000000000000000100");
  }
}

TEST_CASE("RFC 6275 §9.2: the checks stand in their order") {
  // Everything is wrong at once; then one thing after the other is put right.
  Bytes header = encode(BindingUpdate{.sequence = 7});
  header.resize(8);
  header[0] = 6;   // Payload Proto
  header[1] = 0;   // Header Len: 8 octets
  header[2] = 77;  // MH Type
  header[4] = 0xba;

  CHECK(decode_at(header, 100).error() == DecodeError{DecodeErrorKind::ChecksumWrong, 104});
  fill_checksum(header, kHarnessSource, kHarnessDestination);
  CHECK(decode_at(header, 100).error() == DecodeError{DecodeErrorKind::UnknownMobilityType, 102});
  header[2] = 5;
  fill_checksum(header, kHarnessSource, kHarnessDestination);
  CHECK(decode_at(header, 100).error() == DecodeError{DecodeErrorKind::PayloadProtoWrong, 100});
  header[0] = 59;
  fill_checksum(header, kHarnessSource, kHarnessDestination);
  CHECK(decode_at(header, 100).error() == DecodeError{DecodeErrorKind::HeaderLenTooSmall, 101});
}

TEST_CASE("every message type refuses the largest header that is too small for it") {
  const MobilityMessage messages[] = {HomeTestInit{}, CareOfTestInit{}, HomeTest{},  CareOfTest{},
                                      BindingUpdate{}, BindingAcknowledgement{}, BindingError{}};
  for (const MobilityMessage& message : messages) {
    INFO(to_string(type_of(message)));
    Bytes header = encode(message);
    header.resize(header.size() - 8);
    CHECK(decode_at(mended(header)).error() == DecodeError{DecodeErrorKind::HeaderLenTooSmall, 1});
  }
}

TEST_CASE("MH types behind 7 are unknown") {
  for (unsigned type = 8; type < 256; ++type) {
    Bytes header = encode(BindingRefreshRequest{});
    header[2] = static_cast<std::uint8_t>(type);
    CHECK(decode_at(mended(header)).error() == DecodeError{DecodeErrorKind::UnknownMobilityType, 2});
  }
}

TEST_CASE("octets behind the header's own length are neither summed nor read") {
  Bytes header = mended(encode(HomeTestInit{42, {}}));
  header.insert(header.end(), {0xde, 0xad, 0xbe, 0xef});
  const auto decoded = decode_at(header);
  REQUIRE(decoded);
  CHECK(std::get<HomeTestInit>(*decoded).home_init_cookie == 42);
}

TEST_CASE("the checksum covers both addresses") {
  const Bytes header = mended(encode(HomeTestInit{42, {}}));
  CHECK(checksum_is_right(header, kHarnessSource, kHarnessDestination));
  CHECK_FALSE(checksum_is_right(header, address("2001:db8:200::6"), kHarnessDestination));
  CHECK_FALSE(checksum_is_right(header, kHarnessSource, address("2001:db8:100::2")));
}

TEST_CASE("sequence numbers: RFC 6275 §9.5.1, its example for 15 and the wrap") {
  for (unsigned candidate = 0; candidate <= 65535; ++candidate)
    REQUIRE(sequence_is_newer(static_cast<std::uint16_t>(candidate), 15) == (candidate >= 16 && candidate <= 32782));
  CHECK(sequence_is_newer(0, 0xffff));
  CHECK(sequence_is_newer(1, 0xfffe));
  CHECK_FALSE(sequence_is_newer(0xffff, 0));
}

TEST_CASE("random octets behind a good header never do more than decode, and what decodes can be written again") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes header(8 + 8 * (random() % 24));
    for (auto& octet : header) octet = static_cast<std::uint8_t>(random());
    header[0] = 59;
    header[2] = static_cast<std::uint8_t>(random() % 9);
    // Small numbers make options that are known and lengths that fit.
    for (std::size_t i = 8; i < header.size(); ++i)
      if (random() % 2) header[i] = static_cast<std::uint8_t>(header[i] % 20);
    header = mended(header);
    const auto decoded = decode_at(header);
    if (!decoded) {
      CHECK(decoded.error().offset <= header.size());
      continue;
    }
    ++accepted;
    const auto again = decode_at(mended(encode(*decoded)));
    REQUIRE(again);
    CHECK(*again == *decoded);
  }
  CHECK(accepted > 100);
}
