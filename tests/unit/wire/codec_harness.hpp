// SPDX-License-Identifier: GPL-3.0-or-later
// What every Mobility Header message has to pass: golden octets, round trip, every truncation.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "mipflow/wire/mobility_header.hpp"
#include "vectors.hpp"

namespace mipflow::test {

inline const Address kHarnessSource = address("2001:db8:200::5");
inline const Address kHarnessDestination = address("2001:db8:100::1");

inline const wire::MobilityOptions& options_of(const wire::MobilityMessage& message) {
  return std::visit([](const auto& concrete) -> const wire::MobilityOptions& { return concrete.options; }, message);
}

// Sets Header Len to what is there and the checksum to what fits, so that only the contents are left to be refused.
inline Bytes mended(Bytes header) {
  header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
  wire::fill_checksum(header, kHarnessSource, kHarnessDestination);
  return header;
}

inline Expected<wire::MobilityMessage, wire::DecodeError> decode_at(const Bytes& header, std::size_t base = 0) {
  return wire::decode_mobility_header(header, kHarnessSource, kHarnessDestination, base);
}

// `golden`: the Mobility Header in hex with Checksum 0.
inline void check_codec(const wire::MobilityMessage& message, std::string_view golden) {
  const Bytes header = wire::encode(message);
  CHECK(to_hex(header) == golden);
  CHECK(header.size() % 8 == 0);

  const Bytes whole = mended(header);
  const auto decoded = decode_at(whole);
  REQUIRE(decoded);
  CHECK(*decoded == message);

  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    const auto refused = decode_at(cut, 1000);
    REQUIRE(!refused);
    CHECK(refused.error() == wire::DecodeError{wire::DecodeErrorKind::Truncated, 1000 + length});
    if (length == 0 || length % 8 != 0) continue;
    // The same cut, but with a length and a checksum that pretend nothing happened: may decode only to less.
    const auto less = decode_at(mended(cut));
    if (!less) continue;
    CHECK(less->index() == message.index());
    CHECK(std::ranges::equal(options_of(*less), std::span(options_of(message)).first(options_of(*less).size())));
  }
}

}  // namespace mipflow::test
