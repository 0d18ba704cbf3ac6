// SPDX-License-Identifier: GPL-3.0-or-later
// Input: one octet that says what is made right (1: Header Len, 2: the checksum, without which nothing else is looked at), then a
// Mobility Header.
#include "mipflow/wire/mobility_header.hpp"

#include <algorithm>

#include "fuzz/wire/round_trip.hpp"
#include "mipflow/wire/return_routability.hpp"

namespace mipflow::fuzz {

namespace {

using namespace wire;

// The padding that our own alignment wants may make a message longer than a header can be.
bool has_room_for_padding(const Bytes& header, const MobilityMessage& message) {
  const auto options = std::visit([](const auto& concrete) { return concrete.options.size(); }, message);
  return header.size() + 8 * (options + 1) <= 2048;
}

}  // namespace

void fuzz_mobility_header(BytesView input);
void fuzz_mobility_header(BytesView input) {
  if (input.empty()) return;
  const std::uint8_t mend = input.front();
  Bytes header(input.begin() + 1, input.end());
  if ((mend & 1) != 0 && header.size() >= 8) {
    header.resize(std::min<std::size_t>(header.size() / 8 * 8, 2048));
    header[1] = static_cast<std::uint8_t>(header.size() / 8 - 1);
  }
  if ((mend & 2) != 0 && header.size() >= 8) {
    const std::size_t length = (std::size_t{header[1]} + 1) * 8;
    if (length <= header.size()) {
      Bytes covered(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(length));
      fill_checksum(covered, kSource, kDestination);
      std::ranges::copy(covered, header.begin());
    }
  }
  constexpr std::size_t kBase = 40;
  const auto decode = [](BytesView octets) { return decode_mobility_header(octets, kSource, kDestination, kBase); };
  const auto message = decode(header);
  if (!message) {
    must(message.error().offset >= kBase && message.error().offset <= kBase + header.size(), "the offset of an error is outside of the packet");
    return;
  }
  must(type_of(*message) == static_cast<MobilityType>(header[2]), "decoded as another type");
  // Nobody has this key.
  must(!binding_authorization_is_right(header, Sha1Digest{1, 2, 3}, kSource, kDestination), "a binding authorization of nobody is right");
  if (!has_room_for_padding(header, *message)) return;
  must_come_back(
      *message,
      [](const MobilityMessage& value) {
        Bytes octets = encode(value);
        fill_checksum(octets, kSource, kDestination);
        return octets;
      },
      decode);
}

}  // namespace mipflow::fuzz
